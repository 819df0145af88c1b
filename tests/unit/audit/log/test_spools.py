import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from audit.log.spools import Spools, beyond_repair, spans
from tests.kit.shipping import House, say


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.close()


def test_finds_every_spool_and_the_one_that_approvals_keeps_with_its_state(house: House):
    house.writer("one")
    (house.state / "approvals.db").write_bytes(b"")
    assert [path.name for path in Spools(house.state).paths()] == ["one.db", "approvals.db"]


def test_reads_in_order_and_in_portions(house: House):
    writer = house.writer("one")
    say(writer, "a", "b", "c", frame=b"12345")
    with house.spools.open() as opened:
        (spool,) = opened.values()
        assert [event.seq for event in spool.after(1, rows=2)] == [2, 3]
        assert [event.seq for event in spool.after(1, size=1)] == [2]
        assert sorted(spool.events(2, 3)) == [2, 3]
        assert spool.frame_sizes(1, 4) == {2: 5, 3: 5, 4: 5}
        assert [(frame.seq, frame.content) for frame in spool.frames(3, 4)] == [(3, b"12345"), (4, b"12345")]
        assert spool.last() == 4
        spool.check()


def test_reading_writes_nothing_and_needs_no_writer(house: House):
    writer = house.writer("one")
    say(writer, "a")
    writer.release()  # as after kill -9: no stop, the WAL is left behind
    with house.spools.open() as opened:
        (spool,) = opened.values()
        assert spool.last() == 2
        with pytest.raises(sqlite3.OperationalError):
            spool._conn.execute("DELETE FROM events")


def test_a_locked_spool_is_busy_and_a_damaged_one_is_gone(house: House):
    writer = house.writer("one")
    writer.release()
    (house.state / "spool" / "bad.db").write_bytes(b"x" * 10_000)
    with house.spools.open() as opened:
        assert (len(opened), opened.busy) == (1, False)
    stranger = sqlite3.connect(writer.path, isolation_level=None)
    stranger.execute("PRAGMA locking_mode = EXCLUSIVE")
    stranger.execute("BEGIN EXCLUSIVE")
    with house.spools.open() as opened:
        assert (len(opened), opened.busy) == (0, True)
    stranger.close()


def test_spans_and_repair():
    assert spans([("a", 3), ("b", 1), ("a", 5)]) == {"a": (3, 5), "b": (1, 1)}
    assert not beyond_repair(sqlite3.OperationalError("locked"))
