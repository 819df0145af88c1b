"""What is counted, as one value. Pure.

requests        let out (a held one when it was granted)
denied          by the policy
input_tokens, output_tokens      as the provider counts them, estimated where it does not say
request_bytes, response_bytes    of bodies
rows            records that answers held, where the connection says which list they are
values          distinct tokenised values; a value counts once in a window, at its latest sighting
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Self

MOST = 1 << 40  # of each kind in one exchange: what eight million exchanges sum up to still fits 64 bits
SHOWN = (1 << 53) - 1  # the largest integer of an event and of JSON


@dataclass(frozen=True, slots=True)
class Amounts:
    requests: int = 0
    denied: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    request_bytes: int = 0
    response_bytes: int = 0
    rows: int = 0
    values: int = 0

    def __add__(self, other: "Amounts") -> "Amounts":
        return Amounts(*map(int.__add__, self.counts(), other.counts()))

    def __sub__(self, other: "Amounts") -> "Amounts":
        return self + other.negative()

    def negative(self) -> "Amounts":
        return Amounts(*map(int.__neg__, self.counts()))

    def __bool__(self) -> bool:
        return any(self.counts())

    def bounded(self) -> "Amounts":
        """What one exchange asks for or uses, at most MOST of each kind: callers and upstreams write any number."""
        return self if max(self.counts()) <= MOST else Amounts(*(min(count, MOST) for count in self.counts()))

    def counts(self) -> tuple[int, ...]:
        """In the order of NAMES."""
        found: tuple[int, ...] = _COUNTS(self)
        return found

    @classmethod
    def of(cls, values: Mapping[str, int]) -> Self:
        return cls(**{name: values.get(name, 0) for name in NAMES})

    def to_input(self) -> dict[str, int]:
        """As policies see it: never below zero nor above SHOWN, with the sum of both kinds of tokens."""
        shown = dict(zip(NAMES, self.counts(), strict=True))
        if min(shown.values()) < 0:
            shown = {name: max(0, value) for name, value in shown.items()}
        shown["tokens"] = shown["input_tokens"] + shown["output_tokens"]
        return shown if max(shown.values()) <= SHOWN else {name: min(value, SHOWN) for name, value in shown.items()}


NAMES = tuple(field.name for field in fields(Amounts))
_COUNTS = attrgetter(*NAMES)
