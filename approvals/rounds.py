"""The only one that changes approvals: takes steps in turn, commits them in groups, then tells who waits.

While one group is at the disk the next one gathers, so ten thousand requests cost a few dozen fsyncs. One timer serves
all deadlines. A failed commit ends the process: what is durable then is read again from the disk, by a new one.

Where several gateways share approvals (sharing/), a round first takes in what the others did; between rounds it looks
when it hears of them, and once a second in any case.
"""

import asyncio
import contextlib
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from approvals.attendance import Attendance, Seat
from approvals.audience import Audience
from approvals.book import Book
from approvals.deadlines import Deadlines
from approvals.disk import Disk
from approvals.errors import ApprovalsDown, StoreFailed
from approvals.jobs import Job, attempt, reply
from approvals.machine import Approval
from approvals.rows import Entry, entries
from approvals.sharing.store import SharedStore
from approvals.standing import Standing
from approvals.steps import Leave, Tick
from approvals.store import Store
from audit.write import SpoolFull
from runtime import log
from runtime.clock import Clock
from runtime.errors import Error
from runtime.serve import pause

MAX_GROUP = 512  # steps in one transaction: some 20 ms of work, so that no answer waits long behind a burst
LONGEST_PAUSE_S = 1.0  # wall clocks are set now and then; deadlines are looked at anew this often
HOUSEKEEPING_US = 30_000_000
BEAT_US = 60_000_000
FRESH_US = 3_000_000  # who has not looked for so long at what others did does not know who is revoked
KEPT_US = 86_400_000_000  # what ended stays listed for a day; the evidence keeps it for good

Result = TypeVar("Result")


