"""Whose answer counts. Pure, but for the door, which has tokens verified.

Requester and the agent's owner never count, whatever groups they are in. They may have signed in at another issuer
than the agent, so e-mail addresses and subjects are compared across issuers; when in doubt it is the same person.
"""

from collections.abc import Iterable
from typing import Protocol

from approvals.errors import NotAllowed, SignInNeeded
from approvals.facts import Card, Voter
from approvals.revocations import By
from approvals.standing import Given
from identity import Identity, TokenRefused
from identity.token import take_apart

AHEAD_S = 60  # an auth_time further in the future is not clock skew


class Verifies(Protocol):
    async def verify(self, token: str) -> Identity: ...


class Door:
    """Lets signed-in people in. `agents`: the audiences of the data path, none of which a person's token may name."""

    def __init__(self, verifier: Verifies | None, agents: Iterable[str]) -> None:
        self._verifier = verifier
        self._agents = frozenset(agents)

    async def person(self, authorization: str | None) -> Identity:
        """Raises SignInNeeded; KeysUnavailable when the issuer cannot be asked."""
        if self._verifier is None:
            raise SignInNeeded("nobody can sign in: the settings name no issuer of people (people.issuer)")
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise SignInNeeded("a token is needed (authorization: Bearer …)")
        try:
            person = await self._verifier.verify(token)
        except TokenRefused as refused:
            raise SignInNeeded(f"your token is not accepted: {refused.message}") from None
        if self._agents & _audiences(token):
            raise SignInNeeded("a token that opens the data path is not accepted here")
        return person


def voter(person: Identity, card: Card, *, now_us: int, auth_time_max_s: int | None) -> Voter:
    """The person as one whose answer counts. `auth_time_max_s`: how old the sign-in may be (None: any age).

    Raises NotAllowed, SignInNeeded.
    """
    named = set(card.terms.any) | set(card.terms.all)
    groups = tuple(group for group in person.groups if group in named)
    if not groups:
        raise NotAllowed(f"it takes a member of {' or '.join(sorted(named))}")
    other = sorted(group for group in person.groups if group in card.terms.never)
    if other:
        raise NotAllowed(f"who is in {' or '.join(other)} does not answer this: the policy keeps these duties apart")
    _check_not_own(person, _own(card))
    if auth_time_max_s is not None:
        check_fresh(person.auth_time, now_us // 1_000_000, auth_time_max_s)
    return Voter(person.issuer, person.subject, person.email, groups)


def breaker(person: Identity, card: Card, *, now_us: int, auth_time_max_s: int) -> Voter:
    """The person as one who may grant alone, in an emergency. Raises NotAllowed, SignInNeeded."""
    glass = card.terms.break_glass
    groups = tuple(group for group in person.groups if glass and group in glass.any)
    if not groups:
        who = " or ".join(sorted(glass.any)) if glass else "nobody: the policy foresees no emergency here"
        raise NotAllowed(f"break-glass takes a member of {who}" if glass else f"break-glass is for {who}")
    _check_not_own(person, _own(card))
    check_fresh(person.auth_time, now_us // 1_000_000, auth_time_max_s)
    return Voter(person.issuer, person.subject, person.email, groups)


def reviewer(person: Identity, given: Given) -> Voter:
    """The person as one who may look at an emergency grant afterwards: not who gave it, not whose it was."""
    groups = _of_terms(person, given)
    if not groups:
        raise NotAllowed(f"a review takes a member of {' or '.join(sorted(_groups(given)))}")
    _check_not_own(person, frozenset(_names(*given.own)))
    by = Voter(person.issuer, person.subject, person.email, groups)
    if any(vote.voter.same_person(by) for vote in given.votes):
        raise NotAllowed("you gave it: somebody else must review it")
    return by


def stopper(person: Identity, given: Given, revokers: Iterable[str]) -> Voter:
    """The person as one who may end a standing grant: an approver, its giver, its owner, or who may revoke."""
    groups = tuple(group for group in person.groups if group in _groups(given) | frozenset(revokers))
    own = bool(_names(person.subject, person.email) & _names(*given.own))
    by = Voter(person.issuer, person.subject, person.email, groups)
    if not groups and not own and not any(vote.voter.same_person(by) for vote in given.votes):
        raise NotAllowed("you may see it, not end it")
    return by


def may_see_standing(person: Identity, given: Given, overseers: Iterable[str]) -> bool:
    givers = {(vote.voter.issuer, vote.voter.subject) for vote in given.votes}
    if (person.issuer, person.subject) in givers or not (_groups(given) | set(overseers)).isdisjoint(person.groups):
        return True
    return bool(_names(person.subject, person.email) & _names(*given.own))


def _groups(given: Given) -> frozenset[str]:
    return frozenset((*given.reach.terms.any, *given.reach.terms.all))


def _of_terms(person: Identity, given: Given) -> tuple[str, ...]:
    return tuple(group for group in person.groups if group in _groups(given))


def revoker(person: Identity, groups: Iterable[str], *, now_us: int, auth_time_max_s: int) -> By:
    """The person as one who may revoke and lift. Raises NotAllowed, SignInNeeded."""
    allowed = frozenset(groups)
    if allowed.isdisjoint(person.groups):
        raise NotAllowed(f"it takes a member of {' or '.join(sorted(allowed)) or 'a group that nobody has named yet'}")
    check_fresh(person.auth_time, now_us // 1_000_000, auth_time_max_s)
    return By(person.issuer, person.subject, person.email)


def may_see(person: Identity, card: Card, overseers: Iterable[str]) -> bool:
    """Those who may answer, those for whom the agent acts, and members of the overseeing groups."""
    glass = card.terms.break_glass.any if card.terms.break_glass else ()
    groups = {*card.terms.any, *card.terms.all, *glass, *overseers}
    return not groups.isdisjoint(person.groups) or bool(_names(person.subject, person.email) & _own(card))


def _check_not_own(person: Identity, own: frozenset[str]) -> None:
    if _names(person.subject, person.email) & own:
        raise NotAllowed("it is your own agent's request: somebody else must answer it")
    if not person.email and any("@" in name for name in own):
        raise NotAllowed("your sign-in carries no e-mail address, so it cannot be told whether the request is your own")


def _own(card: Card) -> frozenset[str]:
    return _names(card.binding.subject, card.email, card.owner)


def _names(*names: str) -> frozenset[str]:
    return frozenset(name.strip().casefold() for name in names if name.strip())


def check_fresh(auth_time: int | None, now_s: int, most_s: int, why: str = "to grant") -> None:
    """Raises SignInNeeded."""
    if auth_time is None:
        raise SignInNeeded("your token does not say when you signed in (auth_time)")
    if auth_time > now_s + AHEAD_S:
        raise SignInNeeded("your token says that you will sign in later: clocks differ")
    if now_s - auth_time > most_s:
        raise SignInNeeded(f"you signed in more than {most_s // 60} minutes ago: sign in again {why}")


def _audiences(token: str) -> frozenset[str]:
    """`aud` of a token that has just been verified."""
    value = take_apart(token).claims.get("aud")
    return frozenset([value] if isinstance(value, str) else value or ())
