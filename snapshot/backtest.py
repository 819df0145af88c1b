"""Recorded inputs decided once more, by another snapshot: what would have come out differently.

`redecide` is the shell: some workers, batch after batch, in order. `Tally` is the pure sum of it.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from snapshot.bundle import ENTRY, Bundle
from snapshot.decision import Decision, MalformedDecision, parse
from snapshot.engine.process import Worker, WorkerDied, WorkerSlow

BATCH = 200  # inputs a call: some milliseconds of framing for 100 ms of work, and a kill loses no more than that
AHEAD = 8  # batches a worker and round: while one result is read here, no worker waits, but for the end of a round
MAX_LISTED = 10_000  # changes kept for the list; all of them are counted


@dataclass(frozen=True, slots=True)
class Recorded:
    """A decision as it was: `who` is the agent, else the subject; `content` the input that the rules saw."""

    exchange: str
    at: str
    who: str
    connection: str
    effect: str
    rules: tuple[str, ...]
    masking: tuple[str, ...]
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What comes out now. `effect`: allow, deny, hold; or `refused` when there is no decision, `why` says then."""

    effect: str
    rules: tuple[str, ...] = ()
    masking: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    recorded: Recorded
    now: Outcome

    @property
    def turn(self) -> str:
        """E.g. `allow → deny`."""
        return f"{self.recorded.effect} → {self.now.effect}"

    @property
    def rule(self) -> str:
        """The rule that now speaks, or that no longer does."""
        fresh = [rule for rule in self.now.rules if rule not in self.recorded.rules]
        gone = [f"without {rule}" for rule in self.recorded.rules if rule not in self.now.rules]
        return (fresh or gone or list(self.now.rules) or [self.now.why or "?"])[0]


@dataclass
class Tally:
    """A verdict changes when its effect or its masking does; other rules with the same verdict are counted apart."""

    decided: int = 0
    same: int = 0
    other_rules: int = 0
    turns: Counter[str] = field(default_factory=Counter)
    by_rule: Counter[str] = field(default_factory=Counter)
    by_identity: Counter[str] = field(default_factory=Counter)
    changes: list[Change] = field(default_factory=list)

    @property
    def changed(self) -> int:
        return sum(self.turns.values())

    def add(self, recorded: Recorded, now: Outcome) -> None:
        self.decided += 1
        masked = recorded.effect == "deny" or set(recorded.masking) == set(now.masking)
        if recorded.effect == now.effect and masked:
            self.same += 1
            self.other_rules += set(recorded.rules) != set(now.rules)
            return
        change = Change(recorded, now)
        self.turns[change.turn if recorded.effect != now.effect else f"{now.effect}, masked otherwise"] += 1
        self.by_rule[change.rule] += 1
        self.by_identity[recorded.who] += 1
        if len(self.changes) < MAX_LISTED:
            self.changes.append(change)


async def redecide(
    bundle: Bundle, batches: AsyncIterator[Sequence[Recorded]], *, workers: int, deadline_s: float
) -> AsyncIterator[tuple[Recorded, Outcome]]:
    """Yields every recorded decision with its outcome now, in order. Raises RegoFailed if the bundle does not load."""
    crew = [await _Crewman.start(bundle, deadline_s) for _ in range(workers)]
    free: asyncio.Queue[_Crewman] = asyncio.Queue()
    for man in crew:
        free.put_nowait(man)

    async def turn(batch: Sequence[Recorded]) -> list[Outcome]:
        man = await free.get()
        try:
            return await man.decide(batch)
        finally:
            free.put_nowait(man)

    try:
        async for group in _rounds(batches, workers * AHEAD):
            async with asyncio.TaskGroup() as tasks:
                running = [tasks.create_task(turn(batch)) for batch in group]
            for batch, done in zip(group, running, strict=True):
                for pair in zip(batch, done.result(), strict=True):
                    yield pair
    finally:
        for man in crew:
            await man.stop()


async def _rounds(batches: AsyncIterator[Sequence[Recorded]], most: int) -> AsyncIterator[list[Sequence[Recorded]]]:
    """Up to `most` batches of at most BATCH at once."""
    waiting: list[Sequence[Recorded]] = []
    async for batch in batches:
        for start in range(0, len(batch), BATCH):
            waiting.append(batch[start : start + BATCH])
            if len(waiting) == most:
                yield waiting
                waiting = []
    if waiting:
        yield waiting


class _Crewman:
    """A worker that is replaced when an input overruns; that input is found and marked."""

    def __init__(self, bundle: Bundle, deadline_s: float, worker: Worker) -> None:
        self._bundle, self._deadline, self._worker = bundle, deadline_s, worker

    @classmethod
    async def start(cls, bundle: Bundle, deadline_s: float) -> "_Crewman":
        return cls(bundle, deadline_s, await _loaded(bundle))

    async def decide(self, batch: Sequence[Recorded]) -> list[Outcome]:
        try:
            return await self._ask(batch, self._deadline * len(batch))
        except (WorkerSlow, WorkerDied):
            await self._again()
        outcomes: list[Outcome] = []
        for one in batch:
            try:
                outcomes += await self._ask([one], self._deadline)
            except (WorkerSlow, WorkerDied) as error:
                outcomes.append(Outcome("refused", why=error.code))
                await self._again()
        return outcomes

    async def stop(self) -> None:
        await self._worker.stop()

    async def _ask(self, batch: Sequence[Recorded], seconds: float) -> list[Outcome]:
        found = await self._worker.many(ENTRY, [one.content for one in batch], seconds=seconds)
        limit = self._deadline * 1_000_000
        return [
            outcome(kind, value, self._bundle.digest) if cpu_us <= limit else Outcome("refused", why=WorkerSlow.code)
            for kind, value, cpu_us in found
        ]

    async def _again(self) -> None:
        await self._worker.stop()
        self._worker = await _loaded(self._bundle)


async def _loaded(bundle: Bundle) -> Worker:
    worker = await Worker.start()
    try:
        await worker.load(bundle.modules, bundle.data, warm=[ENTRY])
    except BaseException:
        await worker.stop()
        raise
    return worker


def outcome(kind: str, value: Any, digest: str) -> Outcome:
    """What the gateway would have made of the engine's answer."""
    if kind != "value":
        return Outcome("refused", why=kind)
    try:
        decision = parse(value)
    except MalformedDecision as error:
        return Outcome("refused", why=error.code)
    if decision.snapshot != digest:
        return Outcome("refused", why="other_snapshot")
    return Outcome(decision.effect.value, _rules(decision), decision.masking)


def _rules(decision: Decision) -> tuple[str, ...]:
    return tuple(reason.rule for reason in decision.reasons)


def ranked(counter: Counter[str]) -> Iterable[tuple[str, int]]:
    """Most first, then by name."""
    return sorted(counter.items(), key=lambda item: (-item[1], item[0]))
