"""A stream that is one growing JSON array of chunks: Gemini without `alt=sse`. Each element is handled as an event."""

import re

from masking.dialects.desk import Desk, loads
from masking.dialects.gemini import Gemini
from masking.edits import CUT, MORE, End, Passage
from masking.errors import Uninspectable
from masking.frames import MAX_EVENT, Event
from masking.jsonstream import JsonStream
from masking.jsontoken import neutral
from masking.scope import Scope

_SPACE = rb"[ \t\r\n]{0,64}"
# The first key of the first element tells: only chunks of generateContent begin like this.
_IS_CHUNKS = re.compile(rb'(?:\xef\xbb\xbf)?%s\[%s\{%s"candidates"%s:' % ((_SPACE,) * 4))
_MAY_BE = re.compile(
    rb'(?:\xef\xbb\xbf)?%s(?:\[%s(?:\{%s(?:"(?:c(?:a(?:n(?:d(?:i(?:d(?:a(?:t(?:e(?:s(?:"%s)?)?)?)?)?)?)?)?)?)?)?)?)?)?\Z'
    % ((_SPACE,) * 4)
)
_MARK = re.compile(rb'["{}\[\]]')


class Element(Event):
    """An element of the array, as the event that it is."""

    __slots__ = ()

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.data = raw
        self.name = b""
        self.plain = True

    def with_data(self, data: bytes, others: dict[bytes, bytes] | None = None) -> bytes:
        return data


class ArrayDesk(Desk):
    """Puts out elements; one of our own comes behind the others."""

    def put_out(self, data: bytes, like: Event, name: bytes | None) -> None:
        self.out.append(b"," + data)


class ArrayStream:
    """Bytes of the array in, masked bytes out. What follows the array, or breaks it, is masked as JSON or text."""

    def __init__(self, scope: Scope) -> None:
        self._desk = ArrayDesk(scope)
        self._gemini = Gemini(self._desk)
        self._buf = b""
        self._rest: Passage | None = None
        self._begun = False

    @staticmethod
    def recognises(head: bytes) -> bool | None:
        """Is a body that begins like this such an array? None: not to be told yet."""
        if _IS_CHUNKS.match(head):
            return True
        return None if _MAY_BE.match(head) else False

    def feed(self, data: bytes) -> bytes:
        if self._rest is not None:
            return self._rest.feed(data)
        self._buf += data
        out = self._read()
        if len(self._buf) > MAX_EVENT:
            raise Uninspectable("an element of the stream is too large to be looked into")
        return out

    def finish(self, end: End = CUT) -> bytes:
        if self._rest is not None:
            return self._rest.feed(b"", end)
        self._gemini.finish()
        return self._taken() + self._as_json(self._buf, last=True)

    def _taken(self) -> bytes:
        out = b"".join(self._desk.out)
        self._desk.out.clear()
        return out

    def _as_json(self, data: bytes, *, last: bool) -> bytes:
        scope = self._desk.scope
        self._buf, self._rest = b"", Passage(JsonStream(scope, eager=False))
        return self._rest.feed(data, CUT if last else MORE)

    def _read(self) -> bytes:
        """Hand on what is whole: separators as they are, elements to the dialect."""
        at = 0
        while at < len(self._buf):
            char = self._buf[at]
            if char == 0x5D:  # ]
                self._gemini.flush()
                out = self._taken() + b"]"
                return out + self._as_json(self._buf[at + 1 :], last=False)
            if char in b" \t\r\n,\xef\xbb\xbf" or (char == 0x5B and not self._begun):
                self._begun = self._begun or char == 0x5B
                self._desk.out.append(self._buf[at : at + 1])
                at += 1
                continue
            if char != 0x7B:
                self._gemini.flush(closed=False)
                return self._taken() + self._as_json(self._buf[at:], last=False)
            end = _element_end(self._buf, at)
            if end < 0:
                break
            self._element(self._buf[at:end])
            at = end
        self._buf = self._buf[at:]
        return self._taken()

    def _element(self, raw: bytes) -> None:
        element, body = Element(raw), loads(raw)
        if isinstance(body, dict) and self._gemini.claims(body):
            self._gemini.handle(element, body)
        else:
            self._desk.whole(element)


def _element_end(data: bytes, start: int) -> int:
    """Where the object that begins at `start` ends; -1 if that is not in sight."""
    norm = neutral(data[start:])
    depth, at = 0, 0
    while (found := _MARK.search(norm, at)) is not None:
        at = found.end()
        char = norm[at - 1]
        if char == 0x22:
            at = norm.find(b'"', at) + 1
            if not at:
                return -1
        elif char in b"{[":
            depth += 1
        else:
            depth -= 1
            if depth <= 0:
                return start + at
    return -1
