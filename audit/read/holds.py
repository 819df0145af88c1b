"""Legal holds: what outranks retention. Folded from the events of the log; nothing else keeps them. Pure.

legal_hold.added     {id, reason, scope: {subject, agent, connection, session, exchange}, since_us, until_us}
legal_hold.released  {id, reason}
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from audit.read.reader import Question

LENT_US = 2 * 3_600_000_000  # a request may share frames with one of its session, at most an hour older
FIELDS = ("subject", "agent", "connection", "session", "exchange")
HELD = "SELECT toUnixTimestamp64Micro(ts) AS ts_us, toYYYYMM(ts) AS month, subject, type, body FROM events" \
       " WHERE startsWith(type, 'legal_hold.') ORDER BY log_index"  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hold:
    """An empty scope and no times hold everything. Times are unix microseconds, 0 for open."""

    id: str
    reason: str
    scope: Mapping[str, str]
    since_us: int
    until_us: int
    added_us: int
    added_by: str
    month: int  # of the event that added it: that partition stays as long as it holds
    released_us: int = 0
    released_by: str = ""
    released_because: str = ""

    @property
    def active(self) -> bool:
        return not self.released_us

    def events(self, number: int) -> tuple[str, dict[str, Any]]:
        """(condition over audit.events, its parameters). `number` keeps the parameters of several holds apart."""
        return self._where("ts", FIELDS, number)

    def frames(self, number: int) -> tuple[str, dict[str, Any]]:
        """Over audit.frames, which name session and exchange only: other fields are asked of the exchange's events."""
        where, values = replace(self, since_us=max(0, self.since_us - LENT_US))._where("at", ("session",), number)
        if "exchange" in self.scope:
            same = f"SELECT session FROM events WHERE exchange = {{h{number}_exchange:String}} AND session != ''"  # noqa: S608
            where += f" AND (exchange = {{h{number}_exchange:String}} OR session IN ({same}))"
            values[f"h{number}_exchange"] = self.scope["exchange"]
        rest = [name for name in self.scope if name not in ("session", "exchange")]
        if rest:
            same = " AND ".join(f"{name} = {{h{number}_{name}:String}}" for name in rest)
            where += f" AND exchange IN (SELECT exchange FROM events WHERE exchange != '' AND {same})"  # noqa: S608
            values |= {f"h{number}_{name}": self.scope[name] for name in rest}
        return where, values

    def _where(self, column: str, fields: Sequence[str], number: int) -> tuple[str, dict[str, Any]]:
        parts, values = ["1"], dict[str, Any]()
        for name in fields:
            if name in self.scope:
                parts.append(f"{name} = {{h{number}_{name}:String}}")
                values[f"h{number}_{name}"] = self.scope[name]
        for name, sign, us in (("since", ">=", self.since_us), ("until", "<", self.until_us)):
            if us:
                parts.append(f"{column} {sign} fromUnixTimestamp64Micro({{h{number}_{name}:Int64}}, 'UTC')")
                values[f"h{number}_{name}"] = us
        return " AND ".join(parts), values


def question() -> Question:
    return Question("audit.legal-holds", HELD)


def fold(rows: Iterable[Mapping[str, Any]]) -> list[Hold]:
    """From the rows of `question`, in the order of the log. A body of another shape is a hold on everything: who wrote
    it meant to keep something."""
    found: dict[str, Hold] = {}
    for row in rows:
        try:
            data = json.loads(row["body"])["data"]
            if row["type"] == "legal_hold.released":
                hold = found.get(data["id"])
                if hold is not None and hold.active:
                    told = {"released_us": row["ts_us"], "released_by": row["subject"]}
                    found[hold.id] = replace(hold, **told, released_because=str(data.get("reason", "")))
                continue
            scope = {name: str(data["scope"][name]) for name in FIELDS if data["scope"].get(name)}
            times = (int(data.get("since_us", 0)), int(data.get("until_us", 0)))
            name, reason = str(data["id"]), str(data.get("reason", ""))
        except (ValueError, KeyError, TypeError, AttributeError):
            name, reason, scope, times = f"unreadable-{row['ts_us']}", "cannot be read", {}, (0, 0)
        found[name] = Hold(name, reason, scope, *times, row["ts_us"], row["subject"], row["month"])
    return list(found.values())
