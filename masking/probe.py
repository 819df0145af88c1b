"""The fast look at raw JSON: where could anything be that must be looked into?

One RE2 search over neutralised bytes (650 MB/s) finds every candidate of a detector, every key that a rule or a context
knows, every escape, and what reads as base64 text. What it does not touch is let go untouched; that is why it may say
too much and never too little.
"""

from functools import lru_cache

from masking import base64text, jsonheld
from masking.closure import width
from masking.combined import Combined
from masking.engine import ANYWHERE, Regex
from masking.jsontoken import LOOSE
from masking.matcher import Matcher
from masking.pattern import Seq, emit
from masking.scan import Scanner
from masking.select import Selection

# `\x01` is what `neutral` leaves of an escaped quote or backslash.
ESCAPE = r"[\\\x01]"
NOWHERE = (1 << 62, 1 << 62)
# Letters that are not ASCII but whose lower case is: KELVIN SIGN, and I with a dot above.
_FOLDED = r'"[^"]*(?:\xe2\x84\xaa|\xc4\xb0)[^"]*"'
_BASE64 = f'"{base64text.HEAD}'
_SHORT_CONTEXT = 4  # bytes
MOST_KEYS, KEY_BYTES = 512, 64  # remembered: how many, and of what length
_ENDS = 1 << 0x22 | 1 << 0x3A | 1 << 0x20  # a context that ends before a value in JSON ends in one of `": `


class Probe:
    """For one choice of rules; shared by all documents that are read with it."""

    __slots__ = ("_contexts", "_known", "_search")

    def __init__(self, both: Combined, selection: Selection) -> None:
        contexts = [_context(matcher) for matcher in both.announced if matcher.before & _ENDS]
        others = [matcher for matcher in both.announced if not matcher.before & _ENDS]
        self._known: dict[bytes, bool] = {}  # documents have the same few keys again and again
        self._contexts = [Regex(f"(?:{context})\\z") for context in contexts]
        arms = [
            both.plain.pattern,
            ESCAPE,
            LOOSE,
            _BASE64,
            jsonheld.HELD,
            *contexts,
            *(_context(matcher) if _tells(matcher) else _with_value(matcher) for matcher in others),
            *(_key(name) for name in selection.names),
        ]
        if selection.names:
            arms.append(_FOLDED)
        self._search = Regex("|".join(f"(?:{arm})" for arm in arms)).raw

    def find(self, norm: bytes, pos: int) -> tuple[int, int]:
        """The next place worth a look at or after `pos`, as (start, end); far away when there is none."""
        found: tuple[int, int] = self._search(ANYWHERE, norm, pos, len(norm))[0]
        return found if found[0] >= 0 else NOWHERE

    def contextual(self, quoted: bytes) -> bool:
        """Could a key, written `"key"`, be the context of the value behind it?"""
        if not self._contexts:
            return False
        known = self._known.get(quoted)
        if known is None:
            known = self._is_contextual(quoted)
            if len(quoted) <= KEY_BYTES:
                if len(self._known) >= MOST_KEYS:
                    self._known.clear()
                self._known[quoted] = known
        return known

    def _is_contextual(self, quoted: bytes) -> bool:
        texts = [quoted + link for link in (b':"', b":", b': "', b": ")]
        return any(context.find(text)[0] >= 0 for context in self._contexts for text in texts)


def _context(matcher: Matcher) -> str:
    assert matcher.context_tree is not None
    return emit(matcher.context_tree)


def _tells(matcher: Matcher) -> bool:
    """Is a context rare enough to be sought alone? One of a few bytes of any kind stands everywhere.

    The others are: what may follow them is nearly anything, and to find where a match begins, RE2 would read back
    through all of it (1 µs a hit).
    """
    return matcher.context_tree is not None and width(matcher.context_tree)[0] > _SHORT_CONTEXT


def _with_value(matcher: Matcher) -> str:
    assert matcher.context_tree is not None
    return emit(Seq((matcher.context_tree, matcher.tree)))


def _key(name: str) -> str:
    """A pattern for every spelling of a rule's key name (see `select.normal`), in quotes."""
    between = r'[^A-Za-z0-9"]*'
    letters = ('[^"]*' if char == "*" else _letter(char) for char in name)
    return f'"{between}{between.join(letters)}{between}"'


def _letter(char: str) -> str:
    if not char.isascii():
        return r'[^\x00-\x7f"]+'
    return f"[{char}{char.upper()}]" if char.isalpha() else char


def probe(scanner: Scanner) -> Probe:
    return _probe(scanner.combined, scanner.selection)


@lru_cache(maxsize=128)
def _probe(both: Combined, selection: Selection) -> Probe:
    return Probe(both, selection)
