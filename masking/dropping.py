"""Leaving a field out of JSON: its key, its value, and one comma beside it, in whatever pieces they come."""

from masking.edits import MORE, Edit, End


class Dropping:
    """Follows commas and members; while a drop is on, everything goes. Offsets are of the run."""

    __slots__ = ("_comma", "_depth", "_eat", "_from", "_gone", "_member", "active")

    def __init__(self) -> None:
        self.active = False
        self._from = 0  # bytes from here on are being dropped
        self._depth = 0  # containers around what is being dropped
        self._comma = -1  # the comma before the member that is being read
        self._member = -1  # where that member begins: its key, or the value itself
        self._eat = False  # a first member was dropped: the comma after it goes too
        self._gone = 0  # bytes before this offset are decided and cannot be dropped any more

    def comma(self, at: int, edits: list[Edit]) -> None:
        if self.active:
            return
        self._member = -1
        self._comma = -1 if self._eat else at
        if self._eat:
            edits.append(Edit(at, at + 1, b""))
            self._eat = False

    def member(self, at: int) -> None:
        """A key, or a value without one, begins at `at`."""
        if not self.active and self._member < 0:
            self._member = at

    def container(self) -> None:
        """A container opens: its members start anew."""
        if not self.active:
            self._comma = self._member = -1
            self._eat = False

    def begin(self, at: int, depth: int) -> None:
        """The value at `at`, in `depth` containers, goes, with its key and the comma before it."""
        member = at if self._member < 0 else self._member
        self._from = max(member if self._comma < 0 else self._comma, self._gone)
        self._eat = self._comma < 0
        self._depth, self.active = depth, True

    def value(self, end: int, depth: int, edits: list[Edit]) -> None:
        """A value has ended at `end`."""
        if self.active and depth == self._depth:
            self._stop(end, edits)

    def closed(self, end: int, depth: int, edits: list[Edit]) -> None:
        """A container has ended at `end`; `depth` are left."""
        if not self.active:
            self._comma = self._member = -1
            self._eat = False
        elif depth <= self._depth:
            self._stop(end, edits)

    def _stop(self, end: int, edits: list[Edit]) -> None:
        self.flush(end, edits)
        self.active = False
        self._member = -1

    def flush(self, end: int, edits: list[Edit]) -> None:
        """The bytes before `end` are being decided: tell what is dropped of them."""
        if self.active and end > self._from:
            while edits and edits[-1].start >= self._from:  # something in the key was masked: it goes as well
                edits.pop()
            edits.append(Edit(self._from, end, b""))
            self._from = end

    def settle(self, end: int) -> None:
        """The bytes before `end` have been decided."""
        self._gone = end

    def swallowed(self, end: int) -> None:
        """A swallower has told the edits up to `end`."""
        if self.active:
            self._from = end


class Swallower:
    """A core that lets nothing through and says nothing; `Dropping.flush` tells the edit around it."""

    __slots__ = ("decided",)

    def __init__(self) -> None:
        self.decided = 0

    def push(self, data: bytes, end: End = MORE) -> list[Edit]:
        start, self.decided = self.decided, self.decided + len(data)
        return [Edit(start, self.decided, b"")] if data else []
