"""Detectors made ready to run: one matcher per detector, and all of them combined for one choice of rules."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from masking import closure, pattern
from masking.detector import Detector, Validator
from masking.engine import Regex
from masking.errors import PatternRefused
from masking.pattern import Alt, Byte, Node, Seq

# Bytes before a value that its context may span, and what a stream keeps of the text already sent to see it.
MAX_CONTEXT = 96
KEPT = 128
# A repeat at the end of a secret is matched this far beyond its minimum, so that whole secrets of usual length are
# known (and can get a token); what is longer is swallowed.
SHOWN = 64
NEVER = "[^\\x00-\\xff]"


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
        self.run = run
        self.foreign = Regex(closure.swallowed(run)) if run else None
        self.until = Regex(detector.until) if detector.until else None
        self._end = Regex(pattern.emit(self.tree))
        self._context = Regex(f"(?:{pattern.emit(self.context_tree)})\\z") if self.context_tree else None

    def end(self, text: bytes, start: int) -> int:
        """End of the candidate at `start`, -1 if there is none there or its context is missing."""
        end = self._end.end(text, start)
        if end < 0 or self._context is None:
            return end
        return end if self._context.find(text[max(0, start - KEPT) : start])[0] >= 0 else -1

    @cached_property
    def _alive(self) -> Regex:
        return Regex(f"(?:{closure.begun(self.tree)})\\z")

    @cached_property
    def _decisive(self) -> Regex:
        return Regex(pattern.emit(pattern.parse(self.detector.decisive)))

    def cut_at(self, text: bytes, start: int) -> int:
        """Where, from `start` on, a value begins that the end of the text cuts off and that is already telling; or -1.

        Only the leftmost such beginning counts: later ones of the same detector have less to tell.
        """
        while (at := self._alive.find(text, start)[0]) >= 0:
            if self._context is None or self._context.find(text[max(0, at - KEPT) : at])[0] >= 0:
                return at if self._decisive.end(text, at) >= 0 else -1
            start = at + 1
        return -1


def _shown(tree: Node) -> int:
    last = tree.items[-1] if isinstance(tree, Seq) and tree.items else tree
    return last.low + SHOWN if isinstance(last, pattern.Repeat) else SHOWN


def _byte_class(text: str) -> int:
    tree = pattern.parse(text)
    if not isinstance(tree, Byte):
        raise PatternRefused("swallow is one class of bytes")
    return tree.mask


def _context(detector: Detector) -> Node:
    tree = closure.bound(pattern.parse(detector.context, ignore_case=detector.ignore_case))
    shortest, longest = closure.width(tree)
    if shortest == 0 or longest > MAX_CONTEXT:
        raise PatternRefused(f"a context spans 1 to {MAX_CONTEXT} bytes; this one {shortest} to {longest}")
    return tree


@lru_cache(maxsize=1024)
def compiled(detector: Detector) -> Matcher:
    """The matcher of a detector, made once."""
    return Matcher(detector)


@dataclass(frozen=True, slots=True)
class Combined:
    """All matchers of one choice of rules as four searches and a table.

    plain    leftmost candidate of detectors without context
    context  leftmost (and longest) context with its value behind it
    values   leftmost text that looks like the value of a context detector
    alive    leftmost start of anything that the next bytes could still complete
    table    first byte → indexes of the matchers that can begin with it
    """

    matchers: tuple[Matcher, ...]
    plain: Regex
    context: Regex
    values: Regex
    alive: Regex
    table: tuple[tuple[int, ...], ...]
    has_context: bool


@lru_cache(maxsize=256)
def combined(detectors: tuple[Detector, ...]) -> Combined:
    matchers = tuple(compiled(detector) for detector in detectors)
    plain = [m.tree for m in matchers if m.context_tree is None]
    pairs = [(m.context_tree, m.tree) for m in matchers if m.context_tree is not None]
    begun = [closure.prefixes(tree) for tree in plain]
    begun += [pattern.emit(context) + closure.begun(tree) for context, tree in pairs]
    return Combined(
        matchers,
        plain=Regex(_any(pattern.emit(tree) for tree in plain)),
        context=Regex(_any(pattern.emit(Seq((context, tree))) for context, tree in pairs), longest=True),
        values=Regex(_any(pattern.emit(tree) for _, tree in pairs)),
        alive=Regex(f"(?:{_any(begun)})\\z"),
        table=_table(matchers),
        has_context=bool(pairs),
    )


def _any(texts: Iterable[str]) -> str:
    return "|".join(f"(?:{text})" for text in texts) or NEVER


def _table(matchers: Sequence[Matcher]) -> tuple[tuple[int, ...], ...]:
    masks = [closure.first(matcher.tree)[0] for matcher in matchers]
    return tuple(tuple(at for at, mask in enumerate(masks) if mask >> byte & 1) for byte in range(256))


__all__ = ["KEPT", "Alt", "Combined", "Matcher", "combined", "compiled"]
