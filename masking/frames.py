"""Server-sent events as bytes (WHATWG HTML, "Server-sent events", §9.2.5-6): cut into events, read, and written anew.

Lines end in LF, CRLF or CR, data may span lines, comments and unknown fields may stand anywhere, the stream may begin
with a byte order mark. An event that nothing changes leaves exactly as it came.
"""

import re

from masking.errors import Uninspectable

# `response.completed` repeats a whole answer, images included; the largest seen in the wild are a few megabytes.
MAX_EVENT = 32 << 20
BOM = b"\xef\xbb\xbf"
# Two line ends in a row; (?>…) keeps CRLF one line end where backtracking would make two of it. After CR CR nothing is
# waited for: an LF that follows would be a blank line of its own, which means nothing.
_BLANK = re.compile(rb"\r\r|(?>\r\n|\n)(?>\r\n|\n|\r)")
_LINE = re.compile(rb"([^\r\n]*)(\r\n|\n|\r|\Z)")


class Event:
    """One event: `raw` with all its line ends, `name` (b"" if none), `data` (None without a data line)."""

    __slots__ = ("data", "name", "plain", "raw")

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.name = b""
        self.data: bytes | None = None
        self.plain = True
        """Only `event:` and `data:` lines: nothing else in it that could hold text."""
        if raw.startswith(b"data: ") and raw.endswith(b"\n\n") and raw.count(b"\n") == 2 and b"\r" not in raw:
            self.data = raw[6:-2]
        else:
            self._read()

    def _read(self) -> None:
        data: list[bytes] = []
        for line in self.raw.removeprefix(BOM).splitlines():
            field, _, value = line.partition(b":")
            value = value.removeprefix(b" ")
            if field == b"data":
                data.append(value)
            elif field == b"event":
                self.name = value
            elif line:
                self.plain = False
        if data:
            self.data = b"\n".join(data)

    def others(self) -> list[bytes]:
        """The lines that are neither data nor blank, without their ends."""
        lines = self.raw.removeprefix(BOM).splitlines()
        return [line for line in lines if line and line.partition(b":")[0] != b"data"]

    def with_data(self, data: bytes, others: dict[bytes, bytes] | None = None) -> bytes:
        """The event with other data; every other line, and every line end, as it was (or as `others` maps it)."""
        if self.data and not others and b"\n" not in data and (at := self.raw.rfind(self.data)) >= 0:
            return self.raw[:at] + data + self.raw[at + len(self.data) :]  # one line of data, as always
        out = [BOM] if self.raw.startswith(BOM) else []
        todo: bytes | None = data
        for found in _LINE.finditer(self.raw.removeprefix(BOM)):
            line, end = found.groups()
            if line.partition(b":")[0] != b"data":
                out += [others.get(line, line) if others else line, end]
            elif todo is not None:
                out += [b"data: " + part + (end or b"\n") for part in todo.split(b"\n")]
                todo = None
        return b"".join(out)


def compose(data: bytes, like: Event, name: bytes | None = None) -> bytes:
    """A new event with the line ends of another one, and its name unless another is given."""
    end = b"\r\n" if like.raw.endswith(b"\r\n") else b"\r" if like.raw.endswith(b"\r") else b"\n"
    name = like.name if name is None else name
    head = b"event: " + name + end if name and like.name else b""
    return head + b"".join(b"data: " + part + end for part in data.split(b"\n")) + end


class Framer:
    """Cuts a byte stream into events; what is not yet an event waits, at most MAX_EVENT bytes of it.

    A blank line of CR alone after LF or CRLF may still turn out to be CRLF: the event waits for one more byte.
    """

    __slots__ = ("_rest", "_seen")

    def __init__(self) -> None:
        self._rest = b""
        self._seen = 0

    @property
    def held(self) -> int:
        return len(self._rest)

    def feed(self, data: bytes) -> list[Event]:
        rest = self._rest + data if self._rest else data
        # Where an end may begin that was not seen before: up to three bytes of it may have come earlier.
        begin, search = 0, max(0, self._seen - 3)
        events = []
        unix = b"\r" not in rest
        while True:
            if unix:
                at = rest.find(b"\n\n", search)
                end = at + 2 if at >= 0 else -1
            else:
                end = self._blank(rest, search)
            if end < 0:
                break
            events.append(Event(rest[begin:end]))
            begin = search = end
        self._rest = rest[begin:]
        self._seen = len(self._rest)
        if self._seen > MAX_EVENT:
            raise Uninspectable("an event of the stream is too large to be looked into")
        return events

    @staticmethod
    def _blank(rest: bytes, search: int) -> int:
        """The end of the first event at or after `search`; -1 if none has ended for certain."""
        # A search that starts inside a CRLF would read its LF as a line end of its own.
        if search and rest[search - 1 : search + 1] == b"\r\n":
            search -= 1
        found = _BLANK.search(rest, search)
        if found is None or (found.end() == len(rest) and rest.endswith(b"\n\r")):
            return -1
        return found.end()

    def finish(self) -> bytes:
        """What never became an event. Readers that keep to the standard discard it."""
        rest, self._rest = self._rest, b""
        self._seen = 0
        return rest
