"""Edits: how every part of masking says what it changes, so that parts nest.

A *core* reads a run of bytes in pieces of any size and answers with edits: "bytes 7 to 23 of the run become this".
A JSON string holds escaped text, the text may hold JSON or base64: each layer translates the edits of the one inside
into its own offsets, and only the outermost turns them into bytes. What no edit names stays byte for byte.
"""

from bisect import bisect_right
from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple, Protocol


class End(IntEnum):
    """How a piece ends: more may come; the container says that the text is complete; or it may have been cut off."""

    MORE = 0
    CLOSED = 1
    CUT = 2


MORE, CLOSED, CUT = End.MORE, End.CLOSED, End.CUT


class Edit(NamedTuple):
    """Bytes `start` to `end` (offsets from the beginning of the run, end exclusive) become `text`."""

    start: int
    end: int
    text: bytes


class Core(Protocol):
    """A run of bytes being decided. Edits come in order, never touch a byte that was decided before."""

    @property
    def decided(self) -> int:
        """Every byte of the run before this offset is final: changed by an edit already told, or let go."""

    def push(self, data: bytes, end: End = MORE) -> list[Edit]:
        """Read the next piece; unless MORE is to come, everything is decided afterwards."""


class Passage:
    """Bytes in, bytes out around a core: keeps what is not decided and splices in what is."""

    __slots__ = ("_base", "_core", "_kept")

    def __init__(self, core: Core) -> None:
        self._core = core
        self._kept = b""
        self._base = 0

    def feed(self, data: bytes, end: End = MORE) -> bytes:
        edits = self._core.push(data, end)
        kept = self._kept + data if self._kept else data
        cut = self._core.decided - self._base
        out = kept[:cut] if not edits else splice(kept[:cut], edits, self._base)
        self._kept = kept[cut:]
        self._base += cut
        return out

    @property
    def held(self) -> int:
        """Bytes read and not yet let go."""
        return len(self._kept)


def splice(data: bytes, edits: Iterable[Edit], base: int = 0) -> bytes:
    """`data` with the edits made; `base` is the offset of its first byte in the run that the edits speak of."""
    out = []
    at = 0
    for start, end, text in edits:
        out.append(data[at : start - base])
        out.append(text)
        at = end - base
    out.append(data[at:])
    return b"".join(out)


def shifted(edits: Iterable[Edit], by: int) -> list[Edit]:
    return [Edit(start + by, end + by, text) for start, end, text in edits]


class OffsetMap:
    """From offsets in decoded text to offsets in the raw text it came from.

    Everything is one to one except at the marks: decoded bytes `d0..d1` came from raw bytes `r0..r1` (an escape).
    Offsets are from the beginning of the run; marks are added in order.
    """

    __slots__ = ("_marks", "_starts")

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._marks: list[tuple[int, int, int]] = []

    def mark(self, d0: int, d1: int, r0: int, r1: int) -> None:
        self._starts.append(d0)
        self._marks.append((d1, r0, r1))

    def floor(self, offset: int) -> int:
        """Where the raw text of the decoded byte at `offset` begins; within an escape, where the escape begins."""
        at = bisect_right(self._starts, offset) - 1
        if at < 0:
            return offset
        d1, r0, r1 = self._marks[at]
        return r0 if offset < d1 else r1 + offset - d1

    def ceil(self, offset: int) -> int:
        """Where the raw text of the decoded bytes before `offset` ends."""
        at = bisect_right(self._starts, offset - 1) - 1
        if at < 0:
            return offset
        d1, _, r1 = self._marks[at]
        return r1 if offset < d1 else r1 + offset - d1

    def forget(self, offset: int) -> None:
        """Drop marks that no offset at or after `offset` needs (the last ones before it carry the distance)."""
        at = bisect_right(self._starts, offset) - 2
        if at > 64:  # in batches: deleting from the front of a list moves the rest
            del self._starts[:at]
            del self._marks[:at]


class Union:
    """Two cores over the same run; where both change it, their edits become one, with the text of the earlier."""

    __slots__ = ("_cores", "_told", "decided")

    def __init__(self, first: Core, second: Core) -> None:
        self._cores = (first, second)
        self._told: list[Edit] = []
        self.decided = 0

    def push(self, data: bytes, end: End = MORE) -> list[Edit]:
        for core in self._cores:
            self._told += core.push(data, end)
        self._told.sort(key=lambda edit: (edit.start, -edit.end))
        cut = min(core.decided for core in self._cores)
        for edit in reversed(self._told):  # an edit that reaches over the cut waits, and so does what overlaps it
            if edit.start < cut < edit.end:
                cut = edit.start
        out: list[Edit] = []
        for start, stop, text in (edit for edit in self._told if edit.end <= cut):
            if out and start < out[-1].end:
                out[-1] = Edit(out[-1].start, max(stop, out[-1].end), out[-1].text)
            else:
                out.append(Edit(start, stop, text))
        self._told = [edit for edit in self._told if edit.end > cut]
        self.decided = cut
        return out
