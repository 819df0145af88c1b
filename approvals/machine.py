"""The law of an approval: what may follow what. Pure; every rule about an approval's life is in this file.

Theory. A step (someone wants something, or time has passed) meets an approval; `decide` answers with facts, or with a
word why not. A fact is made durable, then `apply` makes the next approval of it; `fold` does so from the beginning.
Nothing else changes an approval, so its facts are the approval.

Others know six states. Inside, `requested` and `granted` each come in two phases: somebody waits for it, or everybody
has left. A client that leaves has a grace of 60 seconds to come back (same digests, same identity, same snapshot) and
to find its grant or its card still pending; SDKs retry after their own timeouts. Where the policy says
`wait: respond` nobody waits at all, so nobody leaves.

Rules that the table cannot say:
- Time first. A step at or after the deadline finds the approval expired: an answer at the deadline is too late.
- A refusal wins over any number of grants, also over a complete quorum, until the grant is used.
- A quorum is of distinct people (`quorum` counts seats); a second yes of the same person changes nothing.
- A release consumes the grant, once, and must match the binding; its exchange must be one that still waits.
- What an approver saw is what is asked: an answer that names other content does not count.
- Where the terms ask for a signature, an answer without one does not count, a refusal neither.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import reduce
from operator import and_
from typing import assert_never

from approvals.facts import (
    NOTHING_LESS,
    Binding,
    Card,
    Endorsed,
    Expired,
    Fact,
    Granted,
    Left,
    Narrowing,
    Refused,
    Requested,
    Returned,
    State,
    Used,
    Vote,
    Withdrawn,
)
from approvals.quorum import satisfied
from approvals.steps import Consume, Decided, Grant, Leave, Refuse, Return, Revoke, Step, Tick, Why
from runtime.errors import GatewayError

GRACE_US = 60_000_000  # DESIGN: a client that leaves has 60 s to come back
MAX_EXCHANGES = 100  # one card, so many retries at most: beyond that it is a loop, and memory is finite


class Phase(StrEnum):
    REQUESTED = "requested"
    REQUESTED_AWAY = "requested_away"
    GRANTED = "granted"
    GRANTED_AWAY = "granted_away"
    USED = "used"
    REFUSED = "refused"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"

    @property
    def state(self) -> State:
        return State(self.value.removesuffix("_away"))


class Move(StrEnum):
    """A fact's type; leaving is two moves, by whether others still wait."""

    RETURN = "returned"
    LEAVE = "left"
    LEAVE_LAST = "left_last"
    ENDORSE = "endorsed"
    GRANT = "granted"
    REFUSE = "refused"
    USE = "used"
    EXPIRE = "expired"
    WITHDRAW = "withdrawn"


_ENDS = {Move.REFUSE: Phase.REFUSED, Move.EXPIRE: Phase.EXPIRED, Move.WITHDRAW: Phase.WITHDRAWN}

TABLE: Mapping[Phase, Mapping[Move, Phase]] = {
    Phase.REQUESTED: {
        Move.RETURN: Phase.REQUESTED,
        Move.LEAVE: Phase.REQUESTED,
        Move.LEAVE_LAST: Phase.REQUESTED_AWAY,
        Move.ENDORSE: Phase.REQUESTED,
        Move.GRANT: Phase.GRANTED,
        **_ENDS,
    },
    Phase.REQUESTED_AWAY: {
        Move.RETURN: Phase.REQUESTED,
        Move.ENDORSE: Phase.REQUESTED_AWAY,
        Move.GRANT: Phase.GRANTED_AWAY,
        **_ENDS,
    },
    Phase.GRANTED: {
        Move.RETURN: Phase.GRANTED,
        Move.LEAVE: Phase.GRANTED,
        Move.LEAVE_LAST: Phase.GRANTED_AWAY,
        Move.USE: Phase.USED,
        **_ENDS,
    },
    Phase.GRANTED_AWAY: {Move.RETURN: Phase.GRANTED, **_ENDS},
    Phase.USED: {},
    Phase.REFUSED: {},
    Phase.EXPIRED: {},
    Phase.WITHDRAWN: {},
}


