"""Keeps an answer from the first held call on, until every held call is answered. Pure."""

from collections.abc import Callable, Collection

from extproc.tools.anthropic import Anthropic
from extproc.tools.call import MAX_DEPTH, MAX_KEPT, Body, Call, CallsUnreadable, Dialect, KeptTooLong
from extproc.tools.chat import Chat
from extproc.tools.responses import Responses
from masking.frames import Event, Framer
from runtime import strict_json

DIALECTS: dict[str, Callable[[frozenset[str]], Dialect]] = {
    "anthropic": Anthropic,
    "openai_chat": Chat,
    "openai_responses": Responses,
}


def gate_for(dialect: str, tools: Collection[str], max_kept: int = MAX_KEPT) -> "Gate":
    """Raises CallsUnreadable for a stream of an API whose calls nobody here can read."""
    if dialect not in DIALECTS:
        raise CallsUnreadable
    return Gate(DIALECTS[dialect](frozenset(tools)), max_kept)


class Gate:
    """Bytes of masked events in, bytes that may go out; `take_calls` says what to ask about."""

    def __init__(self, dialect: Dialect, max_kept: int = MAX_KEPT) -> None:
        self._dialect, self._max = dialect, max_kept
        self._framer = Framer()
        self._kept: list[Event] = []
        self._size = 0
        self._new: list[Call] = []
        self._open: set[str] = set()
        self._refused: dict[str, str] = {}
        self._over = False  # the model has said all that belongs to what is kept

    @property
    def holding(self) -> bool:
        return bool(self._kept)

    @property
    def keep_alive(self) -> bytes:
        """A whole event that means nothing, for a caller who would otherwise hear nothing for minutes."""
        return self._dialect.keep_alive

    def feed(self, data: bytes) -> bytes:
        """What may go now. Raises KeptTooLong, CallsUnreadable."""
        out = [self._event(event) for event in self._framer.feed(data)]
        return b"".join(out)

    def take_calls(self) -> list[Call]:
        """Held calls that became whole since the last time."""
        taken, self._new = self._new, []
        return taken

    def answer(self, key: str, refused: str = "") -> bytes:
        """A call was granted, or refused with a sentence; what may go now. An answer to an unknown key is none."""
        if key not in self._open:
            return b""
        self._open.discard(key)
        if refused:
            self._refused[key] = refused
        return self._release()

    def finish(self) -> bytes:
        """The stream has ended. What never became an event goes nowhere (readers discard it too)."""
        self._framer.finish()
        if self._kept and not self._dialect.settled:
            raise CallsUnreadable
        self._over = True
        return self._release()

    def _event(self, event: Event) -> bytes:
        body = _body(event)
        begins = body is not None and self._dialect.begins(body)
        if body is not None:
            calls = self._dialect.read(body)
            self._new += calls
            self._open |= {call.key for call in calls}
        if not (self._kept or begins):
            return event.raw
        self._kept.append(event)
        self._size += len(event.raw)
        if self._size > self._max:
            raise KeptTooLong
        if not self._dialect.over(event, body):
            return b""
        self._over = True
        return self._release() if self._dialect.settled else self._broken_off(event, body)

    def _broken_off(self, event: Event, body: Body | None) -> bytes:
        """The upstream fails in the middle: its error goes, what is kept does not."""
        if body is None or "error" not in body:
            raise CallsUnreadable
        self._kept, self._open, self._refused = [], set(), {}
        return event.raw

    def _release(self) -> bytes:
        if not self._over or self._open or not self._kept:
            return b""
        out = self._dialect.render(self._kept, self._refused)
        self._kept, self._size, self._over = [], 0, False
        self._refused = {}
        return out


def _body(event: Event) -> Body | None:
    """The JSON object of an event, read as every reader reads it. Raises CallsUnreadable for a document of two."""
    if event.data is None or event.data[:1] != b"{":
        return None
    try:
        body = strict_json.loads(event.data, max_depth=MAX_DEPTH)
    except strict_json.NotStrict:
        raise CallsUnreadable from None
    return body if isinstance(body, dict) else None
