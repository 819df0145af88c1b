"""Comparing the tree with every checkpoint that was signed over it. Pure.

The published log knows its heads at every size; without it the tree grows with the rows.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

from audit.verify import merkle
from audit.verify.findings import Finding, Flaw, Report
from audit.verify.notes import Checkpoint


class Log(Protocol):
    """The published log as far as it is trusted: leaves under a verified checkpoint, and their bodies."""

    @property
    def size(self) -> int: ...

    def leaf(self, index: int) -> bytes: ...

    def body(self, index: int) -> bytes | None:
        """None if the bundle is not there, or not what its leaf says."""
        ...

    def find(self, leaf: bytes) -> int | None:
        """Where a leaf belongs."""
        ...

    def heads(self, sizes: Sequence[int]) -> Iterator[bytes]:
        """The tree heads over the first so many leaves; `sizes` ascend and end at `size`."""
        ...


class Roots:
    """Takes leaves in log order and compares the head at the size of each checkpoint. With the log at hand no leaf is
    needed: all is compared at once."""

    def __init__(self, checkpoints: Sequence[Checkpoint], log: Log | None, report: Report) -> None:
        points = sorted(checkpoints, key=lambda point: point.size)
        self._waiting: Iterator[Checkpoint] = iter(points)
        self._current = next(self._waiting, None)
        self._tree = merkle.Growing()
        self._log, self._report = log, report
        self._whole = True  # every leaf so far is known
        self._good = 0  # size of the last checkpoint that fitted
        self._span: Checkpoint | None = None  # the first that did not
        if log is None:
            self._compare()
            return
        for head in log.heads([point.size for point in points if point.size <= log.size]):
            self._judge(head)

    def add(self, leaf: bytes) -> None:
        """The leaf of the next row; for when there is no log."""
        if self._whole:
            self._tree.add(leaf)
            self._compare()

    def lost(self) -> None:
        """An entry is not there and its leaf is unknown: no head after it can be computed."""
        self._whole = False

    def finish(self, size: int) -> None:
        """`size`: entries that are there. Called when all other findings are in."""
        if self._span is not None:
            self._blame(self._span)
        left = [point for point in (self._current, *self._waiting) if point is not None]
        if left and self._whole:
            flaw = Flaw.CUT_OFF if self._log is None else Flaw.ROLLED_BACK
            message = f"{left[-1].source} signed {left[-1].size} entries, only {size} are there"
            self._report.add(Finding(flaw, message, size))
        elif left:
            self._report.note(
                f"{len(left)} checkpoints could not be compared: entries under them are missing or changed"
            )
        elif self._log is None and self._whole and size > self._good:
            self._report.note(f"the newest {size - self._good} entries are not under a checkpoint yet")

    def _compare(self) -> None:
        while self._whole and self._current is not None and self._current.size == self._tree.size:
            self._judge(self._tree.head())

    def _judge(self, head: bytes) -> None:
        """Compares the checkpoint that is due with the head of its size, and goes on to the next one."""
        point = self._current
        assert point is not None
        if point.root == head:
            self._good = point.size
            self._report.checkpoints += 1
            self._report.confirmed_size = max(self._report.confirmed_size, self._good)
        else:
            self._differs(point)
        self._current = next(self._waiting, None)

    def _differs(self, point: Checkpoint) -> None:
        if self._log is not None:
            message = f"{point.source} signed another history of the first {point.size} entries"
            self._report.add(Finding(Flaw.ROLLED_BACK, message, self._good))
            return
        self._whole = False
        self._span = point

    def _blame(self, point: Checkpoint) -> None:
        """Somewhere since the last checkpoint that fitted. Said only if no finding names the place itself."""
        if any(self._good <= (found.log_index or 0) < point.size for found in self._report.findings):
            self._report.note(f"{point.source} does not fit what is there; the findings before it say why")
            return
        where = f"log index {self._good} to {point.size - 1}"
        message = f"what stands at {where} is not what {point.source} signed, though its chains fit"
        self._report.add(Finding(Flaw.EDITED, message, self._good))
