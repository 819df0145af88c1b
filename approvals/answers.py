"""A person's answer as a vote: whose it is, what it takes away, why, and by what it is signed."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import replace

from approvals import approvals_pb2 as pb
from approvals import wire
from approvals.asks import name, narrowed, plain
from approvals.authenticators import Authenticator
from approvals.challenges import Challenges
from approvals.errors import AskInvalid, SignatureNeeded
from approvals.evidence import asked_digest
from approvals.facts import MAX_JUSTIFICATION, NOTHING_LESS, Vote, Voter, Wish
from approvals.machine import Approval
from approvals.people import breaker, voter
from approvals.signing import Kind
from identity import Identity
from runtime.clock import Clock

Mask = Callable[[str], str]  # people's own words, through the floor profile
Profiles = Callable[[], Collection[str]]  # of the snapshot in force: what a grant may add
UNSIGNED = "it must be signed with your authenticator, which takes the console: answer it there"
NOT_USED = "signatures of approvers are not used here (approvals.signature)"


class Answers:
    """`challenges`: None where nothing can be signed. `required`: every answer must be signed, whatever the policy.

    Who has an authenticator signs in any case: otherwise whoever has but their session could answer without it.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        mask: Mask,
        profiles: Profiles,
        auth_time_max_s: int,
        challenges: Challenges | None = None,
        required: bool = False,
    ) -> None:
        self._clock, self._mask, self._profiles, self._auth_time_max_s = clock, mask, profiles, auth_time_max_s
        self.challenges, self.required = challenges, required

    async def challenge(
        self, kind: Kind, person: Identity, approval: Approval, request: pb.Answer, mine: list[Authenticator]
    ) -> str:
        """What must be signed so that this answer counts, as a browser takes it. Raises as `signed` does."""
        if self.challenges is None:
            raise AskInvalid(NOT_USED)
        vote = await self._vote(kind, person, approval, request)
        return self.challenges.ask(approval.id, kind, vote, mine, self._clock.now_us())

    async def signed(
        self, kind: Kind, person: Identity, approval: Approval, request: pb.Answer, mine: list[Authenticator]
    ) -> Vote:
        """Raises NotAllowed, SignInNeeded, AskInvalid, SignatureNeeded, SignatureRefused."""
        vote = await self._vote(kind, person, approval, request)
        if not request.assertion:
            can = self.challenges is not None and bool(self.challenges.here(mine))
            if (self.required or can or approval.card.terms.signature) and not approval.state.final:
                raise SignatureNeeded(UNSIGNED)
            return vote
        if self.challenges is None:
            raise AskInvalid(NOT_USED)
        return self.challenges.signed(approval.id, kind, vote, request.assertion, mine, self._clock.now_us())

    async def words(self, text: str) -> str:
        """A person's own words as they may be stored; in a thread, since a new snapshot is compiled first."""
        masked = await asyncio.to_thread(self._mask, plain(text, MAX_JUSTIFICATION))
        return plain(masked, MAX_JUSTIFICATION)

    async def _vote(self, kind: Kind, person: Identity, approval: Approval, request: pb.Answer) -> Vote:
        who = self._who(kind, person, approval)
        asked = wire.narrowing_from(request.narrowing)
        less = NOTHING_LESS if kind is Kind.REFUSE else narrowed(asked, self._profiles)
        if kind is Kind.GRANT and approval.card.tool and less != NOTHING_LESS:
            raise AskInvalid("the answer that calls this tool is under way: it cannot be narrowed any more")
        wish = None if kind is Kind.REFUSE else _wish(request)
        if kind is Kind.BREAK_GLASS:
            wish = wish or _least(approval)
        words = await self.words(request.justification)
        return Vote(who, request.shown_digest, words, less, wish, asked=asked_digest(approval.card))

    def _who(self, kind: Kind, person: Identity, approval: Approval) -> Voter:
        now_us, most = self._clock.now_us(), self._auth_time_max_s
        match kind:
            case Kind.BREAK_GLASS:
                return breaker(person, approval.card, now_us=now_us, auth_time_max_s=most)
            case Kind.REFUSE:  # to stop something, an older sign-in is enough
                return voter(person, approval.card, now_us=now_us, auth_time_max_s=None)
        return voter(person, approval.card, now_us=now_us, auth_time_max_s=most)


def _wish(request: pb.Answer) -> Wish | None:
    if not request.HasField("wish"):
        return None
    wish = wire.wish_from(request.wish)
    return replace(wish, action=name(wish.action, "action", needed=False))


def _least(approval: Approval) -> Wish:
    """Just the one at hand; it is used at once, so for how long does not matter."""
    glass = approval.card.terms.break_glass
    return Wish(1, glass.seconds if glass else 1)
