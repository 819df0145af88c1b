"""All matchers of one choice of rules, combined into a few searches over bytes."""

from collections.abc import Iterable
from functools import lru_cache

from masking import closure, pattern
from masking.detector import Detector
from masking.engine import Regex, RegexSet
from masking.matcher import KEPT, Matcher, compiled
from masking.pattern import ALL, WORD, Alt, Assert, Byte, Seq, mask_of

NEVER = "[^\\x00-\\xff]"
# The shape of a text's first bytes tells most detectors apart: `4111 1` from `123-45` from `10.1.2`.
SHAPED = 8
_REMEMBERED = 8192


def _shapes() -> tuple[bytes, list[int]]:
    """(table for `translate`, bytes behind each shape): digits, A-F, G-Z, a-f, g-z, beyond ASCII; else the byte."""
    table = bytearray(range(256))
    for low, high in ((48, 57), (65, 70), (71, 90), (97, 102), (103, 122), (128, 255)):
        table[low : high + 1] = bytes((low,)) * (high + 1 - low)
    members = [mask_of(byte for byte in range(256) if table[byte] == shape) for shape in range(256)]
    return bytes(table), members


_SHAPE, _MEMBERS = _shapes()


class Combined:
    """
    plain    leftmost candidate of the detectors without context
    context  leftmost, and longest, context with its value behind it
    alive    leftmost start of anything that the next bytes could still complete
    """

    def __init__(self, detectors: tuple[Detector, ...]) -> None:
        self.matchers = tuple(compiled(detector) for detector in detectors)
        plain = [m for m in self.matchers if m.context_tree is None]
        self.announced = tuple(m for m in self.matchers if m.context_tree is not None)
        self.has_context = bool(self.announced)
        both = [pattern.emit(Seq((m.context_tree, m.tree))) for m in self.announced if m.context_tree]
        self.plain = Regex(_any(pattern.emit(m.sought) for m in plain))
        # Bytes that may stand before a value which is sought together with the byte before it.
        self.edges = 0
        for m in plain:
            self.edges |= ALL & ~m.apart if m.apart else 0
        self.looks_before = self.has_context or bool(self.edges)
        self.first = 0  # what a value without context may begin with
        for m in plain:
            self.first |= m.first
        self.context = Regex(_any(both), longest=True)
        self._which = RegexSet(both)
        self.alive = Regex(f"(?:{_alive(plain, self.announced)})\\z")
        # Contexts and values longer than this cannot reach from one end of a window to the other.
        self.widest = max((closure.width(m.awaited)[1] for m in self.matchers), default=0)
        self._reach = KEPT + max((closure.width(m.tree)[1] for m in self.announced), default=0)
        self._plain_at: dict[bytes, tuple[int, ...]] = {}
        self._announced_at: dict[bytes, tuple[int, ...]] = {}

    def starting(self, text: bytes, start: int, announced: bool) -> tuple[int, ...]:
        """Indexes of the matchers that may match at `start`: judged by the byte there, the shape of some more, and the
        byte before.

        `announced`: detectors with a context are asked too.
        """
        around = text[start - 1 : start + SHAPED] if start else b"\n" + text[:SHAPED]
        shape = around.translate(_SHAPE) + around[1:2]
        known = self._announced_at if announced else self._plain_at
        try:
            return known[shape]
        except KeyError:
            pass
        found = tuple(
            at
            for at, m in enumerate(self.matchers)
            if (announced or m.context_tree is None) and m.first >> shape[-1] & 1 and _may_match(m, shape[:-1])
        )
        if len(known) < _REMEMBERED:
            known[shape] = found
        return found

    def next_value(self, text: bytes, pos: int) -> int:
        """The next start at or after `pos` of a value whose context stands before it; len(text) if there is none.

        The combined search finds the leftmost context that has a value; only around it is each detector asked.
        """
        begin = max(0, pos - KEPT)
        while (found := self.context.find(text, begin))[0] >= 0:
            begin, end = found
            if end > pos:
                low = max(0, begin - KEPT)
                window = text[low : end + self._reach]
                starts = []
                for index in self._which.matching(window):
                    at = self.announced[index].next_value(window, pos - low, begin - low)
                    if 0 <= at < end - low:  # later ones belong to a later context, and may be cut by the window
                        starts.append(at)
                if starts:
                    return low + min(starts)
            begin += 1
        return len(text)


def _may_match(matcher: Matcher, shape: bytes) -> bool:
    before = _MEMBERS[shape[0]]
    if matcher.context_tree is not None and not matcher.before & before:
        return False
    if matcher.apart and not before & ~matcher.apart:
        return False
    if matcher.lead and len(shape) > 1:
        boundary = bool(WORD & before) != bool(WORD & _MEMBERS[shape[1]])
        if boundary != (matcher.lead == r"\b"):
            return False
    left = [matcher.tree]
    for byte in shape[1:]:
        if any(closure.first(node)[1] for node in left):
            return True  # a match may end here
        left = [rest for node in left for rest in closure.after(node, _MEMBERS[byte])]
    return bool(left)


def _alive(plain: Iterable[Matcher], announced: Iterable[Matcher]) -> str:
    texts: list[str] = []
    marked = []
    for matcher in plain:
        tree = closure.loosened(matcher.awaited)
        split = closure.run_after(tree)
        if split is not None:
            marked.append(split)
        elif matcher.apart:
            edge = pattern.emit(Alt((Assert("\\A"), Byte(ALL & ~matcher.apart))))
            texts.append(edge + closure.begun(tree))
        else:
            texts.append(closure.prefixes(tree))
    if marked:
        texts.append(closure.shared_prefixes(marked))
    for matcher in announced:
        assert matcher.context_tree is not None
        tree = closure.loosened(matcher.awaited)
        texts.append(pattern.emit(closure.loosened(matcher.context_tree)) + closure.begun(tree))
    return _any(texts)


def _any(texts: Iterable[str]) -> str:
    return "|".join(f"(?:{text})" for text in texts) or NEVER


@lru_cache(maxsize=256)
def combined(detectors: tuple[Detector, ...]) -> Combined:
    """Made once per choice of detectors."""
    return Combined(detectors)
