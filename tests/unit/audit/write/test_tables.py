import contextlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from audit.write import tables
from audit.write.commit import Committer
from audit.write.event import Caller, Draft, EventInvalid, Frame, Kind
from runtime.clock import FixedClock

CLOCK = FixedClock()


@pytest.fixture
def conn() -> Iterator[sqlite3.Connection]:
    conn = sqlite3.connect(":memory:", isolation_level=None)
    start(conn)
    yield conn
    conn.close()


def start(conn: sqlite3.Connection, max_bytes: int = 1 << 20) -> None:
    tables.install(conn, role="approvals", gateway="exeat", max_bytes=max_bytes, reserved_percent=20, clock=CLOCK)


def fill(conn: sqlite3.Connection, draft: Draft) -> None:
    for _ in range(100):
        tables.append(conn, [draft], CLOCK)


def bodies(conn: sqlite3.Connection) -> list[dict]:
    return [json.loads(row[0]) for row in conn.execute("SELECT body FROM events ORDER BY seq")]


def cursor(tmp_path: Path, writer: str, seq: int) -> Path:
    path = tmp_path / "cursor.db"
    with sqlite3.connect(path) as made:
        made.execute("CREATE TABLE IF NOT EXISTS acked (writer TEXT PRIMARY KEY, seq INTEGER NOT NULL)")
        made.execute("INSERT OR REPLACE INTO acked VALUES (?,?)", (writer, seq))
    made.close()
    return path


def test_each_start_opens_an_epoch_that_names_the_head_before(conn: sqlite3.Connection):
    tables.append(conn, [Draft(Kind.APPROVAL, "approval.requested")], CLOCK)
    tables.finish(conn, CLOCK)
    before = tables.head(conn)
    start(conn)
    start(conn)  # the second one without a stop before it
    story = [(body["type"], body["epoch"]) for body in bodies(conn)]
    assert story == [
        ("lifecycle.start", 1),
        ("approval.requested", 1),
        ("lifecycle.stop", 1),
        ("lifecycle.start", 2),
        ("lifecycle.start", 3),
    ]
    second, third = bodies(conn)[3]["data"], bodies(conn)[4]["data"]
    assert second["previous_head"] == before.hash.hex()
    assert (second["previous_stopped"], third["previous_stopped"]) == (True, False)
    assert len({body["writer"] for body in bodies(conn)}) == 1


def test_append_is_part_of_the_callers_transaction(conn: sqlite3.Connection):
    head = tables.head(conn)
    conn.execute("BEGIN")
    hashes = tables.append(conn, [Draft(Kind.APPROVAL, "a"), Draft(Kind.APPROVAL, "b")], CLOCK)
    assert hashes[-1] == tables.head(conn).hash
    conn.execute("ROLLBACK")
    assert tables.head(conn) == head
    assert len(bodies(conn)) == 1


def test_append_works_with_the_default_transactions_of_python(tmp_path: Path):
    conn = sqlite3.connect(tmp_path / "a.db")
    conn.row_factory = sqlite3.Row
    with conn:
        start(conn)
    conn.execute("INSERT INTO meta VALUES ('x', 1)")
    with pytest.raises(EventInvalid), conn:
        tables.append(conn, [Draft(Kind.APPROVAL, "a", data={"n": 1.5})], CLOCK)  # type: ignore[dict-item]
    assert conn.execute("SELECT count(*) FROM meta WHERE key = 'x'").fetchone()[0] == 0
    conn.close()


def test_frames_keep_salt_content_and_place(conn: sqlite3.Connection):
    frames = (Frame(4, 5, "request", "text/plain", b"\xff\x00"), Frame(5, 6, "response", "text/plain", b""))
    tables.append(conn, [Draft(Kind.FRAME, "frame.recorded", "x", "s", frames=frames)], CLOCK)
    rows = conn.execute("SELECT seq, ordinal, direction, idx, at_us, media, content, exchange, session FROM frames")
    assert rows.fetchall() == [
        (2, 0, "request", 4, 5, "text/plain", b"\xff\x00", "x", "s"),
        (2, 1, "response", 5, 6, "text/plain", b"", "x", "s"),
    ]
    salts = [row[0] for row in conn.execute("SELECT salt FROM frames")]
    assert len(set(salts)) == 2
    assert {len(salt) for salt in salts} == {16}


def test_strangers_cannot_fill_the_reserved_part(conn: sqlite3.Connection):
    start(conn, max_bytes=20_000)
    stranger = Draft(Kind.DECISION, "decision.refused", data={"k": "x" * 1000})
    known = Draft(Kind.DECISION, "decision.allow", caller=Caller("i", "s", "a"), data={"k": "x" * 1000})
    with pytest.raises(tables.SpoolFull):
        fill(conn, stranger)
    assert tables.usage(conn)[0] <= 16_000
    tables.append(conn, [known], CLOCK)
    with pytest.raises(tables.SpoolFull):
        fill(conn, known)
    assert tables.usage(conn)[0] <= 20_000
    tables.finish(conn, CLOCK)
    start(conn, max_bytes=20_000)  # a full spool still says that it was stopped and started
    assert [body["type"] for body in bodies(conn)][-2:] == ["lifecycle.stop", "lifecycle.start"]


