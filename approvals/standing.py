"""Standing grants: for a limited time and count, one identity may do one kind of thing without asking each time. Pure.

    active → spent | over | revoked

Theory. A standing grant covers requests of the very same issuer, subject and agent, on one connection, whose action
fits its pattern, that the same rule holds under the same terms, in the snapshot in which it was given: a new policy
asks anew, and so does a rule that asks for more people. Each use is a fact of its own, so uses are counted where they
are recorded. The policy bounds how long and how often (`approval.standing`); people may give less,
never more. Break-glass is a standing grant that its giver needs no second person for; it is owed a review afterwards.
It is given by the very people who granted the request at hand, all of them wishing it; their least wish counts.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import reduce
from operator import and_
from typing import Literal

from approvals.facts import NOTHING_LESS, Ask, Card, Narrowing, Vote, Voter, Wish
from approvals.machine import Approval
from runtime.errors import CallerError, GatewayError
from snapshot.decision import ApprovalTerms, Bounds


class Phase(StrEnum):
    ACTIVE = "active"
    SPENT = "spent"
    OVER = "over"
    REVOKED = "revoked"


class Move(StrEnum):
    TAKE = "taken"
    TAKE_LAST = "taken_last"
    END = "over"
    REVOKE = "revoked"
    REVIEW = "reviewed"


TABLE: Mapping[Phase, Mapping[Move, Phase]] = {
    Phase.ACTIVE: {
        Move.TAKE: Phase.ACTIVE,
        Move.TAKE_LAST: Phase.SPENT,
        Move.END: Phase.OVER,
        Move.REVOKE: Phase.REVOKED,
        Move.REVIEW: Phase.ACTIVE,
    },
    # a review may come late; it changes nothing but that it was done
    Phase.SPENT: {Move.REVIEW: Phase.SPENT},
    Phase.OVER: {Move.REVIEW: Phase.OVER},
    Phase.REVOKED: {Move.REVIEW: Phase.REVOKED},
}


class TooWide(CallerError):
    """Wider than the policy allows, or than can be said in a pattern."""

    code = "standing_too_wide"


class IllegalStanding(GatewayError):
    """A fact that the table has no row for."""

    code = "illegal_standing"


@dataclass(frozen=True, slots=True)
class Reach:
    """Whom and what it covers. `action`: see `fits`."""

    issuer: str
    subject: str
    agent: str
    connection: str
    snapshot: str
    action: str
    rule: str
    terms: ApprovalTerms

    @classmethod
    def of(cls, card: Card, action: str = "") -> "Reach":
        """`action`: a pattern; just the card's own if none is given."""
        binding = card.binding
        who = (binding.issuer, binding.subject, binding.agent)
        return cls(*who, binding.connection, binding.snapshot, action or card.action, card.rule, card.terms)

    def covers(self, ask: Ask) -> bool:
        same = (self.issuer, self.subject, self.agent, self.connection, self.snapshot, self.rule, self.terms)
        asked = (ask.issuer, ask.subject, ask.agent, ask.connection, ask.snapshot, ask.rule, ask.terms)
        return same == asked and fits(self.action, ask.action)


@dataclass(frozen=True, slots=True)
class Given:
    n: int
    at_us: int
    id: str
    reach: Reach
    uses: int
    until_us: int
    votes: tuple[Vote, ...]
    break_glass: bool = False
    approval: str = ""  # the one at which it was given
    session: str = ""
    own: tuple[str, ...] = ()  # names of the requester and of whom the agent acts for: they neither give nor review
    type: Literal["given"] = field(default="given", kw_only=True)


@dataclass(frozen=True, slots=True)
class Taken:
    n: int
    at_us: int
    exchange: str
    type: Literal["taken"] = field(default="taken", kw_only=True)


@dataclass(frozen=True, slots=True)
class Over:
    n: int
    at_us: int
    type: Literal["over"] = field(default="over", kw_only=True)


@dataclass(frozen=True, slots=True)
class Revoked:
    n: int
    at_us: int
    by: Voter
    reason: str
    type: Literal["revoked"] = field(default="revoked", kw_only=True)


@dataclass(frozen=True, slots=True)
class Reviewed:
    n: int
    at_us: int
    by: Voter
    words: str
    type: Literal["reviewed"] = field(default="reviewed", kw_only=True)


Fact = Given | Taken | Over | Revoked | Reviewed


@dataclass(frozen=True, slots=True)
class Standing:
    given: Given
    phase: Phase
    facts: int
    exchanges: tuple[str, ...] = ()  # one per use
    reviewed: Reviewed | None = None

    @property
    def id(self) -> str:
        return self.given.id

    @property
    def narrowing(self) -> Narrowing:
        """What all who gave it took away."""
        return reduce(and_, (vote.narrowing for vote in self.given.votes), NOTHING_LESS)

    @property
    def reviewers(self) -> frozenset[str]:
        """Groups whose members may revoke and review it."""
        return frozenset((*self.given.reach.terms.any, *self.given.reach.terms.all))

    @property
    def kept(self) -> bool:
        """Whether anybody still has to do with it."""
        return self.phase is Phase.ACTIVE or self.owes_review

    @property
    def deadline_us(self) -> int | None:
        return self.given.until_us if self.phase is Phase.ACTIVE else None

    @property
    def uses_left(self) -> int:
        return self.given.uses - len(self.exchanges) if self.phase is Phase.ACTIVE else 0

    @property
    def owes_review(self) -> bool:
        return self.given.break_glass and self.reviewed is None


