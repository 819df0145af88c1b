"""What may be wanted of an approval, and the words for why it was not to be had. Pure.

`at_us` is when (Unix microseconds): time enters the machine as a value, never as a clock.
"""

from dataclasses import dataclass
from enum import StrEnum

from approvals.facts import Binding, Fact, State, Vote


@dataclass(frozen=True, slots=True)
class Return:
    at_us: int
    exchange: str


@dataclass(frozen=True, slots=True)
class Leave:
    at_us: int
    exchange: str


@dataclass(frozen=True, slots=True)
class Grant:
    at_us: int
    vote: Vote


@dataclass(frozen=True, slots=True)
class Refuse:
    at_us: int
    vote: Vote


@dataclass(frozen=True, slots=True)
class Consume:
    at_us: int
    binding: Binding


@dataclass(frozen=True, slots=True)
class Revoke:
    at_us: int
    reason: str = "revoked"


@dataclass(frozen=True, slots=True)
class Tick:
    at_us: int


Step = Return | Leave | Grant | Refuse | Consume | Revoke | Tick


class Why(StrEnum):
    """Why a step changed nothing. The first six say what stands in the way; a refused step never raises here."""

    NOT_GRANTED = "not_granted"
    GRANTED = "already_granted"
    USED = "already_used"
    REFUSED = "already_refused"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    ANSWERED = "answered_before"
    SHOWN_DIFFERS = "shown_differs"
    JUSTIFICATION = "justification_required"
    NOT_BOUND = "not_bound"
    NOT_WAITING = "not_waiting"
    TOO_MANY = "too_many_exchanges"
    SIGNATURE = "signature_required"

    @classmethod
    def of(cls, state: State) -> "Why":
        """The state that stands in the way of what was wanted."""
        return _IN_THE_WAY[state]


_IN_THE_WAY = {
    State.REQUESTED: Why.NOT_GRANTED,
    State.GRANTED: Why.GRANTED,
    State.USED: Why.USED,
    State.REFUSED: Why.REFUSED,
    State.EXPIRED: Why.EXPIRED,
    State.WITHDRAWN: Why.WITHDRAWN,
}


@dataclass(frozen=True, slots=True)
class Decided:
    """The facts to record, in order, and why the step itself did nothing (None: it did, or there was nothing to do)."""

    facts: tuple[Fact, ...] = ()
    why: Why | None = None
