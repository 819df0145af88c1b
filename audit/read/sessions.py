"""Questions about sessions: which there were, what happened in one, and its frames. Pure, apart from `load`."""

from collections.abc import Mapping, Sequence
from typing import Any

from audit.read.decisions import Filter
from audit.read.reader import NothingFound, Question, Reader
from audit.read.resent import Base, whole
from audit.read.timeline import Frame, Note

MAX_FRAMES = 100_000  # of one session in memory; more is refused with a hint, never cut in silence


def newest(which: Filter, limit: int) -> Question:
    """The sessions with the latest activity first, among those with a decision that `which` names."""
    where, parameters = which.where()
    sql = (
        f"SELECT * FROM sessions WHERE session IN (SELECT session FROM decisions WHERE {where})"  # noqa: S608
        " ORDER BY last_at DESC LIMIT {limit:UInt32}"
    )
    return Question("sessions.list", sql, parameters | {"limit": limit})


def exchanges(session: str) -> Question:
    sql = "SELECT * FROM exchanges WHERE session = {session:String} ORDER BY ts, seq"
    return Question("sessions.show", sql, {"session": session})


SUMMED = ("input_tokens", "output_tokens", "rows", "request_bytes", "response_bytes")


def total(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """What the exchanges of a session come to; `estimated`: how many of them count tokens by estimate."""
    sums = {name: sum(int(row[name]) for row in rows) for name in SUMMED}
    return {"exchanges": len(rows), **sums, "estimated": sum(bool(row["estimated"]) for row in rows)}


def notes(session: str) -> Question:
    """What happened beside the content: decisions, answers of approvers, maskings, ends."""
    sql = (
        "SELECT toUnixTimestamp64Micro(ts) AS at_us, exchange, kind, type, body FROM events"
        " WHERE session = {session:String} AND kind IN ('decision', 'approval', 'masking', 'exchange') ORDER BY ts, seq"
    )
    return Question("sessions.replay", sql, {"session": session})


def frames(session: str, exchange: str = "") -> Question:
    only = " AND exchange = {exchange:String}" if exchange else ""
    sql = (
        "SELECT exchange, direction, idx, toUnixTimestamp64Micro(at) AS at_us, media, content FROM frames"  # noqa: S608
        f" WHERE session = {{session:String}} AND direction IN ('request', 'response'){only}"
        f" ORDER BY at, exchange, direction, idx LIMIT {MAX_FRAMES + 1}"
    )
    parameters = {"session": session} | ({"exchange": exchange} if exchange else {})
    return Question("sessions.replay", sql, parameters, binary=("content",))


def shared(session: str) -> Question:
    """Requests that name what they share with an earlier one (extproc/resent.py)."""
    sql = (
        "SELECT exchange, toUnixTimestamp64Micro(ts) AS at_us, JSONExtractString(body, 'data', 'base') AS base,"
        " JSONExtractString(body, 'data', 'media') AS media, JSONExtractUInt(body, 'data', 'prefix') AS prefix,"
        " JSONExtractUInt(body, 'data', 'suffix') AS suffix FROM events"
        " WHERE session = {session:String} AND kind = 'frame' AND JSONHas(body, 'data', 'base')"
    )
    return Question("sessions.replay", sql, {"session": session})


def key(reader: Reader, session: str) -> str:
    """The full key of the session that `session` is, or begins. Raises NothingFound when it names none or several."""
    sql = (
        "SELECT session FROM sessions WHERE startsWith(session, {session:String})"
        " GROUP BY session ORDER BY session != {session:String}, session LIMIT 2"
    )
    rows = reader.ask(Question("sessions.find", sql, {"session": session}))
    if not rows:
        raise NothingFound(f"no recorded session is, or begins with, {session}")
    if rows[0]["session"] != session and len(rows) > 1:
        raise NothingFound(f"several sessions begin with {session}; give more of the key")
    return str(rows[0]["session"])


def load(reader: Reader, session: str, exchange: str = "") -> tuple[list[Frame], list[Note]]:
    """Frames and notes of one session, or of one exchange in it. Raises NothingFound."""
    bases = {row["exchange"]: _base(row) for row in reader.ask(shared(session))}
    # one exchange may need what others of its session lent it
    rows = reader.ask(frames(session, "" if exchange in bases else exchange))
    if len(rows) > MAX_FRAMES:
        raise NothingFound(f"the session has more than {MAX_FRAMES} frames; replay one exchange with --exchange")
    facts = [row for row in reader.ask(notes(session)) if not exchange or row["exchange"] == exchange]
    return whole(map(_frame, rows), bases, exchange), _notes(facts)


def _base(row: dict[str, Any]) -> Base:
    return Base(row["base"], int(row["prefix"]), int(row["suffix"]), int(row["at_us"]), row["media"])


def _frame(row: dict[str, Any]) -> Frame:
    content = bytes(row["content"])
    return Frame(row["exchange"], row["direction"], int(row["idx"]), int(row["at_us"]), row["media"], content)


def _notes(rows: Sequence[dict[str, Any]]) -> list[Note]:
    return [Note.of(int(row["at_us"]), row["exchange"], row["type"], row["body"]) for row in rows]
