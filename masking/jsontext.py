"""The inside of a JSON string: escapes (RFC 8259 §7) decoded with their offsets kept, and text escaped again."""

import re

from masking.edits import MORE, Core, Edit, End, OffsetMap

_SIMPLE = {0x22: b'"', 0x5C: b"\\", 0x2F: b"/", 0x62: b"\b", 0x66: b"\f", 0x6E: b"\n", 0x72: b"\r", 0x74: b"\t"}
_HEX4 = re.compile(rb"[0-9A-Fa-f]{4}")
_HEX_SO_FAR = re.compile(rb"[0-9A-Fa-f]{0,3}\Z")
_MUST_ESCAPE = re.compile(rb'["\\\x00-\x1f]')
_PLAIN = bytes(byte for byte in range(0x20, 0x100) if byte not in b'"\\')
_SHORT = {b'"': b'\\"', b"\\": b"\\\\", b"\n": b"\\n", b"\r": b"\\r", b"\t": b"\\t", b"\b": b"\\b", b"\f": b"\\f"}
# A longer text is read in pieces: the place of each escape takes a hundred bytes until its piece is done.
PIECE = 64 << 10
_INCOMPLETE = (0, b"")


def escape(text: bytes) -> bytes:
    """Text as it stands between the quotes of a JSON string; bytes above 0x7F stay as they are."""
    if not text.translate(None, _PLAIN):
        return text
    return _MUST_ESCAPE.sub(lambda found: _SHORT.get(found[0]) or b"\\u%04x" % found[0][0], text)


def _unit(raw: bytes, at: int) -> int:
    """The code unit of the four hex digits at `at`; -1 if they are something else, -2 if they are not all there."""
    if _HEX4.match(raw, at):
        return int(raw[at : at + 4], 16)
    return -2 if _HEX_SO_FAR.match(raw, at) else -1


def read_escape(raw: bytes, at: int) -> tuple[int, bytes]:
    """(raw length, decoded bytes) of the escape whose backslash is at `at`; (0, b"") if it is not complete yet.

    Broken escapes stand for themselves; a lone surrogate decodes to the three bytes UTF-8 would give it.
    """
    if at + 1 >= len(raw):
        return _INCOMPLETE
    kind = raw[at + 1]
    if kind != 0x75:
        simple = _SIMPLE.get(kind)
        return (2, simple) if simple is not None else (2, raw[at : at + 2])
    high = _unit(raw, at + 2)
    if high < 0:
        return _INCOMPLETE if high == -2 else (2, b"\\u")
    if 0xD800 <= high < 0xDC00:
        return _read_pair(raw, at, high)
    return 6, chr(high).encode("utf-8", "surrogatepass")


def _read_pair(raw: bytes, at: int, high: int) -> tuple[int, bytes]:
    following = raw[at + 6 : at + 8]
    lone = 6, chr(high).encode("utf-8", "surrogatepass")
    if following in (b"", b"\\"):
        return _INCOMPLETE
    if following != b"\\u":
        return lone
    low = _unit(raw, at + 8)
    if low == -2:
        return _INCOMPLETE
    if not 0xDC00 <= low < 0xE000:
        return lone
    return 12, chr(0x10000 + ((high - 0xD800) << 10) + low - 0xDC00).encode()


def _at_end(raw: bytes, at: int) -> tuple[int, bytes]:
    """An escape cut off by the end of the string: a high surrogate alone, or bytes that stand for themselves."""
    high = _unit(raw, at + 2) if raw[at + 1 : at + 2] == b"u" else -1
    if high >= 0:
        return 6, chr(high).encode("utf-8", "surrogatepass")
    return len(raw) - at, raw[at:]


class Unescaper:
    """Decodes the inside of one JSON string piece by piece; `offsets` leads back from decoded to raw.

    What begins with `mark` is read by `read`, and by `at_end` where it may have been cut off.
    """

    __slots__ = ("_decoded", "_pending", "_raw", "escaped", "offsets")
    mark = b"\\"
    read = staticmethod(read_escape)
    at_end = staticmethod(_at_end)

    def __init__(self) -> None:
        self.offsets = OffsetMap()
        self.escaped = False
        self._pending = b""
        self._raw = 0
        self._decoded = 0

    def feed(self, piece: bytes, final: bool = False) -> bytes:
        """The decoded bytes of the next piece; an escape that is not complete waits for the next one."""
        if not self._pending and self.mark not in piece:
            self._raw += len(piece)
            self._decoded += len(piece)
            return piece
        self.escaped = True
        raw, out, at = self._pending + piece, [], 0
        while (found := raw.find(self.mark, at)) >= 0:
            out.append(raw[at:found])
            length, text = self.read(raw, found)
            if not length:
                if not final:
                    at = found
                    break
                length, text = self.at_end(raw, found)
            if length == 1:  # it stands for itself
                self._plain(found - at + 1)
            else:
                self._mark(found - at, length, text)
            out.append(text)
            at = found + length
        else:
            out.append(raw[at:])
            self._plain(len(raw) - at)
            at = len(raw)
        if found >= 0:
            self._plain(len(out[-1]))
        self._pending = raw[at:]
        return b"".join(out)

    def _plain(self, length: int) -> None:
        self._raw += length
        self._decoded += length

    def _mark(self, plain: int, length: int, text: bytes) -> None:
        self._plain(plain)
        self.offsets.mark(self._decoded, self._decoded + len(text), self._raw, self._raw + length)
        self._raw += length
        self._decoded += len(text)


class Quoted:
    """The inside of a JSON string, given to the core that reads its decoded text; edits come back escaped."""

    __slots__ = ("_inner", "_text")
    reader = Unescaper
    escape = staticmethod(escape)

    def __init__(self, inner: Core) -> None:
        self._inner = inner
        self._text = self.reader()

    @property
    def decided(self) -> int:
        inner = self._inner.decided
        return self._text.offsets.floor(inner) if self._text.escaped else inner

    def push(self, data: bytes, end: End = MORE) -> list[Edit]:
        if len(data) <= PIECE:
            return self._push(data, end)
        out: list[Edit] = []
        for at in range(0, len(data), PIECE):
            out += self._push(data[at : at + PIECE], MORE if at + PIECE < len(data) else end)
        return out

    def _push(self, data: bytes, end: End) -> list[Edit]:
        edits, escape = self._inner.push(self._text.feed(data, end is not MORE), end), self.escape
        if not self._text.escaped:
            return [Edit(start, stop, escape(text)) for start, stop, text in edits]
        offsets = self._text.offsets
        out = [Edit(offsets.floor(start), offsets.ceil(stop), escape(text)) for start, stop, text in edits]
        offsets.forget(self._inner.decided)
        return out
