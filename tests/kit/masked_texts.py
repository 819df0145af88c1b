"""Texts for the text core: scanners of all detectors, ways to cut a text, and what must come out."""

import itertools
import random
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache

from masking.detector import Detector
from masking.detectors import ALL
from masking.finding import Finding, Findings
from masking.keys import Keys
from masking.operators import REDACT, Operator, label
from masking.scan import Rule, Scanner
from masking.text import TextStream, mask_text

KEYS = Keys(b"t" * 32, b"r" * 64)
USUAL = tuple(detector for detector in ALL if detector.groups and not detector.needs)
Make = Callable[[Scanner, Findings], TextStream]


@cache
def scanner_of(*detectors: Detector, operator: Operator = REDACT) -> Scanner:
    return Scanner([Rule(each.name, "1", each, operator) for each in detectors], KEYS)


def usual() -> Scanner:
    return scanner_of(*USUAL)


def example(text: str, name: str) -> tuple[bytes, bytes]:
    """(the bytes of an example, what masking must make of them): «…» marks what is masked."""
    marked = label(name).decode()
    return re.sub("[«»]", "", text).encode(), re.sub("«[^»]*»", lambda _: marked, text).encode()


def secrets(text: str) -> list[bytes]:
    return [found.encode() for found in re.findall("«([^»]*)»", text)]


def start(scanner: Scanner, sink: Findings) -> TextStream:
    return TextStream(scanner, "$", sink)


def whole(scanner: Scanner, text: bytes, closed: bool = True) -> tuple[bytes, list[Finding]]:
    sink = Findings()
    return mask_text(scanner, "$", sink, text, closed=closed), sink.take()


def pieces(text: bytes, cuts: Iterable[int]) -> list[bytes]:
    edges = [0, *cuts, len(text)]
    return [text[a:b] for a, b in itertools.pairwise(edges)]


def streamed(
    scanner: Scanner, parts: Sequence[bytes], closed: bool = True, make: Make = start
) -> tuple[list[bytes], list[Finding]]:
    """What comes out after each piece and at the end."""
    sink = Findings()
    stream = make(scanner, sink)
    out = [stream.feed(part) for part in parts]
    return [*out, stream.finish(closed=closed)], sink.take()


def splittings(text: bytes, *, pairs_up_to: int = 0, some: int = 0, seed: int = 0) -> Iterator[list[bytes]]:
    """Byte by byte, every one cut, every two cuts of short texts, and some with many cuts."""
    size = len(text)
    yield pieces(text, range(1, size))
    for cut in range(size + 1):
        yield pieces(text, (cut,))
    if size <= pairs_up_to:
        for cuts in itertools.combinations(range(1, size), 2):
            yield pieces(text, cuts)
    chance = random.Random(seed)
    for _ in range(some):
        yield pieces(text, sorted(chance.sample(range(size + 1), min(size, chance.randint(2, 12)))))
