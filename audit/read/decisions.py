"""Questions about decisions. Pure."""

import datetime
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from audit.read.reader import NothingFound, Question, Reader

LIST_COLUMNS = "ts, exchange, effect, status, subject, agent, connection, method, path, model, rules, message, session"


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list is narrowed to; empty strings and None narrow nothing. Times are unix microseconds."""

    since_us: int | None = None
    until_us: int | None = None
    effect: str = ""
    subject: str = ""
    agent: str = ""
    connection: str = ""
    session: str = ""

    def where(self) -> tuple[str, dict[str, Any]]:
        """(condition, parameters); the condition is never empty."""
        conditions, parameters = ["1"], dict[str, Any]()
        for name in ("effect", "subject", "agent", "connection", "session"):
            if value := getattr(self, name):
                conditions.append(f"{name} = {{{name}:String}}")
                parameters[name] = value
        for name, sign in (("since_us", ">="), ("until_us", "<")):
            if (value := getattr(self, name)) is not None:
                conditions.append(f"ts {sign} fromUnixTimestamp64Micro({{{name}:Int64}}, 'UTC')")
                parameters[name] = value
        return " AND ".join(conditions), parameters


def newest(which: Filter, limit: int) -> Question:
    """The newest decisions first."""
    where, parameters = which.where()
    sql = f"SELECT {LIST_COLUMNS} FROM decisions WHERE {where} ORDER BY ts DESC, seq DESC LIMIT {{limit:UInt32}}"  # noqa: S608
    return Question("decisions.list", sql, parameters | {"limit": limit})


def over_time(which: Filter) -> Question:
    """Rows of at_s and step_s (seconds), effect, decisions: in steps of which some dozens span what was chosen."""
    where, parameters = which.where()
    chosen = "SELECT dateDiff('second', min(ts), max(ts)) AS s, if(s > 3000000, 86400, if(s > 90000, 3600, 60)) AS step"
    sql = (
        f"WITH (SELECT step FROM ({chosen} FROM decisions WHERE {where})) AS step"  # noqa: S608 - our own condition
        " SELECT toInt64(toUnixTimestamp(ts)) - toUnixTimestamp(ts) % step AS at_s, toUInt32(step) AS step_s, effect,"
        " count() AS decisions"
        f" FROM decisions WHERE {where} GROUP BY at_s, step_s, effect ORDER BY at_s"
    )
    return Question("decisions.list", sql, parameters)


def label(at_s: int, step_s: int) -> str:
    """A place on the axis: the day, or the hour and minute of it."""
    moment = datetime.datetime.fromtimestamp(at_s, datetime.UTC)
    return moment.strftime("%m-%d" if step_s >= 86400 else "%m-%d %Hh" if step_s >= 3600 else "%H:%M")


def named(exchange: str) -> Question:
    """The decisions of the exchange with this id, or whose id begins so."""
    sql = "SELECT * FROM decisions WHERE startsWith(exchange, {exchange:String}) ORDER BY ts LIMIT 20"
    return Question("decisions.explain", sql, {"exchange": exchange})


def one(reader: Reader, exchange: str) -> dict[str, Any]:
    """The one decision that `exchange` names. Raises NothingFound when it names none or several."""
    rows = reader.ask(named(exchange))
    if not rows:
        raise NothingFound(f"no recorded decision has the id {exchange}; the shipper may still be sending it")
    if len({row["exchange"] for row in rows}) > 1:
        raise NothingFound(f"{len(rows)} decisions begin with {exchange}; give more of the id")
    return rows[0]


def recorded_input(reader: Reader, decision: Mapping[str, Any]) -> bytes:
    """What the rules saw: the input frame of this very event, joined. Empty when it was pruned or never recorded."""
    sql = (
        "SELECT content FROM frames WHERE writer = {writer:String} AND seq = {seq:UInt64}"
        " AND direction = 'input' ORDER BY ordinal"
    )
    place = {"writer": decision["writer"], "seq": decision["seq"]}
    rows = reader.ask(Question("decisions.input", sql, place, binary=("content",)))
    return b"".join(row["content"] for row in rows)


def shadow(reader: Reader, decision: Mapping[str, Any]) -> dict[str, Any] | None:
    """What would have been decided if nothing only watched: {effect, reasons}; None where it is what was decided."""
    sql = (
        "SELECT JSONExtractRaw(body, 'data', 'shadow') AS shadow FROM events"
        " WHERE writer = {writer:String} AND seq = {seq:UInt64}"
    )
    rows = reader.ask(Question("decisions.shadow", sql, {"writer": decision["writer"], "seq": decision["seq"]}))
    return as_input(rows[0]["shadow"].encode()) if rows else None


def approval_steps(reader: Reader, exchange: str) -> list[dict[str, Any]]:
    """What people answered, when the decision was a hold."""
    columns = "approval, state, steps, granted_by, refused_by, reason"
    sql = f"SELECT {columns} FROM approvals WHERE exchange = {{exchange:String}}"  # noqa: S608 - our own names
    return reader.ask(Question("decisions.approvals", sql, {"exchange": exchange}))


def as_input(content: bytes) -> dict[str, Any] | None:
    """The recorded input as the engine takes it; None when it is not a JSON object."""
    try:
        value = json.loads(content)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
