"""What the services ask for of approvals; each change is a step of a round (rounds.py)."""

import contextlib
from collections.abc import Callable, Iterator

from approvals.attendance import Seat
from approvals.authenticators import Authenticator
from approvals.errors import UnknownApproval
from approvals.facts import Ask, Shown, Vote, Voter, Wish
from approvals.machine import Approval
from approvals.revocations import By, Made, Revocation
from approvals.rounds import Rounds
from approvals.standing import Standing
from approvals.steps import Step, Why
from audit.write import Draft
from runtime.ids import uuid7


class Writer(Rounds):
    """`most`: how many approvals may be open at once."""

    async def leads(self) -> bool:
        """Whether this process, of all that share, is the one that tells people."""
        return await self._disk.ask(self._store.leads)

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
        return await self._disk.ask(self._store.standings) if ended else self._book.standings.kept()

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
        return await self._disk.ask(self._store.revocations) if lifted else self._book.revocations.active()

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
        await self._disk.ask(lambda: self._store.told([draft], delivered))

    async def delivered(self) -> frozenset[tuple[str, str]]:
        return await self._disk.ask(self._store.delivered)

    async def find(self, approval_id: str) -> Approval:
        """Open or ended within the last day. Raises UnknownApproval."""
        found = self._book.get(approval_id) or await self._disk.ask(lambda: self._store.get(approval_id))
        if found is None:
            raise UnknownApproval("there is no such approval")
        return found

    async def shown(self, approval_id: str) -> Shown:
        shown = await self._disk.ask(lambda: self._store.shown(approval_id))
        if shown is None:
            raise UnknownApproval("there is no such approval")
        return shown

    async def listed(self, *, finished: bool) -> list[Approval]:
        ended = await self._disk.ask(self._store.finished) if finished else []
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
