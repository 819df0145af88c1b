"""The fast look at raw JSON: where could anything be that must be looked into?

One RE2 search over the (neutralised) bytes finds every candidate of a detector, every escape, and everything that reads
as base64 text. What it does not touch is let go untouched; that is why it may say too much and never too little.
"""

from functools import lru_cache

from masking.engine import Regex
from masking.pattern import emit
from masking.scan import Scanner

# `\x01` is what `neutral` leaves of an escaped quote or backslash.
ESCAPE = r"[\\\x01]"
NOWHERE = (1 << 62, 1 << 62)


class Probe:
    """For one scanner; shared by all documents that it reads."""

    __slots__ = ("_contexts", "_search")

    def __init__(self, scanner: Scanner) -> None:
        both = scanner.combined
        arms = [both.plain.pattern, ESCAPE]
        if both.has_context:
            arms.append(both.context.pattern)
        self._search = Regex("|".join(f"(?:{arm})" for arm in arms))
        contexts = [emit(m.context_tree) for m in scanner.matchers if m.context_tree is not None]
        self._contexts = [Regex(f"(?:{context})\\z") for context in contexts]

    def find(self, norm: bytes, pos: int) -> tuple[int, int]:
        """The next place worth a look at or after `pos`, as (start, end); far away when there is none."""
        found = self._search.find(norm, pos)
        return found if found[0] >= 0 else NOWHERE

    def contextual(self, quoted: bytes) -> bool:
        """Could a key, written `"key"`, be the context of the value behind it?"""
        texts = quoted + b':"', quoted + b":"
        return any(context.find(text)[0] >= 0 for context in self._contexts for text in texts)


@lru_cache(maxsize=64)
def probe(scanner: Scanner) -> Probe:
    return Probe(scanner)