def wished(votes: Sequence[Vote]) -> Wish | None:
    """The least of their wishes; None unless all of them wish for the same action."""
    wishes = [vote.wish for vote in votes if vote.wish is not None]
    if not wishes or len(wishes) < len(votes) or len({wish.action for wish in wishes}) != 1:
        return None
    return Wish(min(wish.uses for wish in wishes), min(wish.seconds for wish in wishes), wishes[0].action)


def given(
    standing_id: str, at_us: int, approval: Approval, votes: Sequence[Vote], wish: Wish, *, break_glass: bool = False
) -> Given:
    """The first fact of a standing grant, at the approval that it begins with. Raises TooWide."""
    card = approval.card
    bounds = _bounds(card.terms, break_glass=break_glass)
    reach = Reach.of(card, wish.action)
    if not fits(reach.action, card.action):
        raise TooWide("the pattern does not cover the request at hand")
    made = Given(
        1,
        at_us,
        standing_id,
        reach,
        wish.uses,
        at_us + wish.seconds * 1_000_000,
        tuple(votes),
        break_glass,
        approval.id,
        card.session,
        tuple(sorted({name for name in (card.binding.subject, card.email, card.owner) if name})),
    )
    return give(made, bounds)


def _bounds(terms: ApprovalTerms, *, break_glass: bool) -> Bounds:
    glass = terms.break_glass.bounds if terms.break_glass else None
    bounds = glass if break_glass else terms.standing
    if bounds is None:
        what = "break-glass" if break_glass else "a standing grant"
        raise TooWide(f"the policy does not allow {what} here")
    return bounds


def give(given: Given, bounds: Bounds) -> Given:
    """The same, if the policy allows as much. Raises TooWide."""
    seconds = (given.until_us - given.at_us) / 1_000_000
    if not 1 <= given.uses <= bounds.uses or not 0 < seconds <= bounds.seconds:
        raise TooWide(f"the policy allows at most {bounds.uses} uses within {bounds.seconds} s")
    if not given.votes:
        raise TooWide("somebody must give it")
    first = given.reach.action.split("/")[0]
    if "*" in first or not first.strip():
        raise TooWide("the pattern must begin with a method and may leave open only parts of the path")
    return given


def take(standing: Standing, ask: Ask, at_us: int) -> tuple[Fact, ...]:
    """The facts when a request comes: Taken if it is covered, Over if the time is, none if it does not concern it."""
    n = standing.facts + 1
    if standing.phase is not Phase.ACTIVE or ask.exchange in standing.exchanges:
        return ()
    if at_us >= standing.given.until_us:
        return (Over(n, at_us),)
    return (Taken(n, at_us, ask.exchange),) if standing.given.reach.covers(ask) else ()


def fold(facts: Iterable[Fact], standing: Standing | None = None) -> Standing:
    """The standing grant that these facts make; facts it has seen change nothing. Raises IllegalStanding."""
    for fact in facts:
        standing = _begin(fact) if standing is None else apply(standing, fact)
    if standing is None:
        raise IllegalStanding("a standing grant without facts")
    return standing


def apply(standing: Standing, fact: Fact) -> Standing:
    if fact.n <= standing.facts:
        return standing
    move = _move(standing, fact)
    phase = TABLE[standing.phase].get(move) if move else None
    if phase is None or fact.n != standing.facts + 1:
        raise IllegalStanding(f"standing grant {standing.given.id}: {fact.type} cannot follow {standing.phase}")
    after = replace(standing, phase=phase, facts=fact.n)
    if isinstance(fact, Taken):
        return replace(after, exchanges=(*after.exchanges, fact.exchange))
    return replace(after, reviewed=fact) if isinstance(fact, Reviewed) else after


def fits(pattern: str, action: str) -> bool:
    """`POST /ledger/*/notes`: a star is one part of a path, never more; a query belongs to its part."""
    wanted, found = pattern.split("/"), action.split("/")
    return len(wanted) == len(found) and all(
        part == want or (want == "*" and part != "") for want, part in zip(wanted, found, strict=True)
    )


def _move(standing: Standing, fact: Fact) -> Move | None:
    if isinstance(fact, Taken) and standing.uses_left == 1:
        return Move.TAKE_LAST
    return None if isinstance(fact, Given) else Move(fact.type)


def _begin(fact: Fact) -> Standing:
    if not isinstance(fact, Given) or fact.n != 1:
        raise IllegalStanding(f"a standing grant begins with given, not with {fact.type}")
    return Standing(fact, Phase.ACTIVE, 1)
