"""Where the shipper delivers to: what it needs of ClickHouse, and a fake of that.

TargetAway      nothing is known about what happened: wait, then look before sending again
TargetRefused   the server read the rows and will not take them
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar

from audit.log.rows import CheckpointRow, EventRow, FrameRow
from runtime.errors import GatewayError

Spans = Mapping[str, tuple[int, int]]  # writer → first and last sequence, both included
StoredEvent = tuple[str, int, int, bytes]  # writer, seq, log_index, SHA-256 of the stored body
StoredFrame = tuple[str, int, int, bytes]  # writer, seq, ordinal, SHA-256 of stored salt ‖ content


Row = TypeVar("Row", EventRow, FrameRow, CheckpointRow)


class TargetAway(GatewayError):
    code = "store_away"


class TargetRefused(GatewayError):
    """`reason`: the server's own error name; never its text, which may quote a row."""

    code = "store_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(f"ClickHouse refused the rows: {reason}")
        self.reason = reason


class Target(Protocol):
    """Blocking. Every method may raise TargetAway; inserts may raise TargetRefused."""

    def events(self, spans: Spans) -> Sequence[StoredEvent]:
        """What is stored, hashed by the server from the stored bytes; a doubled row appears twice."""
        ...

    def frames(self, spans: Spans) -> Sequence[StoredFrame]: ...

    def insert_events(self, rows: Sequence[EventRow]) -> None: ...

    def insert_frames(self, rows: Sequence[FrameRow]) -> None: ...

    def insert_checkpoints(self, rows: Sequence[CheckpointRow]) -> None: ...


class MemoryTarget:
    """A ClickHouse in lists. `before` and `after` run around each insert and may raise: a refusal before, a lost
    reply after."""

    def __init__(self) -> None:
        self.event_rows: list[EventRow] = []
        self.frame_rows: list[FrameRow] = []
        self.checkpoint_rows: list[CheckpointRow] = []
        self.inserts: Counter[str] = Counter()
        self.before: Callable[[str, Sequence[tuple[object, ...]]], None] = lambda table, rows: None
        self.after: Callable[[str, Sequence[tuple[object, ...]]], None] = lambda table, rows: None

    def events(self, spans: Spans) -> Sequence[StoredEvent]:
        self.before("select", [])
        return [
            (row.writer, row.seq, row.log_index, hashlib.sha256(row.body.encode()).digest())
            for row in self.event_rows
            if _within(spans, row.writer, row.seq)
        ]

    def frames(self, spans: Spans) -> Sequence[StoredFrame]:
        self.before("select", [])
        return [
            (row.writer, row.seq, row.ordinal, hashlib.sha256(row.salt + row.content).digest())
            for row in self.frame_rows
            if _within(spans, row.writer, row.seq)
        ]

    def insert_events(self, rows: Sequence[EventRow]) -> None:
        self._insert("events", rows, self.event_rows)

    def insert_frames(self, rows: Sequence[FrameRow]) -> None:
        self._insert("frames", rows, self.frame_rows)

    def insert_checkpoints(self, rows: Sequence[CheckpointRow]) -> None:
        self._insert("checkpoints", rows, self.checkpoint_rows)

    def _insert(self, table: str, rows: Sequence[Row], into: list[Row]) -> None:
        self.before(table, rows)
        into.extend(rows)
        self.inserts[table] += 1
        self.after(table, rows)


def _within(spans: Spans, writer: str, seq: int) -> bool:
    return writer in spans and spans[writer][0] <= seq <= spans[writer][1]