class Rounds:
    """What `writer.py` says to the service stands on this."""

    longest_pause_s = LONGEST_PAUSE_S

    def __init__(self, store: Store | SharedStore, clock: Clock, most: int) -> None:
        self._store, self._clock, self._most = store, clock, most
        self._disk = Disk(store)
        self._book = Book((), most)
        self._jobs: deque[Job] = deque()
        self._wake = asyncio.Event()
        self._deadlines: Deadlines[str] = Deadlines()
        self._attendance = Attendance()
        self._audience = Audience()
        self.watching, self.following = self._audience.watching, self._audience.following
        self._gone: list[Seat] = []  # whose client was at a gateway that is away
        self._nudged = False
        self._hit = False  # a revocation may hit what is open, and its maker did not know of it
        self._looked_us = clock.monotonic_us()
        self._housekeeping_us = 0  # when it is due, on the clock that never goes back
        self._beat_us = clock.monotonic_us() + BEAT_US
        self._ended = False

    async def open(self) -> None:
        """Reads what is open. Clients of a hold are expected to come and wait again."""
        approvals = await self._disk.open(self._store.open)
        kept = await self._disk.open(self._store.kept)
        for seat, gateway in kept.elsewhere.items():
            self._attendance.at(seat, gateway)
        self._book = Book(approvals, self._most, kept.revocations, kept.standings, kept.authenticators)
        self._hit = self._nudged = self._store.shared  # what it brings, and what is there, came together just now
        for approval in approvals:
            self._schedule(approval)
        for standing in self._book.standings.kept():
            self._deadlines.set(standing.id, standing.deadline_us)
        self._looked_us = self._clock.monotonic_us()

    @property
    def fresh(self) -> bool:
        """False when what other gateways did may be unknown here."""
        return not self._store.shared or self._clock.monotonic_us() - self._looked_us <= FRESH_US

    async def run(self) -> None:
        """Takes steps until cancelled. Raises ApprovalsDown when the disk fails: then the process must end."""
        try:
            with self._listening():
                while True:
                    await self._rest()
                    await self._round([self._jobs.popleft() for _ in range(min(len(self._jobs), MAX_GROUP))])
                    await self._keep_house()
        except StoreFailed as error:
            raise self._disk.down(error) from None
        finally:
            self._ended = True
            for job in self._jobs:
                reply(job, ApprovalsDown("the approvals service is ending"))

    async def close(self) -> None:
        """A clean stop, unless the disk failed: then the next start reports that this epoch just ended."""
        await self._disk.close()

    # One round: take, commit, tell.

    async def _do(self, work: Callable[[int], Result]) -> Result:
        if self._ended:
            raise ApprovalsDown("the approvals service is ending")
        done: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._jobs.append(Job(work, done))  # type: ignore[arg-type]  # a future takes what its own work returns
        self._wake.set()
        return await done

    async def _rest(self) -> None:
        """Until there is a step to take, or a deadline comes."""
        if self._jobs or self._nudged:
            return
        self._wake.clear()
        next_us = min(filter(None, (self._deadlines.next(), self._attendance.next())), default=None)
        longest_s = self.longest_pause_s
        if next_us is not None:
            longest_s = min(max((next_us - self._clock.now_us()) / 1e6, 0.0), longest_s)
        await pause(self._wake, longest_s)

    async def _round(self, jobs: Sequence[Job]) -> None:
        """However it ends, all of these jobs have their answer."""
        try:
            await self._try(jobs)
        except (sqlite3.Error, StoreFailed) as error:
            raise self._answered(jobs, self._disk.down(error)) from None
        except Error as error:
            raise self._answered(jobs, error) from None
        except BaseException:
            self._answered(jobs, ApprovalsDown("the approvals service is ending"))
            raise

    def _answered(self, jobs: Sequence[Job], error: Error) -> Error:
        for job in jobs:
            reply(job, error)
        return error

    async def _try(self, jobs: Sequence[Job]) -> None:
        if not await self._take_in(bool(jobs)):
            return
        now_us = self._clock.now_us()
        again = self._take_due(now_us)
        replies = [(job, attempt(job, now_us)) for job in jobs if not job.done.done()]
        try:
            book = self._book
            changes, notices, stands = tuple(book.changes), tuple(book.notices), tuple(book.stands)
            enrolments = tuple(book.enrolments)
            if changes or notices or stands or enrolments:
                await self._disk.do(lambda: self._store.commit(changes, notices, stands, enrolments))
            elif self._store.shared:
                await self._disk.do(self._store.abandon)
        except SpoolFull as full:
            self._book.drop()
            again(now_us + 1_000_000)
            if len(replies) > 1:  # one of them is too large, or all are: each for itself
                for job, _ in replies:
                    await self._round([job])
                return
            replies = [(job, full) for job, _ in replies]
        for entry in entries("", changes, (), ()):
            self._came(entry)
        for approval in self._book.settle():
            self._tell(approval)
        for stand in stands:
            self._deadlines.set(stand.after.id, stand.after.deadline_us)
            if stand.after.given.break_glass and stand.fact.n == 1:
                self._alert(stand.after)
        for notice in notices:
            self._audience.tell_revoked(notice.after)
        for job, result in replies:
            reply(job, result)

    async def _take_in(self, jobs: bool) -> bool:
        """What other gateways did. True: a round began, and nobody else takes a step before it is over."""
        if not self._store.shared:
            return True
        self._nudged = False
        looked_us, busy = self._clock.monotonic_us(), jobs or self._is_due()
        found = await self._disk.do(self._store.begin if busy else self._store.catch_up)
        self._looked_us = looked_us
        for entry in found:
            self._came(entry)
        learned = self._book.learn(found)
        self._hit |= learned.hit
        self._nudged |= learned.hit
        for approval in learned.approvals:
            self._tell(approval)
        for standing in learned.standings:
            self._deadlines.set(standing.id, standing.deadline_us)
        self._store.over(each.id for each in learned.approvals if each.state.final)
        self._store.over(each.id for each in learned.standings if not each.kept)
        for revocation in learned.revocations:
            self._audience.tell_revoked(revocation)
        return busy

    def _came(self, entry: Entry) -> None:
        if entry.exchange:
            self._attendance.at((entry.id, entry.exchange), entry.gateway)

    def _is_due(self) -> bool:
        now_us = self._clock.now_us()
        return (
            self._hit
            or bool(self._gone)
            or any(at is not None and at <= now_us for at in (self._deadlines.next(), self._attendance.next()))
        )

    @contextlib.contextmanager
    def _listening(self) -> Iterator[None]:
        """Hears of what others commit; the look that follows is a round's."""
        if not isinstance(self._store, SharedStore):
            yield
            return
        loop, store, ear = asyncio.get_running_loop(), self._store, self._store.ear()

        def hear() -> None:
            if not store.heard():
                loop.remove_reader(ear)
            self._nudged = True
            self._wake.set()

        loop.add_reader(ear, hear)
        try:
            yield
        finally:
            loop.remove_reader(ear)

    def _take_due(self, now_us: int) -> Callable[[int], None]:
        """Stages what time has brought; returns how to have it brought again, should the disk not take it."""
        due = self._deadlines.pop_due(now_us, MAX_GROUP)
        left = self._attendance.pop_left(now_us, MAX_GROUP) + self._gone
        self._gone, hit, self._hit = [], self._hit, False
        if hit:
            self._book.enforce(now_us)
        for approval_id in due:  # or a standing grant's
            self._book.standings.tick(approval_id, now_us)
            self._book.step(approval_id, Tick(now_us))
        for approval_id, exchange in left:
            self._book.step(approval_id, Leave(now_us, exchange))

        def again(at_us: int) -> None:
            self._hit |= hit
            for approval_id in due:
                self._deadlines.set(approval_id, at_us)
            self._attendance.again(left, at_us)

        return again

    def _alert(self, standing: Standing) -> None:
        """An emergency grant: the record has it, and the log says so at once to whoever watches it."""
        by = standing.given.votes[0].voter
        fields = {"standing": standing.id, "approval": standing.given.approval, "by": by.email or by.subject}
        log.get("approvals").warning("break_glass", extra={"fields": fields})

    def _tell(self, approval: Approval) -> None:
        self._schedule(approval)
        self._audience.tell(approval)

    def _schedule(self, approval: Approval) -> None:
        """Its deadline, and for each client that should be waiting and is not, until when it is expected."""
        self._deadlines.set(approval.id, approval.deadline_us)
        self._attendance.expect(approval, self._clock.now_us())

    async def _keep_house(self) -> None:
        now_us = self._clock.monotonic_us()
        if now_us < self._housekeeping_us:
            return
        before_us = self._clock.now_us() - KEPT_US
        self._housekeeping_us = now_us + HOUSEKEEPING_US
        try:
            more = await self._disk.do(self._store.trim)
            forgotten = await self._disk.do(lambda: self._store.forget(before_us))
            if now_us >= self._beat_us:
                self._beat_us = now_us + BEAT_US
                await self._disk.do(self._store.beat)
            away = await self._disk.do(self._store.absent)
            self._gone += self._attendance.pop_with(away)
        except (sqlite3.Error, StoreFailed) as error:
            raise self._disk.down(error) from None
        if more or forgotten:
            self._housekeeping_us = 0  # soon again, but not before the next round of steps
        if forgotten:
            log.get("approvals").info("forgotten", extra={"fields": {"approvals": forgotten}})