class IllegalFact(GatewayError):
    """A fact that the table has no row for: the file was tampered with, or we have a bug. Nothing is changed."""

    code = "illegal_fact"


@dataclass(frozen=True, slots=True)
class Approval:
    id: str
    phase: Phase
    card: Card
    facts: int  # how many made it
    requested_us: int
    expires_us: int
    waiting: tuple[str, ...]  # exchanges whose client waits
    exchanges: tuple[str, ...]  # all that ever asked
    changed_us: int
    votes: tuple[Vote, ...] = ()  # yes, each from another person
    refusal: Vote | None = None
    standing: str = ""  # the standing grant that said yes, if one did
    grace_until_us: int | None = None  # while everybody has left
    withdrawn: str = ""  # why

    @property
    def state(self) -> State:
        return self.phase.state

    @property
    def narrowing(self) -> Narrowing:
        """What all who said yes took away."""
        return reduce(and_, (vote.narrowing for vote in self.votes), NOTHING_LESS)

    @property
    def deadline_us(self) -> int | None:
        """When time itself will change it; None once it is final."""
        if self.state.final:
            return None
        return min(self.expires_us, self.grace_until_us or self.expires_us)


def request(approval_id: str, card: Card, at_us: int) -> Requested:
    """The first fact of a new approval."""
    return Requested(1, at_us, approval_id, card, at_us + card.terms.expires_s * 1_000_000)


def decide(approval: Approval, step: Step) -> Decided:
    """What this step does to this approval."""
    due = _due(approval, step.at_us)
    if due is not None:
        then = decide(apply(approval, due), step)
        return Decided((due, *then.facts), then.why)
    fact = _wanted(approval, step)
    if fact is None or isinstance(fact, Why):
        return Decided(why=fact)
    if _move(approval, fact) not in TABLE[approval.phase]:
        return Decided(why=None if isinstance(step, Revoke) else Why.of(approval.state))
    return Decided((fact,))


def fold(facts: Iterable[Fact], approval: Approval | None = None) -> Approval:
    """The approval that these facts make; facts it has already seen change nothing. Raises IllegalFact."""
    for fact in facts:
        approval = _begin(fact) if approval is None else apply(approval, fact)
    if approval is None:
        raise IllegalFact("an approval without facts")
    return approval


def apply(approval: Approval, fact: Fact) -> Approval:
    """The approval after one more fact. Raises IllegalFact."""
    if fact.n <= approval.facts:
        return approval
    move = _move(approval, fact)
    phase = TABLE[approval.phase].get(move) if move else None
    if phase is None or fact.n != approval.facts + 1:
        raise IllegalFact(f"approval {approval.id}: {fact.type} cannot follow {approval.phase} as fact {fact.n}")
    after = replace(approval, phase=phase, facts=fact.n, changed_us=fact.at_us)
    match fact:
        case Returned(exchange=exchange):
            seen = _with(after.exchanges, exchange)
            return replace(after, waiting=_with(after.waiting, exchange), exchanges=seen, grace_until_us=None)
        case Left(exchange=exchange):
            waiting = tuple(other for other in after.waiting if other != exchange)
            return replace(after, waiting=waiting, grace_until_us=None if waiting else fact.at_us + GRACE_US)
        case Endorsed(vote=vote):
            return replace(after, votes=(*after.votes, vote))
        case Granted(vote=vote, standing=standing):
            return replace(after, votes=(*after.votes, vote), standing=standing)
        case Refused(vote=vote):
            return replace(after, refusal=vote)
        case Withdrawn(reason=reason):
            return replace(after, withdrawn=reason)
    return after


