import json
import resource
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from audit.write import tables
from audit.write.commit import Committer
from audit.write.event import Caller, Draft, Entry, Kind
from runtime.clock import FixedClock

CLOCK = FixedClock()


def committer(tmp_path: Path, max_bytes: int = 1 << 24) -> Committer:
    return Committer(tmp_path / "spool" / "a.db", "a", "exeat", max_bytes, 20, CLOCK, tmp_path / "log" / "cursor.db")


def group(text: str = "x") -> list[Entry]:
    return tables.entries_of([Draft(Kind.CONFIG, "t", caller=Caller("i", "s"), data={"k": text})], CLOCK)


def types(path: Path) -> list[str]:
    conn = sqlite3.connect(path)
    found = [json.loads(row[0])["type"] for row in conn.execute("SELECT body FROM events ORDER BY seq")]
    conn.close()
    return found


@contextmanager
def full_disk(limit: int) -> Iterator[None]:
    """No file of this process may grow beyond `limit` bytes: writes fail as they do on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_starts_commits_and_stops(tmp_path: Path):
    spool = committer(tmp_path)
    spool.open()
    assert spool.commit([group(), group()]) == [None, None]
    spool.close()
    assert types(spool.path) == ["lifecycle.start", "t", "t", "lifecycle.stop"]
    assert stat.S_IMODE(spool.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(spool.path.parent.stat().st_mode) == 0o700


def test_a_second_writer_is_refused_and_the_lock_goes_with_the_first(tmp_path: Path):
    first, second = committer(tmp_path), committer(tmp_path)
    first.open()
    with pytest.raises(tables.SpoolLocked):
        second.open()
    first.close()
    second.open()
    second.close()


def test_one_group_too_large_does_not_refuse_the_others(tmp_path: Path):
    spool = committer(tmp_path, max_bytes=10_000)
    spool.open()
    verdicts = spool.commit([group("a"), group("x" * 20_000), group("b")])
    assert [type(verdict) for verdict in verdicts] == [type(None), tables.SpoolFull, type(None)]
    spool.close()
    assert types(spool.path).count("t") == 2


def test_a_full_disk_closes_the_spool_until_writes_work_again(tmp_path: Path):
    spool = committer(tmp_path)
    spool.open()
    spool.commit([group("before")])
    with full_disk(4096):
        with pytest.raises(tables.SpoolDown) as caught:
            spool.commit([group("x" * 50_000)])
        assert caught.value.code == "spool_down"
        assert spool.down_since == CLOCK.now_us()
        assert not spool.recover(3)
    assert spool.recover(3)
    assert spool.down_since is None
    spool.commit([group("after")])
    spool.close()
    assert types(spool.path) == ["lifecycle.start", "t", "lifecycle.recovered", "t", "lifecycle.stop"]


def test_a_file_that_is_no_database_is_refused_in_one_sentence(tmp_path: Path):
    spool = committer(tmp_path)
    spool.path.parent.mkdir()
    spool.path.write_bytes(b"not a database" * 1000)
    with pytest.raises(tables.SpoolDown, match="SQLITE_NOTADB"):
        spool.open()
    spool.path.unlink()
    spool.open()  # the failed attempt kept no lock
    spool.close()


def test_an_old_copy_of_the_spool_is_refused(tmp_path: Path):
    """Its next events would take sequence numbers that stand in the signed log already."""
    spool = committer(tmp_path)
    spool.open()
    spool.close()
    old = spool.path.read_bytes()
    spool.open()
    spool.commit([group()])
    (tmp_path / "log").mkdir()
    with sqlite3.connect(tmp_path / "log" / "cursor.db") as conn:
        conn.execute("CREATE TABLE acked (writer TEXT PRIMARY KEY, seq INTEGER NOT NULL)")
        conn.execute("INSERT INTO acked SELECT value, 4 FROM (SELECT ? AS value)", (tables.head(spool.conn).writer,))
    conn.close()
    spool.close()
    spool.path.write_bytes(old)
    with pytest.raises(tables.SpoolRolledBack, match="move the file away"):
        spool.open()
    spool.path.unlink()
    spool.open()
    spool.close()
