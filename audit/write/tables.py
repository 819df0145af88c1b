"""A spool's tables in SQLite, and the steps every writer takes on them inside a transaction that it owns.

    events(seq, body, hash, ts)      one row per event, ts in unix microseconds
    frames(seq, ordinal, …)          one row per frame of event `seq`
    meta(key, value)                 writer, gateway, epoch, seq, head, used, open, and the limits

Nothing here begins or commits: the spool's thread and approvals' transaction do. Rows leave by `trim` alone, after the
shipper has acknowledged them in `<state_dir>/log/cursor.db`, table acked(writer, seq).
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from audit.write.chain import GENESIS, Head, extend
from audit.write.event import ROW_BYTES, SALT_BYTES, Draft, Entry, Kind, Span, Value, compose
from runtime.clock import Clock
from runtime.clock_quality import quality
from runtime.errors import GatewayError
from runtime.ids import uuid7

WEEK_SECONDS = 604_800  # how long an event may wait for the store
BEAT_SECONDS = 60  # between two heartbeats of one writer
TRIM_ROWS = 2000  # per transaction: a few milliseconds of deletes, so that no record() waits long behind them

SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
  seq INTEGER PRIMARY KEY, body BLOB NOT NULL, hash BLOB NOT NULL, ts INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS frames (
  seq INTEGER NOT NULL, ordinal INTEGER NOT NULL, direction TEXT NOT NULL, idx INTEGER NOT NULL, at_us INTEGER NOT NULL,
  media TEXT NOT NULL, salt BLOB NOT NULL, content BLOB NOT NULL, exchange TEXT NOT NULL, session TEXT NOT NULL,
  PRIMARY KEY (seq, ordinal));
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
"""


class SpoolDown(GatewayError):
    """The spool's disk or file fails. Closed until a write succeeds again."""

    code = "spool_down"


class SpoolFull(GatewayError):
    """The spool holds all it may: the shipper does not keep up, or ClickHouse is away."""

    code = "spool_full"


class SpoolLocked(SpoolDown):
    """Another process writes this spool."""

    code = "spool_locked"


class SpoolRolledBack(SpoolDown):
    """The file is an old copy of itself: its next events would take sequence numbers that were used before."""

    code = "spool_rolled_back"


def install(
    conn: sqlite3.Connection,
    *,
    role: str,
    gateway: str,
    max_bytes: int,
    reserved_percent: int,
    clock: Clock,
    cursor: Path | None = None,
    max_age_seconds: int = WEEK_SECONDS,
) -> Head:
    """Makes the tables if they are missing and opens a new epoch (`lifecycle.start`). Call once at each start.

    Start and stop are written even into a full spool: they are few, small, and what an examiner looks for first.
    `cursor`: the shipper's database, to see that this file is not an old copy; SpoolRolledBack if it is.
    """
    for statement in filter(str.strip, SCHEMA.split(";")):
        conn.execute(statement)
    known = _meta(conn)
    if known and cursor is not None and acknowledged(cursor, known["writer"]) > int(known["seq"]):
        raise SpoolRolledBack(
            f"the spool of {known['writer']} is older than what was shipped from it, as after a restore from a"
            " backup: move the file away, and a new chain begins"
        )
    _set(conn, {"max_bytes": max_bytes, "reserved_percent": reserved_percent, "gateway": gateway})
    _set(conn, {"max_age_us": max_age_seconds * 1_000_000})
    if not known:
        _set(conn, {"writer": f"{role}.{os.urandom(4).hex()}", "seq": 0, "head": GENESIS, "used": 0})
    _set(conn, {"epoch": int(known.get("epoch", 0)) + 1, "open": 1})
    _set(conn, {"began_us": clock.now_us(), "began_monotonic_us": clock.monotonic_us()})
    before = head(conn)
    data: dict[str, Value] = {
        "epoch": before.epoch,
        "previous_seq": before.seq,
        "previous_head": before.hash.hex(),
        "previous_stopped": known.get("open", 0) == 0,  # false: killed, crashed, or the machine went down
    }
    write(conn, entries_of([Draft(Kind.LIFECYCLE, "lifecycle.start", data=data)], clock))
    return head(conn)


