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
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from approvals.attendance import Attendance, Seat
from approvals.audience import Audience
from approvals.authenticators import Authenticator
from approvals.book import Book
from approvals.deadlines import Deadlines
from approvals.errors import ApprovalsDown, StoreFailed, UnknownApproval
from approvals.facts import Ask, Shown, Vote, Voter, Wish
from approvals.jobs import Job, attempt, reply
from approvals.machine import Approval
from approvals.revocations import By, Made, Revocation
from approvals.rows import Entry, entries
from approvals.sharing.store import SharedStore
from approvals.standing import Standing
from approvals.steps import Leave, Step, Tick, Why
from approvals.store import Store
from audit.write import Draft, SpoolFull
from runtime import log
from runtime.clock import Clock
from runtime.errors import Error
from runtime.ids import uuid7

MAX_GROUP = 512  # steps in one transaction: some 20 ms of work, so that no answer waits long behind a burst
LONGEST_PAUSE_S = 1.0  # wall clocks are set now and then; deadlines are looked at anew this often
HOUSEKEEPING_US = 30_000_000
BEAT_US = 60_000_000
FRESH_US = 3_000_000  # who has not looked for so long at what others did does not know who is revoked
KEPT_US = 86_400_000_000  # what ended stays listed for a day; the evidence keeps it for good

Result = TypeVar("Result")


