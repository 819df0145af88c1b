"""google-re2, over bytes: the only file that touches it.

Every pattern runs in RE2 (linear time, no backtracking), as LATIN-1, so that one byte is one character and offsets are
byte offsets. `_regexp.Match` is the compiled object under the package's own Python wrapper; going through the wrapper
costs 1.6 µs a call instead of 0.6 (a generator and a match object each time), and the scanner makes several per hit.
"""

from collections.abc import Sequence

import re2

from masking.errors import PatternRefused

ANYWHERE = re2._re2.RE2.Anchor.UNANCHORED
HERE = re2._re2.RE2.Anchor.ANCHOR_START
# The program and both DFA caches of one pattern. 8, 64 and 256 MiB measured alike; below 8 the combined pattern of all
# detectors no longer fits.
_MAX_MEM = 64 << 20


def _options(longest: bool = False) -> re2.Options:
    options = re2.Options()
    options.max_mem = _MAX_MEM
    options.encoding = re2.Options.Encoding.LATIN1
    options.never_capture = True
    options.longest_match = longest
    options.log_errors = False
    return options


class Regex:
    """A compiled pattern. Offsets in and out are byte offsets into the text given.

    `raw(ANYWHERE | HERE, text, start, end)` is the engine's own call, for the scanner's inner loop; it returns [(start,
    end)], with -1 for "no match".
    """

    __slots__ = ("pattern", "raw")

    def __init__(self, pattern: str, *, longest: bool = False) -> None:
        try:
            self.raw = re2.compile(pattern.encode("latin-1"), _options(longest))._regexp.Match
        except re2.error as exc:
            reason = exc.args[0] if exc.args else "unknown reason"
            text = reason.decode("latin-1") if isinstance(reason, bytes) else str(reason)
            raise PatternRefused(f"RE2 refuses it: {text}") from exc
        self.pattern = pattern

    def find(self, text: bytes, pos: int = 0) -> tuple[int, int]:
        """The leftmost match at or after `pos` as (start, end); (-1, -1) if there is none."""
        span: tuple[int, int] = self.raw(ANYWHERE, text, pos, len(text))[0]
        return span

    def end(self, text: bytes, pos: int) -> int:
        """The end of the match that starts exactly at `pos`, or -1. Bytes before `pos` still decide a leading `\\b`."""
        end: int = self.raw(HERE, text, pos, len(text))[0][1]
        return end


class RegexSet:
    """Several patterns asked at once which of them match anywhere."""

    __slots__ = ("_set", "_size")

    def __init__(self, patterns: Sequence[str]) -> None:
        self._set = re2.Set.SearchSet(_options())
        self._size = len(patterns)
        for pattern in patterns:
            self._set.Add(pattern.encode("latin-1"))
        self._set.Compile()

    def matching(self, text: bytes) -> Sequence[int]:
        """Indexes of the patterns that match; all of them when there are none: RE2 says so too when it ran out of
        memory, and the caller only asks about a text that one of them is known to match."""
        found: Sequence[int] | None = self._set.Match(text)
        return found or range(self._size)
