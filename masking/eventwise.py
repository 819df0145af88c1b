"""Text that comes in events of which nothing says whether they are pieces of one text or each a text of its own.

It is read as both: joined, as a model's stream would be, and each piece alone, as notifications would be. What either
masks is masked. `4111 1111 1111 1111` and then `done` is a card and a word, or no card at all: who reads the events one
by one has seen the card.
"""

from masking.edits import CLOSED, MORE, Edit, End
from masking.finding import Finding
from masking.scope import Scope
from masking.strings import StringCore


class Eventwise:
    """A core over the joined text; each piece that is pushed counts as an event."""

    __slots__ = ("_alone", "_context", "_joined", "_length", "_scope", "_told", "decided")

    def __init__(self, scope: Scope, context: bytes) -> None:
        self._scope, self._context = scope, context
        self._joined = StringCore(scope, context)
        self._told: list[Edit] = []  # of the joined text, not given yet
        self._alone: list[tuple[Edit, Finding]] = []  # the same of each piece by itself
        self._length = self.decided = 0

    def push(self, data: bytes, end: End = MORE) -> list[Edit]:
        self._told += self._joined.push(data, end)
        self._look(data)
        self._length += len(data)
        cut = self._joined.decided
        for edit in sorted([*self._told, *(edit for edit, _ in self._alone)], reverse=True):
            if edit.start < cut < edit.end:
                cut = edit.start
        self.decided = cut
        return self._given(cut)

    def _look(self, data: bytes) -> None:
        """One piece alone. What stands beyond its edges may also hide what is inside: a word that runs over an edge may
        make an identifier of it, or a candidate that begins before it."""
        aside = self._scope.aside()
        edits = StringCore(aside, self._context).push(data, CLOSED) if data else []
        if not edits:
            return
        findings = [finding for finding in aside.sink.take() for _ in range(finding.count)]
        for at, (start, stop, text) in enumerate(edits):
            if findings:
                finding = findings[min(at, len(findings) - 1)]
                self._alone.append((Edit(start + self._length, stop + self._length, text), finding))

    def _given(self, cut: int) -> list[Edit]:
        """The edits up to `cut`; one finding for each hit, whoever had it."""
        out = [edit for edit in self._told if edit.end <= cut]
        self._told = self._told[len(out) :]
        ready = [each for each in self._alone if each[0].end <= cut]
        self._alone = self._alone[len(ready) :]
        for edit, finding in ready:
            over = [each for each in out if each.start < edit.end and edit.start < each.end]
            if not over:
                self._scope.sink.tell(finding)
            merged = Edit(
                min([edit.start, *(each.start for each in over)]),
                max([edit.end, *(each.end for each in over)]),
                min([edit, *over]).text,
            )
            out = sorted([merged, *(each for each in out if each not in over)])
        return out
