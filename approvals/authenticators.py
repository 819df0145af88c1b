"""The authenticators that people registered, in memory, and what is staged of them. Pure.

Each belongs to one person, and a credential to one authenticator. A counter that does not go on is the sign of a copy
(WebAuthn §7.2 step 22): then the answer does not count. Those that keep no counter say 0 for ever.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from approvals.errors import NotAllowed, SignatureRefused, UnknownApproval
from approvals.facts import Vote
from approvals.signing import count_of

MOST = 10  # of one person
MAX_NAME = 80


class CounterWentBack(SignatureRefused):
    """The same key may be in two devices."""


@dataclass(frozen=True, slots=True)
class Authenticator:
    """`credential`: the attested credential data (WebAuthn §6.5.1), base64url; `key`: its public key as DER of a
    SubjectPublicKeyInfo, base64url, and `algorithm` its number in COSE, so that nobody needs CBOR to check with it."""

    id: str  # of the credential, base64url
    issuer: str
    subject: str
    email: str
    name: str
    credential: str
    key: str
    algorithm: int
    rp_id: str
    origin: str
    count: int
    added_us: int
    gateway: str = ""  # at which it was registered
    facts: int = 1
    used_us: int = 0
    removed_us: int = 0

    def of(self, issuer: str, subject: str) -> bool:
        return (self.issuer, self.subject) == (issuer, subject)


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What happened to one; `used` has no event of its own, the answer's tells it."""

    after: Authenticator
    what: Literal["added", "removed", "used"]

    @property
    def n(self) -> int:
        """Its number among the facts of this authenticator, from 1."""
        return self.after.facts


class Authenticators:
    def __init__(self, known: Iterable[Authenticator] = ()) -> None:
        self._all = {each.id: each for each in known}
        self._staged: dict[str, Authenticator] = {}
        self._changes: list[Enrolment] = []

    @property
    def changes(self) -> list[Enrolment]:
        """What is staged, in order."""
        return self._changes

    def of(self, issuer: str, subject: str) -> list[Authenticator]:
        """Those that this person may sign with, oldest first."""
        known = {**self._all, **self._staged}.values()
        mine = [each for each in known if each.of(issuer, subject) and not each.removed_us]
        return sorted(mine, key=lambda each: each.added_us)

    def add(self, made: Authenticator) -> Authenticator:
        """Raises SignatureRefused for a credential that is known already, NotAllowed for one too many."""
        if self._now(made.id) is not None:
            raise SignatureRefused("this authenticator is registered already, or was")
        if len(self.of(made.issuer, made.subject)) >= MOST:
            raise NotAllowed(f"you have {MOST} authenticators: remove one first")
        return self._put(made, "added")

    def remove(self, id_: str, issuer: str, subject: str, at_us: int) -> Authenticator:
        """Raises UnknownApproval when this person has none of this id."""
        found = self._now(id_)
        if found is None or not found.of(issuer, subject):
            raise UnknownApproval("you have no such authenticator")
        return found if found.removed_us else self._put(replace(found, removed_us=at_us), "removed")

    def check(self, vote: Vote, at_us: int) -> None:
        """Whether the vote's signature, if it has one, still counts. Raises SignatureRefused."""
        signature = vote.signature
        if signature is None:
            return
        found = self._now(signature.credential)
        if found is None or found.removed_us or not found.of(vote.voter.issuer, vote.voter.subject):
            raise SignatureRefused("this authenticator is not one of yours")
        if at_us >= signature.expires_us:
            raise SignatureRefused("the signature came too late: sign again")
        count = count_of(signature)
        if (count or found.count) and count <= found.count:
            raise CounterWentBack("the counter of this authenticator went back: the same key may be in two devices")

    def use(self, vote: Vote, at_us: int) -> None:
        """Its counter is kept with the answer; `check` was asked before."""
        found = self._now(vote.signature.credential) if vote.signature else None
        if found is not None and vote.signature is not None:
            self._put(replace(found, count=count_of(vote.signature), used_us=at_us), "used")

    def learn(self, fact: Enrolment) -> None:
        """What another gateway has made durable."""
        self._all[fact.after.id] = fact.after

    def settle(self) -> None:
        self._all |= self._staged
        self.drop()

    def drop(self) -> None:
        self._staged, self._changes = {}, []

    def _now(self, id_: str) -> Authenticator | None:
        return self._staged.get(id_) or self._all.get(id_)

    def _put(self, after: Authenticator, what: Literal["added", "removed", "used"]) -> Authenticator:
        before = self._now(after.id)
        after = replace(after, facts=before.facts + 1 if before else 1)
        self._staged[after.id] = after
        self._changes.append(Enrolment(after, what))
        return after
