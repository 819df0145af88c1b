"""What reads a body, or a part of one: bytes in, bytes out."""

from typing import Protocol

from masking.edits import CUT, Core, End, Passage


class Part(Protocol):
    """A skin in use. What `feed` gives may go at once; `end` says whether the body may have been cut off."""

    def feed(self, data: bytes) -> bytes: ...

    def finish(self, end: End = CUT) -> bytes: ...


class Whole:
    """A part around a core that answers with edits."""

    __slots__ = ("_passage",)

    def __init__(self, core: Core) -> None:
        self._passage = Passage(core)

    def feed(self, data: bytes) -> bytes:
        return self._passage.feed(data)

    def finish(self, end: End = CUT) -> bytes:
        return self._passage.feed(b"", end)


class Twice:
    """What can be read in two ways: what the first part lets go is read by the second."""

    __slots__ = ("_first", "_second")

    def __init__(self, first: Part, second: Part) -> None:
        self._first, self._second = first, second

    def feed(self, data: bytes) -> bytes:
        return self._second.feed(self._first.feed(data))

    def finish(self, end: End = CUT) -> bytes:
        return self._second.feed(self._first.finish(end)) + self._second.finish(end)
