"""What would another policy repository have decided of what was recorded? For `exeat policy backtest` and the page."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

from audit.read import Question, Reader
from audit.read.decisions import Filter
from runtime.clock import SystemClock
from runtime.errors import CallerError
from runtime.settings import Settings
from snapshot import bundle as bundles
from snapshot.backtest import Change, Recorded, Tally, ranked, redecide
from snapshot.engine.process import Worker
from snapshot.repository import Repository
from snapshot.validate import validate

PAGE = 2000  # decisions a read; inputs are some kilobytes each
PROGRESS_US = 500_000


class NotPublishable(CallerError):
    code = "not_publishable"


async def checked(revision: Repository, settings: Settings, name: str) -> bundles.Bundle:
    """Raises NotPublishable: what would never decide need not be tried."""
    async with Worker.running() as worker:
        deadline_s = settings.engine.deadline_ms / 1000
        found = await validate(revision, worker, settings.secrets, deadline_s=deadline_s)
    if found.problems:
        lines = "\n".join(str(problem) for problem in sorted(set(found.problems)))
        raise NotPublishable(f"{name} would not be published:\n{lines}")
    assert found.bundle is not None
    return found.bundle


async def run(
    bundle: bundles.Bundle,
    asking: Reader,
    which: Filter,
    total: int,
    workers: int,
    settings: Settings,
    progress: Callable[[str], None] = lambda line: None,
) -> Tally:
    """`progress` is told a line now and then, and "" at the end."""
    tally, clock = Tally(), SystemClock()
    began = told = clock.monotonic_us()
    deadline_s = settings.engine.deadline_ms / 1000
    async for recorded, now in redecide(bundle, _batches(asking, which), workers=workers, deadline_s=deadline_s):
        tally.add(recorded, now)
        at = clock.monotonic_us()
        if at - told >= PROGRESS_US:
            told = at
            rate = tally.decided * 1_000_000 // max(at - began, 1)
            progress(f"{tally.decided:,} of {total:,} decisions, {tally.changed:,} changed, {rate:,} a second")
    progress("")
    return tally


async def _batches(asking: Reader, which: Filter) -> AsyncIterator[Sequence[Recorded]]:
    """One page ahead is read in a thread while the workers decide."""
    pages = recorded(asking, which)
    page = await asyncio.to_thread(next, pages, None)
    while page is not None:
        following = asyncio.get_running_loop().run_in_executor(None, next, pages, None)
        yield page
        page = await following


def recorded(asking: Reader, which: Filter) -> Iterator[list[Recorded]]:
    """Page after page, writer after writer, in their order. Decisions whose input was pruned are left out."""
    for writer in _writers(asking, which):
        after = 0
        while rows := asking.ask(_page(which, writer, after)):
            after = rows[-1]["seq"]
            contents = _inputs(asking, writer, rows[0]["seq"], after)
            yield [_recorded(row, contents[row["seq"]]) for row in rows if row["seq"] in contents]


def _where(which: Filter) -> tuple[str, dict[str, Any]]:
    """Only what the policy was asked for: what was refused before has no input."""
    where, parameters = which.where()
    return f"{where} AND effect IN ('allow', 'deny', 'hold')", parameters


def count(asking: Reader, which: Filter) -> int:
    where, parameters = _where(which)
    rows = asking.ask(Question("policy.backtest", f"SELECT count() AS n FROM decisions WHERE {where}", parameters))  # noqa: S608 - our own names
    return int(rows[0]["n"])


def _writers(asking: Reader, which: Filter) -> list[str]:
    where, parameters = _where(which)
    sql = f"SELECT DISTINCT writer FROM decisions WHERE {where} ORDER BY writer"  # noqa: S608 - our own names
    return [row["writer"] for row in asking.ask(Question("policy.backtest", sql, parameters))]


def _page(which: Filter, writer: str, after: int) -> Question:
    where, parameters = _where(which)
    sql = (
        "SELECT seq, ts, exchange, effect, rules, masking, subject, agent, connection FROM decisions"  # noqa: S608 - our own names
        f" WHERE {where} AND writer = {{writer:String}} AND seq > {{after:UInt64}} ORDER BY seq LIMIT {PAGE}"
    )
    return Question("policy.backtest", sql, parameters | {"writer": writer, "after": after})


def _inputs(asking: Reader, writer: str, first: int, last: int) -> dict[int, bytes]:
    sql = (
        "SELECT seq, content FROM frames WHERE writer = {writer:String} AND direction = 'input'"
        " AND seq BETWEEN {first:UInt64} AND {last:UInt64} ORDER BY seq, ordinal"
    )
    place = {"writer": writer, "first": first, "last": last}
    found: dict[int, bytes] = {}
    for row in asking.ask(Question("policy.backtest", sql, place, binary=("content",))):
        found[row["seq"]] = found.get(row["seq"], b"") + row["content"]
    return found


def _recorded(row: dict[str, Any], content: bytes) -> Recorded:
    return Recorded(
        exchange=row["exchange"],
        at=row["ts"].replace(tzinfo=None).isoformat(timespec="seconds") + "Z",
        who=row["agent"] or row["subject"],
        connection=row["connection"],
        effect=row["effect"],
        rules=tuple(row["rules"]),
        masking=tuple(row["masking"]),
        content=content,
    )


def as_document(tally: Tally, digest: str) -> dict[str, Any]:
    return {
        "snapshot": digest,
        "decided": tally.decided,
        "same": tally.same,
        "same_by_other_rules": tally.other_rules,
        "changed": tally.changed,
        "turns": dict(ranked(tally.turns)),
        "by_rule": dict(ranked(tally.by_rule)),
        "by_identity": dict(ranked(tally.by_identity)),
        "changes": [_row(change) for change in tally.changes],
    }


def _row(change: Change) -> dict[str, Any]:
    before, now = change.recorded, change.now
    return {
        "exchange": before.exchange,
        "at": before.at,
        "who": before.who,
        "connection": before.connection,
        "was": {"effect": before.effect, "rules": list(before.rules), "masking": list(before.masking)},
        "now": {"effect": now.effect, "rules": list(now.rules), "masking": list(now.masking), "why": now.why},
    }