def finish(conn: sqlite3.Connection, clock: Clock) -> None:
    """Closes the epoch: the last event of a clean stop."""
    data: dict[str, Value] = {"epoch": head(conn).epoch}
    write(conn, entries_of([Draft(Kind.LIFECYCLE, "lifecycle.stop", data=data, span=_uptime(conn, clock))], clock))
    _set(conn, {"open": 0})


def beat(conn: sqlite3.Connection, clock: Clock) -> None:
    """A sign of life, so that silence in the record is a writer that was not there. Small enough for a full spool."""
    used, cap = usage(conn)
    data: dict[str, Value] = {"epoch": head(conn).epoch, "held_bytes": used, "max_bytes": cap}
    write(conn, entries_of([Draft(Kind.LIFECYCLE, "lifecycle.heartbeat", data=data, span=_uptime(conn, clock))], clock))


def _uptime(conn: sqlite3.Connection, clock: Clock) -> Span:
    """From the start of this epoch. Where its end is not the event's own `ts`, the wall clock was set meanwhile."""
    known = _meta(conn)
    return Span(int(known["began_us"]), max(0, clock.monotonic_us() - int(known["began_monotonic_us"])))


def append(conn: sqlite3.Connection, drafts: Iterable[Draft], clock: Clock) -> list[bytes]:
    """Adds events inside the caller's transaction; returns their hashes. Durable when the caller's commit is.

    Raises SpoolFull, EventInvalid, EventTooLarge; the caller then rolls back.
    """
    entries = entries_of(drafts, clock)
    refused = over_limit(conn, [entries])[0]
    if refused:
        raise refused
    return write(conn, entries)


def entries_of(drafts: Iterable[Draft], clock: Clock) -> list[Entry]:
    """Checked drafts with a new id, the time of now and how good it is, and fresh salts."""
    now, good = clock.now_us(), quality()
    return [
        compose(draft, event_id=uuid7(), ts_us=now, salts=[os.urandom(SALT_BYTES) for _ in draft.frames], clock=good)
        for draft in drafts
    ]


def over_limit(conn: sqlite3.Connection, groups: Sequence[Sequence[Entry]]) -> list[SpoolFull | None]:
    """For each group, in order: None if it fits on top of what fitted before it, else the error for its caller."""
    known = _meta(conn)
    if too_old := _too_old(conn, known, groups):
        return [too_old] * len(groups)
    used, cap = int(known["used"]), int(known["max_bytes"])
    common = cap * (100 - int(known["reserved_percent"])) // 100
    verdicts: list[SpoolFull | None] = []
    for group in groups:
        size = sum(entry.size for entry in group)
        limit = cap if any(entry.reserved for entry in group) else common
        if used + size > limit:
            verdicts.append(SpoolFull(f"the spool holds {used} of {cap} bytes and the shipper has not taken them yet"))
        else:
            used += size
            verdicts.append(None)
    return verdicts


def _too_old(conn: sqlite3.Connection, known: Mapping[str, Any], groups: Sequence[Sequence[Entry]]) -> SpoolFull | None:
    """Evidence that nobody could ask for days is as good as none: the gateway closes before there is more of it."""
    oldest = conn.execute("SELECT ts FROM events ORDER BY seq LIMIT 1").fetchone()
    now_us = max((entry.ts_us for group in groups for entry in group), default=0)
    if oldest is None or now_us - int(oldest[0]) <= int(known.get("max_age_us", WEEK_SECONDS * 1_000_000)):
        return None
    hours = (now_us - int(oldest[0])) // 3_600_000_000
    return SpoolFull(f"the oldest event has waited {hours} hours for the shipper and ClickHouse")


