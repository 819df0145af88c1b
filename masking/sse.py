"""Server-sent events, masked: cut into events, each handed to the dialect it speaks, prompt and in order.

The dialect is recognised from each event, not from the connection: one stream may mix them. What none of them knows is
masked as the JSON or the text it is; nothing passes unread.
"""

import re
from typing import Protocol

from masking.dialects.anthropic import Anthropic
from masking.dialects.desk import Body, Desk, loads
from masking.dialects.gemini import Gemini
from masking.dialects.mcp import MCP
from masking.dialects.openai_chat import OpenAIChat
from masking.dialects.openai_responses import OpenAIResponses
from masking.dialects.unknown import Unknown
from masking.edits import CUT, End
from masking.frames import Event, Framer
from masking.scope import Scope

MAX_NAMES = 64
_JSON_BEGINS = (b"{", b"[", b'"')
# JSON with strings in it, whose escapes could hide something from a reader of text.
_STRINGS = re.compile(rb'[{\[]\s*["{\[]')


class Dialect(Protocol):
    """One event format. It keeps what it holds between events and puts out everything through its desk."""

    @staticmethod
    def claims(body: Body) -> bool:
        """Is this event one of this format?"""

    def handle(self, event: Event, body: Body) -> None: ...

    def flush(self, *, closed: bool = True) -> None:
        """Put out what is held: something has ended that it belongs to."""

    def finish(self) -> None:
        """The stream has ended."""


class SseStream:
    """Bytes of a `text/event-stream` in, masked bytes out."""

    def __init__(self, scope: Scope) -> None:
        self._desk = Desk(scope)
        self._framer = Framer()
        self._unknown = Unknown(self._desk)
        known = (Anthropic, OpenAIChat, OpenAIResponses, Gemini, MCP)
        self._all: tuple[Dialect, ...] = (*(dialect(self._desk) for dialect in known), self._unknown)
        self._last = self._all[0]  # a guess for the next event; never Unknown, which claims everything
        self._names: set[bytes] = {b""}

    def feed(self, data: bytes) -> bytes:
        for event in self._framer.feed(data):
            self._event(event)
        return self._take()

    def finish(self, end: End = CUT) -> bytes:
        """The end of the stream: what is held is masked where it was cut off, and goes in events before the rest."""
        rest = self._framer.finish()
        if rest:
            self._unfinished(rest)
        for dialect in self._all:
            dialect.finish()
        return self._take()

    def _take(self) -> bytes:
        out = b"".join(self._desk.out)
        self._desk.out.clear()
        return out

    def _event(self, event: Event) -> None:
        if not event.plain or event.name not in self._names:
            event = self._cleaned(event)
        data = event.data
        if data is None:
            self._desk.send(event)
            return
        body = loads(data) if data.lstrip()[:1] in _JSON_BEGINS else None
        if isinstance(body, dict):
            self._dialect(body).handle(event, body)
        elif isinstance(body, list):
            self._desk.whole(event)
        elif isinstance(body, str):
            self._unknown.string(event, body)
        elif data.strip() == b"[DONE]":
            self._flush()
            self._desk.send(event)
        else:
            self._unknown.text(event, data)

    def _dialect(self, body: Body) -> Dialect:
        """Who handles such an event; Unknown, the last one, claims everything."""
        if self._last.claims(body):
            return self._last
        dialect = next(each for each in self._all if each.claims(body))
        self._last = self._all[0] if dialect is self._unknown else dialect
        if dialect is self._unknown and (body.get("type") == "error" or "error" in body):
            self._flush(closed=False)
        return dialect

    def _flush(self, *, closed: bool = True) -> None:
        for dialect in self._all:
            dialect.flush(closed=closed)

    def _cleaned(self, event: Event) -> Event:
        """The event with its other lines (names, ids, comments) masked as text."""
        changed = {line: self._desk.text(line, "event") for line in event.others()}
        if all(line == new for line, new in changed.items()):
            if len(self._names) < MAX_NAMES and event.plain:
                self._names.add(event.name)
            return event
        return Event(event.with_data(event.data or b"", changed))

    def _unfinished(self, rest: bytes) -> None:
        """Bytes at the end without a blank line. Standard readers discard them; so do we, unless they are whole."""
        event = Event(rest)
        if event.data is not None and (event.data.strip() == b"[DONE]" or loads(event.data) is not None):
            self._event(event)
        elif event.data is None or not _STRINGS.match(event.data):
            self._desk.out.append(self._desk.text(rest, "$"))
