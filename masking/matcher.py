"""A detector made ready to run."""

import re
from functools import cached_property, lru_cache

from masking import boundaries, closure, identifiers, pattern
from masking.detector import Detector, Validator
from masking.engine import HERE, Regex
from masking.errors import PatternRefused
from masking.pattern import ALL, Alt, Assert, Byte, Node, Repeat, Seq

# Bytes before a value that its context may span, and what a stream keeps of the text already sent to see it.
MAX_CONTEXT = 96
KEPT = 128
# A repeat at the end of a secret is matched this far beyond its minimum, so that whole secrets of usual length are
# known (and can get a token); what is longer is swallowed.
SHOWN = 64


_FRACTION = re.compile(rb"[0-9]{12,}|[0-9]+\Z")
"""Digits in a row that no number in groups begins with, or nothing but digits."""


class Matcher:
    """One detector, compiled. Immutable; shared by every scanner that uses the detector."""

    def __init__(self, detector: Detector) -> None:
        tree = pattern.parse(detector.pattern, ignore_case=detector.ignore_case)
        tree, run = closure.split_tail(tree, _shown(tree))
        if detector.swallow:
            run = _byte_class(detector.swallow)
        self.detector = detector
        self.name = detector.name
        self.validate: Validator | None = detector.validate
        self.tree: Node = closure.checked(closure.bound(tree))
        self.context_tree: Node | None = _context(detector) if detector.context else None
        self.first = closure.first(self.tree)[0]
        self.apart = _byte_class(detector.apart) if detector.apart else 0
        self.decimal = detector.decimal
        self.standing = detector.standing
        self.looks_before = bool(self.context_tree) or bool(self.apart) or self.decimal
        self.before = closure.last(self.context_tree)[0] if self.context_tree else 0
        if not boundaries.possible(self.tree, self.before or ALL):
            raise PatternRefused(r"it can never match: a \b or \B in it contradicts what stands beside it")
        self.lead = closure.lead(self.tree)
        self.run = run
        self.foreign = Regex(closure.swallowed(run)) if run else None
        self.until = Regex(detector.until) if detector.until else None
        self.here = Regex(pattern.emit(self.tree)).raw

    def end(self, text: bytes, start: int) -> int:
        """End of the candidate at `start`, -1 if there is none there or its context is missing."""
        end: int = self.here(HERE, text, start, len(text))[0][1]
        return end if end >= 0 and self.fits(text, start, end) else -1

    def fits(self, text: bytes, start: int, end: int) -> bool:
        """Does what stands before a candidate allow it?"""
        if self.context_tree is not None:
            return self.announced(text, start)
        if start and self.apart >> text[start - 1] & 1:
            return False
        fraction = self.decimal and start > 1 and text[start - 1] == 0x2E and 48 <= text[start - 2] <= 57
        return not (fraction and _FRACTION.match(text, start, end))

    @cached_property
    def awaited(self) -> Node:
        """What a stream waits for: the value, and whether what goes on behind it makes it part of something else."""
        if not self.standing:
            return self.tree
        behind = Repeat(Byte(_byte_class(identifiers.INSIDE)), 0, identifiers.AROUND)
        return Seq((*self.tree.items, behind)) if isinstance(self.tree, Seq) else Seq((self.tree, behind))

    @property
    def sought(self) -> Node:
        """What the combined search looks for: the value, or the byte before it and the value."""
        if not self.apart:
            return self.tree
        return Seq((Alt((Assert("\\A"), Byte(ALL & ~self.apart))), self.tree))

    def next_value(self, text: bytes, pos: int, begin: int) -> int:
        """The next start at or after `pos` of a value with its context, which begins at or after `begin`; or -1."""
        while (found := self._both.find(text, begin))[0] >= 0:
            begin, end = found
            at = max(begin, pos - 1, 0)
            while 0 <= (at := self._gate.find(text, at)[0]) < end:
                at += 1
                if self.announced(text, at):
                    return at
            begin += 1
        return -1

    def cut_at(self, text: bytes, start: int) -> int:
        """Where, from `start` on, a value begins that the end of the text cuts off and that is already telling; or -1.

        Only the leftmost such beginning counts: later ones of the same detector have less to tell. A whole UUID at the
        end is let go; a word of hexadecimal digits is not, for as many of its length are a word and the half of a card.
        """
        while (at := self._alive.find(text, start)[0]) >= 0:
            if self.fits(text, at, len(text)) and not (self.standing and identifiers.in_grouped(text, at, len(text))):
                return at if self._decisive.end(text, at) >= 0 else -1
            start = at + 1
        return -1

    def announced(self, text: bytes, start: int) -> bool:
        """Does the context end at `start`?"""
        return self._context.find(text[max(0, start - KEPT) : start])[0] >= 0

    @cached_property
    def _context(self) -> Regex:
        assert self.context_tree is not None
        return Regex(f"(?:{pattern.emit(self.context_tree)})\\z")

    @cached_property
    def _both(self) -> Regex:
        """Context and value, the longest: every value that the leftmost context announces begins inside it."""
        assert self.context_tree is not None
        return Regex(pattern.emit(Seq((self.context_tree, self.tree))), longest=True)

    @cached_property
    def _gate(self) -> Regex:
        """A value, from the byte before it on, which the context must end with."""
        return Regex(pattern.emit(Seq((Byte(self.before), self.tree))))

    @cached_property
    def _alive(self) -> Regex:
        return Regex(f"(?:{closure.begun(self.tree)})\\z")

    @cached_property
    def _decisive(self) -> Regex:
        return Regex(pattern.emit(pattern.parse(self.detector.decisive)))


def _shown(tree: Node) -> int:
    last = tree.items[-1] if isinstance(tree, Seq) and tree.items else tree
    return last.low + SHOWN if isinstance(last, pattern.Repeat) else SHOWN


def _byte_class(text: str) -> int:
    tree = pattern.parse(text)
    if not isinstance(tree, Byte):
        raise PatternRefused("swallow is one class of bytes")
    return tree.mask


def _context(detector: Detector) -> Node:
    try:
        tree = closure.bound(pattern.parse(detector.context, ignore_case=detector.ignore_case))
    except PatternRefused as exc:
        raise PatternRefused(f"context: {exc.message}") from exc
    if not boundaries.possible(tree):
        raise PatternRefused(r"context: it can never match: a \b or \B in it contradicts what stands beside it")
    shortest, longest = closure.width(tree)
    if shortest == 0 or longest > MAX_CONTEXT:
        raise PatternRefused(f"a context spans 1 to {MAX_CONTEXT} bytes; this one {shortest} to {longest}")
    return tree


@lru_cache(maxsize=1024)
def compiled(detector: Detector) -> Matcher:
    """The matcher of a detector, made once."""
    return Matcher(detector)