def write(conn: sqlite3.Connection, entries: Iterable[Entry]) -> list[bytes]:
    """Chains and inserts entries, without a look at the limits."""
    known = _meta(conn)
    at = _head(known)
    events: list[tuple[int, bytes, bytes, int]] = []
    frames: list[tuple[object, ...]] = []
    used = 0
    for entry in entries:
        at, body = extend(at, entry.fields)
        events.append((at.seq, body, at.hash, entry.ts_us))
        frames.extend(_frame_rows(at.seq, entry))
        used += len(body) + ROW_BYTES + sum(len(frame.content) + ROW_BYTES for frame in entry.frames)
    conn.executemany("INSERT INTO events VALUES (?,?,?,?)", events)
    conn.executemany("INSERT INTO frames VALUES (?,?,?,?,?,?,?,?,?,?)", frames)
    _set(conn, {"seq": at.seq, "head": at.hash, "used": int(known["used"]) + used})
    return [row[2] for row in events]


def head(conn: sqlite3.Connection) -> Head:
    """Where this spool's chain stands."""
    return _head(_meta(conn))


def _head(known: Mapping[str, Any]) -> Head:
    return Head(known["writer"], known["gateway"], int(known["epoch"]), int(known["seq"]), bytes(known["head"]))


def acknowledged(cursor: Path, writer: str) -> int:
    """Up to which sequence the shipper has everything of `writer` safely in ClickHouse; 0 if it never ran."""
    if not cursor.exists():
        return 0
    uri = f"{cursor.absolute().as_uri()}?mode=ro"
    try:
        with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=1, isolation_level=None)) as conn:
            row = conn.execute("SELECT seq FROM acked WHERE writer = ?", (writer,)).fetchone()
    except sqlite3.Error:  # just being made, busy, damaged: it is the shipper's, and no reason to close this spool
        return 0
    return int(row[0]) if row else 0


def usage(conn: sqlite3.Connection) -> tuple[int, int]:
    """(bytes held, cap), as `write` counts them."""
    known = _meta(conn)
    return int(known["used"]), int(known["max_bytes"])


def trimmable(conn: sqlite3.Connection, cursor: Path) -> int:
    """Up to which sequence rows may go; 0 if none may."""
    first = conn.execute("SELECT min(seq) FROM events").fetchone()[0]
    acked = acknowledged(cursor, head(conn).writer)
    return acked if first is not None and acked >= first else 0


def trim(conn: sqlite3.Connection, cursor: Path, rows: int = TRIM_ROWS) -> bool:
    """Drops up to `rows` acknowledged events and their frames. True if more remain to be dropped."""
    acked = trimmable(conn, cursor)
    if not acked:
        return False
    first = conn.execute("SELECT min(seq) FROM events").fetchone()[0]
    last = min(acked, int(first) + rows - 1)
    freed = _drop(conn, "events", "body", last) + _drop(conn, "frames", "content", last)
    _set(conn, {"used": max(0, int(_meta(conn)["used"]) - freed)})
    return last < acked


def _drop(conn: sqlite3.Connection, table: str, blob: str, last: int) -> int:
    """Deletes rows up to sequence `last`; returns the bytes that `write` had counted for them."""
    measure = f"SELECT coalesce(sum(length({blob}) + {ROW_BYTES}), 0) FROM {table} WHERE seq <= ?"  # noqa: S608 - names of ours
    freed = int(conn.execute(measure, (last,)).fetchone()[0])
    conn.execute(f"DELETE FROM {table} WHERE seq <= ?", (last,))  # noqa: S608
    return freed


def _frame_rows(seq: int, entry: Entry) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for ordinal, (frame, salt) in enumerate(zip(entry.frames, entry.salts, strict=True)):
        what = (frame.direction, frame.index, frame.at_us, frame.media, salt, frame.content)
        rows.append((seq, ordinal, *what, entry.exchange, entry.session))
    return rows


def _meta(conn: sqlite3.Connection) -> dict[str, Any]:
    return {row[0]: row[1] for row in conn.execute("SELECT key, value FROM meta")}


def _set(conn: sqlite3.Connection, values: Mapping[str, str | int | bytes]) -> None:
    conn.executemany("INSERT OR REPLACE INTO meta VALUES (?,?)", list(values.items()))