def _due(approval: Approval, at_us: int) -> Fact | None:
    """The end that time has brought, if it has. When both are due, the earlier one happened."""
    deadline = approval.deadline_us
    if deadline is None or at_us < deadline:
        return None
    if approval.expires_us <= deadline:
        return Expired(approval.facts + 1, at_us)
    return Withdrawn(approval.facts + 1, at_us, "left")


def _wanted(approval: Approval, step: Step) -> Fact | Why | None:
    """The fact that the step asks for, before the table is asked; None: nothing to do."""
    n = approval.facts + 1
    match step:
        case Return(at_us, exchange):
            if approval.state.final:
                return Why.of(approval.state)
            if exchange in approval.waiting:
                return None
            crowded = exchange not in approval.exchanges and len(approval.exchanges) >= MAX_EXCHANGES
            return Why.TOO_MANY if crowded else Returned(n, at_us, exchange)
        case Leave(at_us, exchange):
            stays = approval.card.terms.wait == "respond" or exchange not in approval.waiting
            return None if stays or approval.state.final else Left(n, at_us, exchange)
        case Grant(at_us, vote):
            return _granted(approval, vote, at_us)
        case Refuse(at_us, vote):
            return objection(approval, vote) or Refused(n, at_us, vote)
        case Consume(at_us, binding):
            return _used(approval, binding, at_us)
        case Revoke(at_us, reason):
            return Withdrawn(n, at_us, reason)
        case Tick():
            return None
        case _:
            assert_never(step)


def _granted(approval: Approval, vote: Vote, at_us: int) -> Fact | Why:
    if any(vote.voter.same_person(earlier.voter) for earlier in approval.votes) and not approval.state.final:
        return Why.ANSWERED
    against = objection(approval, vote)
    if against is not None:
        return against
    voters = [earlier.voter for earlier in approval.votes] + [vote.voter]
    last = satisfied(voters, approval.card.terms)
    # a further yes after the quorum asks for GRANTED too, for which the table has no row: "already granted"
    return Granted(approval.facts + 1, at_us, vote) if last else Endorsed(approval.facts + 1, at_us, vote)


def objection(approval: Approval, vote: Vote) -> Why | None:
    """What speaks against an answer as such; asked only while there is something to answer."""
    if approval.state.final:
        return Why.of(approval.state)
    if vote.shown_digest != approval.card.shown_digest:
        return Why.SHOWN_DIFFERS
    if approval.card.terms.needs_justification("approver") and not vote.justification.strip():
        return Why.JUSTIFICATION
    if approval.card.terms.signature and vote.signature is None:
        return Why.SIGNATURE
    return None


def _used(approval: Approval, binding: Binding, at_us: int) -> Fact | Why:
    if approval.state is not State.GRANTED:
        return Why.of(approval.state)
    if binding.key != approval.card.binding.key or binding.exchange not in approval.exchanges:
        return Why.NOT_BOUND
    if binding.exchange not in approval.waiting:
        return Why.NOT_WAITING
    return Used(approval.facts + 1, at_us, binding.exchange)


def _begin(fact: Fact) -> Approval:
    if not isinstance(fact, Requested) or fact.n != 1:
        raise IllegalFact(f"an approval begins with requested, not with {fact.type}")
    exchange = fact.card.binding.exchange
    return Approval(
        id=fact.id,
        phase=Phase.REQUESTED,
        card=fact.card,
        facts=1,
        requested_us=fact.at_us,
        expires_us=fact.expires_us,
        waiting=(exchange,),
        exchanges=(exchange,),
        changed_us=fact.at_us,
    )


def _move(approval: Approval, fact: Fact) -> Move | None:
    """The table's column for a fact; None for a second `requested`."""
    if isinstance(fact, Left) and not set(approval.waiting) - {fact.exchange}:
        return Move.LEAVE_LAST
    return None if isinstance(fact, Requested) else Move(fact.type)


def _with(exchanges: tuple[str, ...], exchange: str) -> tuple[str, ...]:
    return exchanges if exchange in exchanges else (*exchanges, exchange)
