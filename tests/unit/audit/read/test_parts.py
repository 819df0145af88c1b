from dataclasses import replace
from pathlib import Path

from audit.read.access_log import Line
from audit.read.parts import GZIP_RATIO, PART_BYTES, Parts, parts_for

LINE = Line("access.log:1", 1, 2, "r1", "x1", "allow", "openai", 200, "", 1)


def test_every_line_comes_back_in_one_part(tmp_path: Path):
    lines = [replace(LINE, exchange=f"x{n}", request_id='a"\u00e9\n') for n in range(100)]
    with Parts(tmp_path, 7) as parts:
        for line in [
            *lines,
            replace(LINE, exchange="", request_id="gone\n"),
            replace(LINE, exchange="", request_id=""),
        ]:
            parts.keep(line)
        found = [list(parts.lines(number)) for number in range(7)]
        assert sorted((line for part in found for line in part), key=lambda line: int(line.exchange[1:])) == lines
        assert sum(map(bool, found)) == 7
        assert list(parts.nameless()) == list(parts.nameless()) == ["gone\n"]


def test_as_many_parts_as_fit_into_memory(tmp_path: Path):
    plain, packed = tmp_path / "access.log", tmp_path / "access.log.1.gz"
    for path, size in ((plain, 3 * PART_BYTES), (packed, PART_BYTES // GZIP_RATIO)):
        with path.open("wb") as file:
            file.truncate(size)
    assert parts_for([plain]) == 4
    assert parts_for([plain, packed]) == 5
    assert parts_for([]) == 1
