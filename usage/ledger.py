"""What a reservation, a charge and an expiry change in the counters. Pure: the book writes what is said here.

A cell is one bucket of one window of one scope; the cell at NOW holds what is reserved and not yet settled.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from usage.amounts import Amounts
from usage.scopes import SCOPES, Who
from usage.windows import WINDOWS

NOTHING = Amounts()
NOW = 0  # grain of the cell that holds open reservations
LEASE_US = 120_000_000  # a reservation that nobody renews for so long belongs to a process that died
SETTLED_US = 300_000_000  # what was settled is remembered for so long: whoever heard no answer tries again for a minute
Cell = tuple[bytes, int, int]  # key, length of the window in seconds (or NOW), start of the bucket in unix seconds
Deltas = dict[Cell, Amounts]


@dataclass(frozen=True, slots=True)
class Reservation:
    """`reserved`: what the exchange may take. `sent`: it was let out; `charged`: what was charged when it was lost, or
    when it was `settled`: then its names are gone, and it is kept so that the same end counts once."""

    exchange: str
    who: Who
    reserved: Amounts
    sent: bool = False
    lost: bool = False
    settled: bool = False
    charged: Amounts = NOTHING

    def unsettled(self) -> Deltas:
        """Takes back what is still reserved."""
        return reserve(self.who, self.reserved.negative()) if self.open else {}

    @property
    def open(self) -> bool:
        return not (self.lost or self.settled)


@dataclass(frozen=True, slots=True)
class Numbers:
    """What Rego sees: per scope and window what was used, what is reserved ahead of this exchange, and its own."""

    used: Mapping[str, Mapping[str, Amounts]]

    def to_input(self) -> dict[str, dict[str, dict[str, int]]]:
        return {scope: {name: found.to_input() for name, found in windows.items()} for scope, windows in
                self.used.items()}  # fmt: skip


def reserve(who: Who, amounts: Amounts) -> Deltas:
    return add({}, ((key, NOW, 0) for key in who.keys), amounts)


def charge(who: Who, amounts: Amounts, now_us: int) -> Deltas:
    cells = ((key, window.length, window.at(now_us)) for key in who.keys for window in WINDOWS)
    return add({}, cells, amounts)


def lose(found: Reservation) -> Amounts:
    """What is charged when nobody settles: what left is known, what came back is not.

    Nothing left before extproc let the request go; then it is as if it had not been asked.
    """
    if not found.sent:
        return Amounts()
    asked = found.reserved
    return Amounts(requests=asked.requests, input_tokens=asked.input_tokens, request_bytes=asked.request_bytes)


def sightings(key: bytes, last_us: Iterable[int | None], now_us: int) -> Deltas:
    """Values of one scope that were seen at `now_us`, and last before that at `last_us` (None: never).

    Each moves to the newest bucket, so that the sum over a window's buckets is the number of distinct values in it.
    """
    deltas: Deltas = {}
    for last in last_us:
        for window in WINDOWS:
            at = window.at(now_us)
            before = None if last is None else window.at(last)
            if before is not None and before >= at:
                continue
            add(deltas, [(key, window.length, at)], Amounts(values=1))
            if before is not None and before >= window.first(now_us):
                add(deltas, [(key, window.length, before)], Amounts(values=-1))
    return deltas


def add(deltas: Deltas, cells: Iterable[Cell], amounts: Amounts) -> Deltas:
    for cell in cells if amounts else ():
        deltas[cell] = deltas.get(cell, Amounts()) + amounts
    return deltas


def numbers(who: Who, rows: Mapping[bytes, Mapping[int, Amounts]], ahead: Sequence[Amounts] | None = None) -> Numbers:
    """`rows`: per key and grain what counts now; `ahead`: what is reserved per scope, if not the cell at NOW."""
    used = {}
    for index, (scope, key) in enumerate(zip(SCOPES, who.keys, strict=True)):
        found = rows.get(key, {})
        reserved = found.get(NOW, Amounts()) if ahead is None else ahead[index]
        used[scope] = {window.name: found.get(window.length, Amounts()) + reserved for window in WINDOWS}
    return Numbers(used)
