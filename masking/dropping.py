"""Leaving a field out of JSON: its key, its value, and one comma beside it, in whatever pieces they come."""

from masking.edits import MORE, Edit, End


class Dropping:
    """While a drop is on, everything goes. Offsets are of the run."""

    __slots__ = ("_eaten", "_from", "_instead", "_level", "active", "eat")

    def __init__(self) -> None:
        self.active = False
        self.eat = False
        """A first member was dropped: the comma after it goes too."""
        self._from = 0  # bytes from here on are being dropped
        self._level = 0  # containers opened inside of what is being dropped
        self._eaten = -1  # the comma that went
        self._instead = b""

    @property
    def attentive(self) -> bool:
        """Does the next token matter, whatever it is?"""
        return self.active or self.eat

    def begin(self, member: int, comma: int) -> None:
        """The member that begins at `member` goes, and the comma before it (-1: there is none)."""
        if comma == self._eaten:
            comma = -1
        self._from = member if comma < 0 else comma
        self.eat = comma < 0
        self.active, self._level, self._instead = True, 0, b""

    def begin_value(self, at: int) -> None:
        """The value at `at` goes, but its key cannot any more: `null` stays in its place."""
        self._from, self._instead = at, b"null"
        self.active, self._level, self.eat = True, 0, False

    def comma(self, at: int, edits: list[Edit]) -> None:
        if self.eat and not self.active:
            edits.append(Edit(at, at + 1, b""))
            self._eaten, self.eat = at, False

    def opened(self) -> None:
        self._level += 1
        if not self.active:
            self.eat = False

    def closed(self, end: int, edits: list[Edit]) -> None:
        """A container has ended at `end`."""
        self._level -= 1
        if not self.active:
            self.eat = False
        elif self._level <= 0:
            self._stop(end, edits)

    def value(self, end: int, edits: list[Edit]) -> None:
        """A value that is no container has ended at `end`."""
        if self.active and self._level == 0:
            self._stop(end, edits)

    def _stop(self, end: int, edits: list[Edit]) -> None:
        self.flush(end, edits)
        self.active = False

    def flush(self, end: int, edits: list[Edit]) -> None:
        """The bytes before `end` are being decided: tell what is dropped of them."""
        if self.active and end > self._from:
            while edits and edits[-1].start >= self._from:  # something in the key was masked: it goes as well
                edits.pop()
            edits.append(Edit(self._from, end, self._instead))
            self._from, self._instead = end, b""

    def swallowed(self, end: int) -> None:
        """A swallower has told the edits up to `end`."""
        if self.active:
            self._from = end


class Swallower:
    """A core that lets nothing through."""

    __slots__ = ("decided",)

    def __init__(self) -> None:
        self.decided = 0

    def push(self, data: bytes, end: End = MORE) -> list[Edit]:
        start, self.decided = self.decided, self.decided + len(data)
        return [Edit(start, self.decided, b"")] if data else []
