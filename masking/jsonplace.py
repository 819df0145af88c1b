"""Where in a JSON document we are: the containers that are open, and the step at which each is being read.

Regions that nothing in them makes us read are followed lazily: only when something is found are they gone through for
brackets and keys. After a very long one that is not worth it any more, and places are told by their key alone.
"""

import re

from masking.engine import HERE, Regex
from masking.select import Path

# Containers deeper than this are counted, not remembered: paths end there.
MAX_NESTING = 512
# Going through what was skipped costs about 5 ms per MB.
MAX_SKIPPED = 256 << 10
# … and what waits in more pieces than this is gone through, however short they are.
MAX_NOTES = 4096
# Everything up to the next bracket that matters: a container without another inside opens and closes at once, and where
# one closes and the next of its kind opens we are as deep as before.
_STRING = r'"[^"]*"'
_NEXT = r"\}[ \t\r\n,]*\{|\][ \t\r\n,]*\["
_FLAT = Regex(rf'(?:[^"{{}}\[\]]|{_STRING}|[{{\[](?:[^"{{}}\[\]]|{_STRING})*[}}\]]|{_NEXT})*')
_LAST_KEY = re.compile(rb'"([^"]{0,1024})"[ \t\r\n]{0,64}:[ \t\r\n]*\Z')
_TAIL = 2048


class Place:
    """The open containers, each by the step at which it is being read: an object's key, a list's index.

    Offsets do not matter here, only the order of things.
    """

    __slots__ = ("_deeper", "_lost", "_size", "_skipped", "_steps")

    def __init__(self) -> None:
        self._steps: list[str | int] = []
        self._deeper = 0
        self._skipped: list[bytes] = []
        self._size = 0
        self._lost = False

    def path(self) -> Path:
        """The steps that lead here; `("", key)` when only the last one is known."""
        if self._skipped:
            self._catch_up()
        steps = tuple(self._steps)
        return ("", *(steps[-1:] or ("*",))) if self._lost else steps

    def open(self, array: bool) -> None:
        if self._skipped:
            self._note(b"[" if array else b"{")
        elif len(self._steps) < MAX_NESTING:
            self._steps.append(0 if array else "")
        else:
            self._deeper += 1

    def close(self) -> None:
        if self._skipped:
            self._note(b"}")
        elif self._deeper:
            self._deeper -= 1
        elif self._steps:
            self._steps.pop()

    def key(self, text: str) -> None:
        """A member of the innermost object begins."""
        if self._skipped:
            self._note(b'"' + text.replace('"', "'").encode("utf-8", "replace") + b'":')
        elif self._steps and isinstance(self._steps[-1], str):
            self._steps[-1] = text

    def element(self) -> None:
        """A comma: in an array the next element begins."""
        if not self._skipped and self._steps and isinstance(step := self._steps[-1], int):
            self._steps[-1] = step + 1

    def skip(self, norm: bytes) -> None:
        """Whole tokens that nobody reads."""
        self._size += len(norm)
        if self._size > MAX_SKIPPED:
            self._skipped = [norm[-_TAIL:]]
        else:
            self._skipped.append(norm)

    def _note(self, token: bytes) -> None:
        """A token that was read behind something that was not."""
        self._skipped.append(token)
        if len(self._skipped) > MAX_NOTES:
            self._catch_up()

    def _catch_up(self) -> None:
        """Something was found: follow what has been skipped since the last time."""
        skipped, size = self._skipped, self._size
        self._skipped, self._size = [], 0
        if size > MAX_SKIPPED:
            self._lost = True
            last = _LAST_KEY.search(b"".join(skipped)[-_TAIL:])
            self._steps = [last[1].decode("utf-8", "replace") if last else "*"]
            return
        for norm in skipped:
            self._follow(norm)

    def _follow(self, norm: bytes) -> None:
        """From bracket to bracket; strings, numbers and whole flat containers between them are stepped over."""
        at, size, flat, steps = 0, len(norm), _FLAT.raw, self._steps
        while (mark := flat(HERE, norm, at, size)[0][1]) < size:
            char = norm[mark]
            if char == 0x7D or char == 0x5D:
                self.close()
            else:
                if steps and steps[-1].__class__ is str:
                    self._last_key(norm, at, mark)
                self.open(char == 0x5B)
            at = mark + 1
        self._last_key(norm, at, mark)

    def _last_key(self, norm: bytes, low: int, high: int) -> None:
        """The key whose value begins at `high`, if it begins at or after `low`."""
        end = norm.rfind(b'"', low, high)
        if end >= 0 and (norm[end + 1 : high] == b":" or norm[end + 1 : high].strip(b" \t\r\n") == b":"):
            begin = norm.rfind(b'"', low, end)
            if begin >= 0:
                self.key(norm[begin + 1 : end].decode("utf-8", "replace"))