def test_trim_drops_what_is_acknowledged_and_counts_it_back(conn: sqlite3.Connection, tmp_path: Path):
    empty = tables.usage(conn)[0]
    frame = Frame(0, 1, "request", "text/plain", b"x" * 500)
    for _ in range(10):
        tables.append(conn, [Draft(Kind.FRAME, "f", caller=Caller("i", "s"), frames=(frame,))], CLOCK)
    assert not tables.trim(conn, tmp_path / "missing.db")
    path = cursor(tmp_path, tables.head(conn).writer, 9)
    assert tables.trim(conn, path, rows=4)  # there is more
    assert not tables.trim(conn, path, rows=100)
    assert not tables.trim(conn, path)
    assert [body["seq"] for body in bodies(conn)] == [10, 11]
    assert conn.execute("SELECT min(seq), count(*) FROM frames").fetchone() == (10, 2)
    path = cursor(tmp_path, tables.head(conn).writer, 11)
    tables.trim(conn, path)
    assert tables.usage(conn)[0] == 0 < empty
    tables.append(conn, [Draft(Kind.CONFIG, "next")], CLOCK)  # the chain goes on over what is gone
    assert bodies(conn)[0]["seq"] == 12


def test_trim_looks_only_at_its_own_writer(conn: sqlite3.Connection, tmp_path: Path):
    assert not tables.trim(conn, cursor(tmp_path, "authz.00000000", 99))
    (tmp_path / "bad.db").write_bytes(b"")
    assert not tables.trim(conn, tmp_path / "bad.db")
    assert len(bodies(conn)) == 1


def test_an_event_that_waits_too_long_closes_the_spool_until_it_is_shipped(tmp_path: Path):
    clock, cursor = FixedClock(), tmp_path / "log" / "cursor.db"
    spool = Committer(tmp_path / "spool" / "a.db", "a", "exeat", 1 << 24, 20, clock, cursor, max_age_seconds=60)
    spool.open()

    def commit() -> bool:
        draft = Draft(Kind.DECISION, "t", caller=Caller("i", "s"))
        return spool.commit([tables.entries_of([draft], clock)]) == [None]

    assert commit()
    clock.advance(61_000_000)
    assert not commit(), "reserved or not: what nobody can ask for is no evidence"
    spool.beat()
    acknowledge(cursor, tables.head(spool.conn).writer, 1)
    spool.trim()
    assert not commit(), "the second one waits still"
    acknowledge(cursor, tables.head(spool.conn).writer, 2)
    spool.trim()
    assert commit()
    spool.close()


def acknowledge(cursor: Path, writer: str, seq: int) -> None:
    cursor.parent.mkdir(exist_ok=True)
    with contextlib.closing(sqlite3.connect(cursor)) as conn, conn:
        conn.execute("CREATE TABLE IF NOT EXISTS acked (writer TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID")
        conn.execute("INSERT OR REPLACE INTO acked VALUES (?,?)", (writer, seq))


def test_signs_of_life_span_from_the_start_by_the_clock_that_never_goes_back(conn: sqlite3.Connection):
    """Whoever reads them sees where the wall clock was set: their end is then not their `ts`."""
    tables.beat(conn, Set(CLOCK, wall=-3_000_000, steady=60_000_000))
    tables.finish(conn, Set(CLOCK, wall=1, steady=61_000_000))
    events = [json.loads(row[0]) for row in conn.execute("SELECT body FROM events ORDER BY seq")]
    start, beat, stop = ({**event["data"], "ts": event["ts"]} for event in events)
    assert (start["ended_us"], start["duration_us"]) == (start["started_us"], 0)
    for sign, lasted in ((beat, 60_000_000), (stop, 61_000_000)):
        assert (sign["started_us"], sign["duration_us"]) == (start["started_us"], lasted)
        assert sign["clock"]["state"] in ("synchronised", "unsynchronised", "unknown")
    assert beat["ts"] < beat["started_us"], "the wall clock went back"


class Set:
    """A clock that was set: `wall` and `steady` are by how far each is on."""

    def __init__(self, clock: FixedClock, *, wall: int, steady: int) -> None:
        self._clock, self._wall, self._steady = clock, wall, steady

    def now_us(self) -> int:
        return self._clock.now_us() + self._wall

    def monotonic_us(self) -> int:
        return self._clock.monotonic_us() + self._steady
