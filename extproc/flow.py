"""The law of the response side: a piece leaves only when it is durable.

Masked pieces enter with `add`, leave for the record with `batch`, and for the caller with `release`. While a batch is
being recorded, new pieces gather for the next one, so a slow disk makes batches larger instead of making the answer
wait once per chunk. `ahead` is how many bytes may leave before they are durable: 0 when strict, 256 KiB when relaxed,
None when nothing of this answer is recorded (a local reply, which belongs to no exchange).
"""

from collections import deque
from dataclasses import dataclass, field

RELAXED_BYTES = 256 << 10
HIGH_WATER = 1 << 20  # above it nothing more is read from Envoy, which then stops reading from the upstream


@dataclass(frozen=True, slots=True)
class Piece:
    """Masked bytes and when they came, in unix microseconds."""

    at_us: int
    data: bytes = field(repr=False)


class Flow:
    def __init__(self, ahead: int | None) -> None:
        self._ahead = ahead
        self._waiting: deque[Piece] = deque()  # not let go yet
        self._unrecorded: list[Piece] = []
        self._backlog = 0  # bytes in _waiting
        self._inflight = 0  # bytes in the batch being recorded
        self._durable = 0
        self.let_go = 0  # bytes
        self.behind = False  # the recorder is late: nothing more runs ahead of it

    def add(self, piece: Piece) -> None:
        if not piece.data:
            return
        self._waiting.append(piece)
        self._backlog += len(piece.data)
        if self._ahead is not None:
            self._unrecorded.append(piece)

    def batch(self) -> list[Piece]:
        """What is to be recorded next. One batch at a time: `recorded` comes before the next call."""
        batch, self._unrecorded = self._unrecorded, []
        self._inflight = sum(len(piece.data) for piece in batch)
        return batch

    def recorded(self) -> None:
        """The batch is durable."""
        self._durable += self._inflight
        self._inflight, self.behind = 0, False

    def release(self) -> bytes:
        """What may leave now, in order."""
        out = []
        while self._waiting and self._may(len(self._waiting[0].data)):
            data = self._waiting.popleft().data
            self._backlog -= len(data)
            self.let_go += len(data)
            out.append(data)
        return b"".join(out)

    def _may(self, size: int) -> bool:
        if self._ahead is None:
            return True
        return self.let_go + size <= self._durable + (0 if self.behind else self._ahead)

    def leftover(self) -> list[Piece]:
        """What left and is not in any batch yet (relaxed only): recorded with the end of a cut answer."""
        left, self._unrecorded = self._unrecorded, []
        kept, at = [], self._durable + self._inflight
        for piece in left:
            if at + len(piece.data) <= self.let_go:
                kept.append(piece)
            at += len(piece.data)
        return kept

    @property
    def empty(self) -> bool:
        """Everything that was added has left and is durable."""
        return not (self._waiting or self._unrecorded or self._inflight)

    @property
    def full(self) -> bool:
        return self._backlog >= HIGH_WATER
