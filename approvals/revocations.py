"""Who must be stopped at once: revocations of a subject, an agent, a session or one token. Pure.

    made → lifted

A revocation holds until somebody lifts it, over all restarts. What it hits ends within a second: new requests (authz),
held requests and unused grants (the book), open streams (extproc). Facts are few and kept for good.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Literal

from approvals.facts import Card
from runtime.errors import GatewayError


class Scope(StrEnum):
    """What is revoked: everything of that name."""

    SUBJECT = "subject"
    AGENT = "agent"
    SESSION = "session"
    JTI = "jti"


class Phase(StrEnum):
    MADE = "made"
    LIFTED = "lifted"


TABLE: Mapping[Phase, Mapping[str, Phase]] = {Phase.MADE: {"lifted": Phase.LIFTED}, Phase.LIFTED: {}}


@dataclass(frozen=True, slots=True)
class Traits:
    """What a revocation is held against: of a request, an approval or an open stream. Empty ones match nothing."""

    issuer: str
    subject: str
    agent: str = ""
    session: str = ""
    jti: str = ""

    @classmethod
    def of(cls, card: Card) -> "Traits":
        binding = card.binding
        return cls(binding.issuer, binding.subject, binding.agent, card.session, card.jti)


@dataclass(frozen=True, slots=True)
class By:
    """Who did it."""

    issuer: str
    subject: str
    email: str = ""


@dataclass(frozen=True, slots=True)
class Made:
    """`issuer` narrows it to that issuer's names; empty: of any issuer."""

    n: int
    at_us: int
    id: str
    scope: Scope
    value: str
    issuer: str
    reason: str
    by: By
    type: Literal["made"] = field(default="made", kw_only=True)


@dataclass(frozen=True, slots=True)
class Lifted:
    n: int
    at_us: int
    reason: str
    by: By
    type: Literal["lifted"] = field(default="lifted", kw_only=True)


RevocationFact = Made | Lifted


@dataclass(frozen=True, slots=True)
class Revocation:
    id: str
    phase: Phase
    facts: int
    made: Made
    lifted: Lifted | None = None

    @property
    def active(self) -> bool:
        return self.phase is Phase.MADE

    def hits(self, traits: Traits) -> bool:
        if not self.active or (self.made.issuer and self.made.issuer != traits.issuer):
            return False
        found = {
            Scope.SUBJECT: traits.subject,
            Scope.AGENT: traits.agent,
            Scope.SESSION: traits.session,
            Scope.JTI: traits.jti,
        }[self.made.scope]
        return bool(found) and found == self.made.value


class IllegalRevocation(GatewayError):
    """A fact that the table has no row for: the file was tampered with, or we have a bug."""

    code = "illegal_revocation"


def fold(facts: Iterable[RevocationFact], revocation: Revocation | None = None) -> Revocation:
    """The revocation that these facts make; facts it has seen change nothing. Raises IllegalRevocation."""
    for fact in facts:
        revocation = _begin(fact) if revocation is None else apply(revocation, fact)
    if revocation is None:
        raise IllegalRevocation("a revocation without facts")
    return revocation


def apply(revocation: Revocation, fact: RevocationFact) -> Revocation:
    if fact.n <= revocation.facts:
        return revocation
    phase = TABLE[revocation.phase].get(fact.type)
    if phase is None or fact.n != revocation.facts + 1 or not isinstance(fact, Lifted):
        raise IllegalRevocation(f"revocation {revocation.id}: {fact.type} cannot follow {revocation.phase}")
    return replace(revocation, phase=phase, facts=fact.n, lifted=fact)


def _begin(fact: RevocationFact) -> Revocation:
    if not isinstance(fact, Made) or fact.n != 1:
        raise IllegalRevocation(f"a revocation begins with made, not with {fact.type}")
    return Revocation(fact.id, Phase.MADE, 1, fact)


class Revocations:
    """All of them, indexed so that a request is held against them in four look-ups, however many there are."""

    def __init__(self, revocations: Iterable[Revocation] = ()) -> None:
        self._all: dict[str, Revocation] = {}
        self._active: dict[tuple[Scope, str], dict[str, Revocation]] = {}
        for revocation in revocations:
            self.put(revocation)

    def put(self, revocation: Revocation) -> None:
        """Adds it, or replaces what was known under its id."""
        self._all[revocation.id] = revocation
        key = (revocation.made.scope, revocation.made.value)
        here = self._active.setdefault(key, {})
        if revocation.active:
            here[revocation.id] = revocation
        else:
            here.pop(revocation.id, None)
            if not here:
                del self._active[key]

    def get(self, revocation_id: str) -> Revocation | None:
        return self._all.get(revocation_id)

    def active(self) -> list[Revocation]:
        return [revocation for revocation in self._all.values() if revocation.active]

    def find(self, traits: Traits) -> Revocation | None:
        """An active one that hits, if there is one."""
        keys = (
            (Scope.SUBJECT, traits.subject),
            (Scope.AGENT, traits.agent),
            (Scope.SESSION, traits.session),
            (Scope.JTI, traits.jti),
        )
        hits = (found for key in keys for found in self._active.get(key, {}).values() if found.hits(traits))
        return next(hits, None)

    def same(self, scope: Scope, value: str, issuer: str) -> Revocation | None:
        """The active one that says just this: to revoke twice is to revoke once."""
        here = self._active.get((scope, value), {}).values()
        return next((found for found in here if found.made.issuer == issuer), None)
