"""What retention may take: whole partitions by class and month, and which of them a legal hold keeps. Asks only.

Frames, traffic (exchanges, maskings, their frames' events) and record (who asked, what was decided, who approved, who
read) each have a month before which they may go. The log's tiles keep every event's facts; what goes is in the store.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audit.read.holds import Hold, fold
from audit.read.holds import question as holds_question
from audit.read.reader import Question, Reader
from runtime.errors import CallerError

CLASSES = ("frames", "traffic", "record")
_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


class WrongMonth(CallerError):
    code = "wrong_month"


@dataclass(frozen=True, slots=True, order=True)
class Partition:
    """`class_` is "" for frames; `month` as 202611."""

    table: str
    class_: str
    month: int

    @property
    def statement(self) -> str:
        """What the pruner runs. The month and class are ours, never text of a person."""
        key = f"('{self.class_}', {self.month})" if self.table == "events" else f"{self.month}"
        return f"ALTER TABLE {self.table} DROP PARTITION {key}"

    def __str__(self) -> str:
        return f"{self.class_ or self.table} {self.month // 100}-{self.month % 100:02}"


@dataclass(frozen=True, slots=True)
class Plan:
    """`rows` that go, by partition; `kept`, with the holds that keep them."""

    rows: Mapping[Partition, int]
    kept: Mapping[Partition, Sequence[str]]

    def data(self, name: str) -> dict[str, Any]:
        """Of the event that must be in the log before anything goes."""
        parts = [
            {"table": part.table, "class": part.class_, "month": part.month, "rows": rows}
            for part, rows in sorted(self.rows.items())
        ]
        held = [{"partition": str(part), "holds": list(holds)} for part, holds in sorted(self.kept.items())]
        return {"id": name, "partitions": parts, "kept": held}


def month(text: str, now_us: int, today: int) -> int:
    """`2026-05` → 202605; at most `today`, the current month: what is still being written is never pruned."""
    found = _MONTH.fullmatch(text)
    if not found:
        raise WrongMonth(f"{text!r} is not a month such as 2026-05")
    number = int(found[1]) * 100 + int(found[2])
    if number > today:
        raise WrongMonth(f"{text} is yet to come; the current month stays")
    return number


def plan(reader: Reader, before: Mapping[str, int]) -> Plan:
    """`before`: class → the first month that stays. Raises QueryRefused, StoreSilent."""
    holds = [hold for hold in fold(reader.ask(holds_question())) if hold.active]
    rows = dict(_partitions(reader, before))
    kept: dict[Partition, list[str]] = {}
    for part in rows:
        for number, hold in enumerate(holds):
            if _holds(reader, hold, number, part):
                kept.setdefault(part, []).append(hold.id)
    return Plan({part: count for part, count in rows.items() if part not in kept}, kept)


def _partitions(reader: Reader, before: Mapping[str, int]) -> Iterable[tuple[Partition, int]]:
    for class_ in ("traffic", "record"):
        if class_ in before:
            sql = (
                "SELECT toYYYYMM(ts) AS month, count() AS rows FROM events"
                " WHERE class = {class:String} AND toYYYYMM(ts) < {before:UInt32} GROUP BY month ORDER BY month"
            )
            given = {"class": class_, "before": before[class_]}
            for row in reader.ask(Question("audit.prune", sql, given)):
                yield Partition("events", class_, int(row["month"])), int(row["rows"])
    if "frames" in before:
        sql = (
            "SELECT toYYYYMM(at) AS month, count() AS rows FROM frames"
            " WHERE toYYYYMM(at) < {before:UInt32} GROUP BY month ORDER BY month"
        )
        for row in reader.ask(Question("audit.prune", sql, {"before": before["frames"]})):
            yield Partition("frames", "", int(row["month"])), int(row["rows"])


def _holds(reader: Reader, hold: Hold, number: int, part: Partition) -> bool:
    """A partition stays whole when one row of it is held, or when it holds the hold itself."""
    if part.table == "events":
        if part.class_ == "record" and part.month == hold.month:
            return True
        where, values = hold.events(number)
        sql = f"SELECT count() AS n FROM events WHERE class = {{class:String}} AND toYYYYMM(ts) = {{month:UInt32}} AND {where}"  # noqa: S608, E501
        given = {"class": part.class_, "month": part.month, **values}
        return bool(reader.ask(Question("audit.prune", sql, given))[0]["n"])
    where, values = hold.frames(number)
    # frames whose exchange nobody can tell any more may be the held ones
    strangers = "exchange NOT IN (SELECT exchange FROM events)"
    sql = f"SELECT count() AS n FROM frames WHERE toYYYYMM(at) = {{month:UInt32}} AND (({where}) OR {strangers})"  # noqa: S608
    return bool(reader.ask(Question("audit.prune", sql, {"month": part.month, **values}))[0]["n"])
