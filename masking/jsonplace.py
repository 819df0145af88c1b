"""Where in a JSON document we are: the containers that are open, and the step at which each is being read.

Regions that nothing in them makes us read are followed lazily: only when something is found are they gone through for
brackets and keys. After a very long one that is not worth it any more, and places are told by their key alone.
"""

import re
from dataclasses import dataclass

from masking.jsontoken import COLON
from masking.select import Path

# Containers deeper than this are counted, not remembered: paths end there.
MAX_NESTING = 512
# Going through what was skipped costs 13 ms per MB.
MAX_SKIPPED = 256 << 10
_NO_BRACKET = bytes(set(range(256)) - set(b"{}[]"))
_LAST_KEY = re.compile(rb'"([^"]{0,1024})"[ \t\r\n]{0,64}:[ \t\r\n]*\Z')
_TAIL = 2048


@dataclass(slots=True)
class Frame:
    """An open container; `step` is the key or the index at which it is being read."""

    array: bool
    step: str | int


class Place:
    """The open containers. Offsets do not matter here, only the order of things."""

    __slots__ = ("_deeper", "_lost", "_size", "_skipped", "frames")

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self._deeper = 0
        self._skipped: list[bytes] = []
        self._size = 0
        self._lost = False

    def path(self) -> Path:
        """The steps that lead here; `("", key)` when only the last one is known."""
        self._catch_up()
        steps = tuple(frame.step for frame in self.frames)
        return ("", *(steps[-1:] or ("*",))) if self._lost else steps

    def open(self, array: bool) -> None:
        if self._skipped:
            self._skipped.append(b"[" if array else b"{")
        elif len(self.frames) < MAX_NESTING:
            self.frames.append(Frame(array, 0 if array else ""))
        else:
            self._deeper += 1

    def close(self) -> None:
        if self._skipped:
            self._skipped.append(b"}")
        elif self._deeper:
            self._deeper -= 1
        elif self.frames:
            self.frames.pop()

    def key(self, text: str) -> None:
        """A member of the innermost object begins."""
        if self._skipped:
            self._skipped.append(b'"' + text.replace('"', "'").encode("utf-8", "replace") + b'":')
        elif self.frames and not self.frames[-1].array:
            self.frames[-1].step = text

    def element(self) -> None:
        """A comma: in an array the next element begins."""
        if not self._skipped and self.frames and self.frames[-1].array:
            step = self.frames[-1].step
            self.frames[-1].step = step + 1 if isinstance(step, int) else 0

    def skip(self, norm: bytes) -> None:
        """Whole tokens that nobody reads."""
        self._size += len(norm)
        if self._size > MAX_SKIPPED:
            self._skipped = [norm[-_TAIL:]]
        else:
            self._skipped.append(norm)

    def _catch_up(self) -> None:
        """Something was found: follow what has been skipped since the last time."""
        skipped, size = self._skipped, self._size
        self._skipped, self._size = [], 0
        if size > MAX_SKIPPED:
            self._lost = True
            last = _LAST_KEY.search(b"".join(skipped)[-_TAIL:])
            self.frames = [Frame(False, last[1].decode("utf-8", "replace") if last else "*")]
            return
        for norm in skipped:
            if norm.translate(None, _NO_BRACKET):
                self._follow(norm)
            elif norm.endswith((b":", b": ")):
                end = norm.rfind(b'"')
                self.key(norm[norm.rfind(b'"', 0, end) + 1 : end].decode("utf-8", "replace"))

    def _follow(self, norm: bytes) -> None:
        parts = norm.split(b'"')  # outside, inside, outside, …
        for at in range(0, len(parts), 2):
            gap = parts[at]
            if gap == b"," or not gap:
                continue
            if at and COLON.match(gap):
                self.key(parts[at - 1].decode("utf-8", "replace"))
                if gap == b":" or gap == b": ":
                    continue
            for char in gap.translate(None, _NO_BRACKET):
                if char == 0x7B or char == 0x5B:
                    self.open(char == 0x5B)
                else:
                    self.close()
