import gzip
import json
import os
from pathlib import Path

from audit.read.access_log import Line, Torn, files, parse, read

ID = "01a1f930-49c4-7000-8000-000000000001"


def row(**changes: object) -> bytes:
    fields: dict[str, object] = {
        "start": "1795180292.818771", "request_id": "r", "exchange": ID, "effect": "allow", "connection": "openai",
        "status": 200, "flags": "-", "duration_ms": 12, "attempts": 1, "decision": None,
    }  # fmt: skip
    return json.dumps(fields | changes).encode() + b"\n"


def one(line: bytes) -> Line | Torn:
    (found,) = parse(line, "log:1")
    return found


def test_a_line_as_envoy_writes_it():
    found = one(row())
    assert isinstance(found, Line)
    assert (found.start_us, found.end_us) == (1_795_180_292_818_771, 1_795_180_292_830_771)
    assert (found.exchange, found.effect, found.flags, found.attempts) == (ID, "allow", "", 1)


def test_what_is_not_there_is_empty():
    found = one(row(exchange=None, effect=None, duration_ms=None, attempts=None))
    assert isinstance(found, Line)
    assert (found.exchange, found.effect, found.attempts, found.end_us - found.start_us) == ("", "", 0, 0)
    made_up = one(row(effect="<script>"))
    assert isinstance(made_up, Line)
    assert made_up.effect == "unknown"


def test_what_is_no_line():
    for bad in (b"\n", b"[]\n", b"{}\n", b'{"start":1}\n', row(start="x"), row(status="many"), b"\xff\n", b"[" * 9000):
        assert one(bad) == Torn("log:1"), bad


def test_the_first_line_of_the_next_envoy_behind_half_a_line_of_a_killed_one():
    torn, line = parse(row()[:40] + row(exchange="next"), "log:7")
    assert torn == Torn("log:7")
    assert isinstance(line, Line)
    assert line.exchange == "next"


def test_a_file_that_is_still_being_written_ends_before_its_last_half_line(tmp_path: Path):
    log = tmp_path / "access.log"
    log.write_bytes(row() + row()[:50])
    assert len(list(read(log))) == 1


def test_rotated_files_come_first_and_may_be_packed(tmp_path: Path):
    log = tmp_path / "access.log"
    for age, name in enumerate(("access.log.2.gz", "access.log.1", "access.log")):
        content = row(exchange=name)
        (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
        os.utime(tmp_path / name, (1_000_000 + age, 1_000_000 + age))
    (tmp_path / "other.log").write_bytes(row())
    found = [line.exchange for file in files(log) for line in read(file) if isinstance(line, Line)]
    assert found == ["access.log.2.gz", "access.log.1", "access.log"]


def test_a_packed_file_that_is_cut_off_is_said(tmp_path: Path):
    log = tmp_path / "access.log.1.gz"
    log.write_bytes(gzip.compress(b"".join(row(exchange=str(n)) for n in range(500)))[:-20])
    assert isinstance(list(read(log))[-1], Torn)
