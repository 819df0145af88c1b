"""The calls in one answer, whatever its form: what may go now, what to ask about, what has been decided. Pure."""

from collections.abc import Collection
from typing import Protocol

from extproc.tools.call import Call, CallsUnreadable
from extproc.tools.gate import gate_for
from extproc.tools.whole import Document

EVENTS, JSON = "text/event-stream", "application/json"


class Kept(Protocol):
    @property
    def holding(self) -> bool: ...
    @property
    def keep_alive(self) -> bytes: ...
    def feed(self, data: bytes) -> bytes: ...
    def take_calls(self) -> list[Call]: ...
    def answer(self, key: str, refused: str = "") -> bytes: ...
    def finish(self) -> bytes: ...


class Whole:
    """A document is kept from its first byte on, and goes when it is whole and every held call in it is answered."""

    keep_alive = b""  # nothing may stand inside of a document

    def __init__(self, document: Document) -> None:
        self._document = document
        self._new: list[Call] = []
        self._open: set[str] = set()
        self._refused: dict[str, str] = {}
        self.holding = False

    def feed(self, data: bytes) -> bytes:
        self._document.feed(data)
        self.holding = True
        return b""

    def take_calls(self) -> list[Call]:
        taken, self._new = self._new, []
        return taken

    def finish(self) -> bytes:
        self._new = self._document.calls()
        self._open = {call.key for call in self._new}
        return self._release()

    def answer(self, key: str, refused: str = "") -> bytes:
        if key not in self._open:
            return b""
        self._open.discard(key)
        if refused:
            self._refused[key] = refused
        return self._release()

    def _release(self) -> bytes:
        if self._open:
            return b""
        self.holding = False
        return self._document.render(self._refused)


def keep(dialect: str, media: str, tools: Collection[str]) -> Kept:
    """Raises CallsUnreadable for an answer in which nobody here can find a call."""
    if media == EVENTS:
        return gate_for(dialect, tools)
    if media == JSON:
        return Whole(Document(dialect, tools))
    raise CallsUnreadable
