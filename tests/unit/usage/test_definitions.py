"""What is remembered of tools: what was said first, and what was said last."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from usage.definitions import FILE, MAX_TOOLS, Definition, Definitions, Known, Memory


@pytest.fixture(params=["file", "memory"])
def known(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Known]:
    if request.param == "memory":
        yield Memory()
        return
    with Definitions(tmp_path) as opened:
        yield opened


def test_first_and_last(known: Known) -> None:
    assert known.of("tickets", "search") is None
    assert known.seen("tickets", {"search": "a", "close": "x"}, 1) == {"search": None, "close": None}
    assert known.of("tickets", "search") == Definition("a", "a")
    assert known.seen("tickets", {"search": "a"}, 2) == {}
    assert known.seen("tickets", {"search": "b"}, 3) == {"search": Definition("a", "a")}
    assert known.of("tickets", "search") == Definition("a", "b")
    assert known.seen("tickets", {"search": "a"}, 4) == {"search": Definition("a", "b")}
    assert known.of("tickets", "search") == Definition("a", "a")


def test_connections_are_apart(known: Known) -> None:
    known.seen("tickets", {"search": "a"}, 1)
    assert known.of("other", "search") is None
    assert known.seen("other", {"search": "b"}, 1) == {"search": None}
    assert known.of("tickets", "search") == Definition("a", "a")


def test_a_file_is_there_after_a_restart_and_for_others(tmp_path: Path) -> None:
    with Definitions(tmp_path) as writer, Definitions(tmp_path) as reader:
        writer.seen("tickets", {"search": "a"}, 1)
        assert reader.of("tickets", "search") == Definition("a", "a")
        writer.seen("tickets", {"search": "b"}, 2)
        assert reader.of("tickets", "search") == Definition("a", "b")
    with Definitions(tmp_path) as again:
        assert again.of("tickets", "search") == Definition("a", "b")
    assert (tmp_path / FILE).stat().st_mode & 0o077 == 0


def test_a_server_cannot_fill_the_disk(tmp_path: Path) -> None:
    with Definitions(tmp_path) as known:
        many = {f"t{number}": "a" for number in range(MAX_TOOLS + 10)}
        assert len(known.seen("tickets", many, 1)) == MAX_TOOLS
        assert known.of("tickets", f"t{MAX_TOOLS + 5}") is None
        assert known.seen("tickets", {"t0": "b"}, 2) == {"t0": Definition("a", "a")}