class Writer:
    """`most`: how many approvals may be open at once."""

    longest_pause_s = LONGEST_PAUSE_S

    def __init__(self, store: Store | SharedStore, clock: Clock, most: int) -> None:
        self._store, self._clock, self._most = store, clock, most
        self._disk = ThreadPoolExecutor(1, "approvals-disk")
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
        self._failed = False
        self._ended = False

    async def open(self) -> None:
        """Reads what is open. Clients of a hold are expected to come and wait again."""
        approvals = await self._asked(self._store.open, self._store.opening_s)
        kept = await self._asked(self._store.kept, self._store.opening_s)
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

    async def leads(self) -> bool:
        """Whether this process, of all that share, is the one that tells people."""
        return await self._asked(self._store.leads)

    async def run(self) -> None:
        """Takes steps until cancelled. Raises ApprovalsDown when the disk fails: then the process must end."""
        try:
            with self._listening():
                while True:
                    await self._rest()
                    await self._round([self._jobs.popleft() for _ in range(min(len(self._jobs), MAX_GROUP))])
                    await self._keep_house()
        except StoreFailed as error:
            raise self._down(error) from None
        finally:
            self._ended = True
            for job in self._jobs:
                reply(job, ApprovalsDown("the approvals service is ending"))

    async def close(self) -> None:
        """A clean stop, unless the disk failed: then the next start reports that this epoch just ended."""
        try:
            await self._asked(lambda: self._store.close(clean=not self._failed))
        finally:
            self._disk.shutdown()

    # What the service asks for.

    async def request(self, ask: Ask) -> Approval:
        """A new card, or the open one of the same client and content. Durable. Raises AskInvalid, TooManyWaiting."""
        return await self._do(lambda at_us: self._book.request(ask, at_us, uuid7()))

    async def step(self, approval_id: str, make: Callable[[int], Step]) -> tuple[Approval, Why | None]:
        """Durable when it returns. `make` is given the time at which the step is taken. Raises UnknownApproval."""
        after = await self._do(lambda at_us: self._book.step(approval_id, make(at_us), uuid7()))
        return after or await self._ended_before(approval_id)

    async def break_glass(self, approval_id: str, vote: Vote, wish: Wish) -> tuple[Approval, Why | None]:
        """Granted by one person alone, and a standing grant that owes a review. Raises UnknownApproval, TooWide."""
        after = await self._do(lambda at_us: self._book.break_glass(approval_id, at_us, vote, wish, uuid7()))
        return after or await self._ended_before(approval_id)

    async def _ended_before(self, approval_id: str) -> tuple[Approval, Why]:
        ended = await self.find(approval_id)
        return ended, Why.of(ended.state)

    async def standings(self, *, ended: bool = False) -> list[Standing]:
        return await self._asked(self._store.standings) if ended else self._book.standings.kept()

    async def revoke_standing(self, standing_id: str, by: Voter, reason: str) -> Standing:
        """Covers nothing any more when this returns. Raises UnknownApproval."""
        return await self._stand(lambda at_us: self._book.standings.revoke(standing_id, at_us, by, reason))

    async def review(self, standing_id: str, by: Voter, words: str) -> Standing:
        return await self._stand(lambda at_us: self._book.standings.review(standing_id, at_us, by, words))

    async def _stand(self, work: Callable[[int], Standing | None]) -> Standing:
        found = await self._do(work)
        if found is None:
            raise UnknownApproval("there is no such standing grant that is active or owes a review")
        return found

    async def revoke(self, make: Callable[[int], Made]) -> Revocation:
        """What it hits has ended when this returns."""
        return await self._do(lambda at_us: self._book.revoke(make(at_us)))

    async def lift(self, revocation_id: str, reason: str, by: By) -> Revocation:
        """Raises UnknownApproval when there is no such revocation."""
        lifted = await self._do(lambda at_us: self._book.lift(revocation_id, at_us, reason, by))
        if lifted is None:
            raise UnknownApproval("there is no such revocation")
        return lifted

    async def revocations(self, *, lifted: bool = False) -> list[Revocation]:
        return await self._asked(self._store.revocations) if lifted else self._book.revocations.active()

    def authenticators(self, issuer: str, subject: str) -> list[Authenticator]:
        """With which this person may sign."""
        return self._book.authenticators.of(issuer, subject)

    async def enrol(self, made: Authenticator) -> Authenticator:
        """Durable when it returns. Raises SignatureRefused, NotAllowed."""
        return await self._do(lambda _: self._book.authenticators.add(made))

    async def dismiss(self, id_: str, issuer: str, subject: str) -> Authenticator:
        """Signs nothing any more when this returns. Raises UnknownApproval."""
        return await self._do(lambda at_us: self._book.authenticators.remove(id_, issuer, subject, at_us))

    async def told(self, draft: Draft, delivered: tuple[str, str] | None) -> None:
        """Somebody was notified, or could not be. Durable when it returns. Raises SpoolFull, ApprovalsDown."""
        await self._asked(lambda: self._store.told([draft], delivered))

    async def delivered(self) -> frozenset[tuple[str, str]]:
        return await self._asked(self._store.delivered)

    async def find(self, approval_id: str) -> Approval:
        """Open or ended within the last day. Raises UnknownApproval."""
        found = self._book.get(approval_id) or await self._asked(lambda: self._store.get(approval_id))
        if found is None:
            raise UnknownApproval("there is no such approval")
        return found

    async def shown(self, approval_id: str) -> Shown:
        shown = await self._asked(lambda: self._store.shown(approval_id))
        if shown is None:
            raise UnknownApproval("there is no such approval")
        return shown

    async def listed(self, *, finished: bool) -> list[Approval]:
        ended = await self._asked(self._store.finished) if finished else []
        return [*reversed(ended), *self._book.open()]

    async def changed(self, seen: Approval) -> Approval:
        """Returns once the approval is not as it was seen."""
        at = self._book.get(seen.id)
        if at is None or at.facts != seen.facts:
            return at or await self.find(seen.id)
        return await self._audience.next(seen.id)

    @contextlib.contextmanager
    def attending(self, seat: Seat) -> Iterator[None]:
        """While it lasts, the client of this exchange is there; after it, it is expected back for ATTEND_US."""
        self._attendance.come(seat)
        try:
            yield
        finally:
            self._attendance.go(seat)
            approval = self._book.get(seat[0])
            if approval is not None:
                self._schedule(approval)

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
        pause = self.longest_pause_s
        if next_us is not None:
            pause = min(max((next_us - self._clock.now_us()) / 1e6, 0.0), pause)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._wake.wait()

    async def _round(self, jobs: Sequence[Job]) -> None:
        """However it ends, all of these jobs have their answer."""
        try:
            await self._try(jobs)
        except (sqlite3.Error, StoreFailed) as error:
            raise self._answered(jobs, self._down(error)) from None
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
                await self._on_disk(lambda: self._store.commit(changes, notices, stands, enrolments))
            elif self._store.shared:
                await self._on_disk(self._store.abandon)
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
        found = await self._on_disk(self._store.begin if busy else self._store.catch_up)
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
            more = await self._on_disk(self._store.trim)
            forgotten = await self._on_disk(lambda: self._store.forget(before_us))
            if now_us >= self._beat_us:
                self._beat_us = now_us + BEAT_US
                await self._on_disk(self._store.beat)
            away = await self._on_disk(self._store.absent)
            self._gone += self._attendance.pop_with(away)
        except (sqlite3.Error, StoreFailed) as error:
            raise self._down(error) from None
        if more or forgotten:
            self._housekeeping_us = 0  # soon again, but not before the next round of steps
        if forgotten:
            log.get("approvals").info("forgotten", extra={"fields": {"approvals": forgotten}})

    def _down(self, error: sqlite3.Error | StoreFailed) -> ApprovalsDown:
        """By SQLite's name for it (SQLITE_FULL and the like): its texts may quote values."""
        self._failed = True
        if isinstance(error, StoreFailed):
            return ApprovalsDown(f"the shared approvals store failed: {error}")
        return ApprovalsDown(f"the approvals store failed ({getattr(error, 'sqlite_errorname', 'unknown')})")

    async def _asked(self, work: Callable[[], Result], patience_s: float | None = None) -> Result:
        """Outside of rounds. Raises ApprovalsDown, whatever of the store failed."""
        try:
            return await self._on_disk(work, patience_s)
        except (sqlite3.Error, StoreFailed) as error:
            raise self._down(error) from None

    async def _on_disk(self, work: Callable[[], Result], patience_s: float | None = None) -> Result:
        """Raises StoreFailed when it takes longer than this, or the store's patience: then the store is cut off."""
        patience_s = patience_s or self._store.patience_s
        try:
            async with asyncio.timeout(patience_s):
                return await asyncio.get_running_loop().run_in_executor(self._disk, work)
        except TimeoutError:
            self._store.cut()
            raise StoreFailed(f"no answer within {patience_s} s") from None
