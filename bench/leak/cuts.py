"""The ways to cut. A cut is a place in a text; the pieces between the places are what is told, or written, one by one.

All samples of a text are cut in one go, each at its own place, so that few exchanges try many cuts.
"""

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

Span = tuple[int, int]
Text = TypeVar("Text", str, bytes)
Cuts = tuple[int, ...]
MARGIN = 2  # bytes around a sample that are cut at, too


@dataclass(frozen=True)
class Effort:
    """`deltas`, `wire`: how many of the single cuts, 0 for all of them. `bytewise`: samples cut byte by byte."""

    deltas: int
    wire: int
    chance: int
    bytewise: int


SMALL = Effort(deltas=2, wire=2, chance=1, bytewise=1)
QUICK = Effort(deltas=28, wire=20, chance=8, bytewise=5)
LONG = Effort(deltas=0, wire=0, chance=60, bytewise=99)


def pieces(text: Text, cuts: Sequence[int]) -> list[Text]:
    edges = sorted({0, len(text), *(cut for cut in cuts if 0 < cut < len(text))})
    return [text[a:b] for a, b in itertools.pairwise(edges)]


def spans(text: Text, wanted: Sequence[Text]) -> list[Span]:
    """Where they stand; each must be there."""
    return [(at := text.index(each), at + len(each)) for each in wanted]


def single(found: Sequence[Span], most: int) -> Iterator[Cuts]:
    """One cut in each span per turn: all places if `most` is 0, else evenly spread ones."""
    longest = max(end - start for start, end in found) - 1
    turns = longest if most == 0 else min(most, longest)
    for turn in range(turns):
        yield tuple(start + 1 + _place(turn, turns, end - start - 1) for start, end in found)


def _place(turn: int, turns: int, places: int) -> int:
    return turn % places if places <= turns else turn * places // turns


def around(found: Sequence[Span], size: int) -> list[Span]:
    return [(max(0, start - MARGIN), min(size, end + MARGIN)) for start, end in found]


def every(found: Sequence[Span]) -> Cuts:
    return tuple(at for start, end in found for at in range(start, end + 1))


def some(size: int, found: Sequence[Span], chance: random.Random) -> Cuts:
    """A few anywhere, more in the samples."""
    near = [chance.randint(start, end) for start, end in found for _ in range(chance.randint(0, 5))]
    return (*near, *(chance.randrange(size) for _ in range(chance.randint(1, 8))))
