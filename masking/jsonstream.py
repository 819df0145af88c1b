"""JSON as a stream of bytes: masked values change, everything else stays byte for byte.

No parser gives byte offsets, and none reads half a document; so this is a scanner of our own. Its rules are local ones,
which makes the result the same for every splitting, for several documents in a row, and for broken ones:

- a string runs from quote to quote; it is a key when a colon follows it, else a value;
- between strings stand punctuation and *pieces*: numbers and literals;
- the first piece that is neither is the end of JSON: from there on the rest is read as text.

Bytes are worked off in blocks of whole tokens (`jsonblock`). What is left at the end of a chunk waits for the next one;
the beginning of a string that is long, or that a reader waits for (`eager`), goes on into its own core at once.
"""

import re

from masking import jsonheld
from masking.edits import CLOSED, CUT, MORE, Core, Edit, End, shifted
from masking.errors import Uninspectable
from masking.jsonblock import LEFT, Walker
from masking.jsonheld import Extent
from masking.jsontoken import COLON, COLON_SO_FAR, MAX_PIECE, NO_PIECE, PIECE_END, neutral
from masking.scope import Scope

# An unfinished token is looked at again with every chunk until it is this long: with chunks of one byte that is 2 µs a
# byte. Not less than the longest key and the longest number that are read as such.
PATIENCE = MAX_PIECE
_NEWLINE = re.compile(rb"[ \t]*\r?\n")


class JsonStream:
    """One run of JSON text: a document, several of them, or a tool call's arguments."""

    __slots__ = ("_base", "_buf", "_eager", "_extent", "_left", "_piece", "_string", "_text", "_walker")

    def __init__(self, scope: Scope, *, eager: bool = True) -> None:
        self._eager = eager
        self._walker = Walker(scope, holds=not eager)
        self._extent: Extent | None = None  # what is waited for to be there whole
        self._buf = b""
        self._base = 0  # offset of the first byte of _buf
        self._left = b""  # the last bytes before _buf
        self._string: tuple[Core, int] | None = None  # the string being read, and the offset of its first byte
        self._piece: tuple[Core, int] | None = None  # … or the row of numbers without end
        self._text: tuple[Core, int] | None = None  # what reads the rest as text

    @property
    def decided(self) -> int:
        running = self._text or self._string or self._piece
        if running is None:
            return self._base
        core, base = running
        return base + core.decided

    def push(self, data: bytes, end: End = MORE) -> list[Edit]:
        edits: list[Edit] = []
        self._buf += data
        while self._text is None:
            if self._string is not None:
                going = self._read_string(edits, end)
            elif self._piece is not None:
                going = self._read_piece(edits, end)
            else:
                going = self._read_tokens(edits, end)
            if not going:
                return edits
        core, base = self._text
        data, self._buf = self._buf, b""
        edits += shifted(core.push(data, end), base)
        return edits

    def _read_tokens(self, edits: list[Edit], end: End) -> bool:
        """Work off whole tokens. True when there is more to do: a string or text begins."""
        norm = neutral(self._buf)
        start = self._colon(norm, end)
        if start < 0:
            return False
        cut, quote, piece = self._plan(norm, start, end)
        if not self._eager and end is MORE and (kept := self._kept_whole(norm, start, cut)) >= 0:
            cut, quote, piece = kept, -1, False
        if cut <= start and quote < 0 and not piece:
            return False
        text = self._walker.walk(self._buf, norm, start, cut, self._base, edits, end)
        if text >= 0:
            self._forward(text)
            self._text = self._walker.rest(self._left), self._base
            return True
        if quote < 0:
            left = (self._left + self._buf[max(0, cut - LEFT) : cut])[-LEFT:]
            core = self._walker.open_piece(cut, left, edits) if piece else None
            self._forward(cut)
            self._piece = (core, self._base) if core is not None else None
            return piece
        core = self._walker.open_string(quote, edits)
        self._forward(quote + 1)
        self._string = core, self._base
        return True

    def _kept_whole(self, norm: bytes, start: int, cut: int) -> int:
        """Where the block must end, so that what is looked into only whole (`jsonheld`) is; -1 if it is anyway."""
        at = start
        while (at := jsonheld.find(norm, at)) >= 0 and at < cut:
            value = jsonheld.value_at(norm, at) + self._base
            if self._extent is None or self._extent.start != value:
                self._extent = Extent(value)
            end = self._extent.end(norm, self._base) - self._base
            if end < 0 or end > cut:
                if len(norm) - at > jsonheld.MAX_HELD:
                    raise Uninspectable("a part of a JSON body is too large to be looked into whole")
                return jsonheld.before(norm, at, start)
            at = end
        return -1

    def _colon(self, norm: bytes, end: End) -> int:
        """After a string that was read in pieces: was it a key? Where the tokens begin; -1 while it cannot be told."""
        if not self._walker.after_string:
            return 0
        found = COLON.match(norm)
        if found is None and end is MORE and COLON_SO_FAR.match(norm):
            return -1
        self._walker.after_string = False
        if found is None:
            return 0
        self._walker.colon()
        return found.end()

    def _plan(self, norm: bytes, start: int, end: End) -> tuple[int, int, bool]:
        """(end of the block of whole tokens, opening quote of a string to read on in or -1, a piece to read on in?)"""
        cut = self._boundary(norm, start)
        if norm.count(b'"', cut) % 2:
            quote = norm.rfind(b'"')
            begins = end is not MORE or len(norm) - quote > PATIENCE
            if not begins and self._eager:
                begins = norm[max(cut, quote - 66) : quote].rstrip(b" \t\r\n").endswith((b":", b"["))
            return (quote, quote, False) if begins else (cut, -1, False)
        if end is not MORE:
            return len(norm), -1, False
        if len(norm) - cut > PATIENCE:
            return self._overlong(norm, cut)
        return cut, -1, False

    @staticmethod
    def _overlong(norm: bytes, cut: int) -> tuple[int, int, bool]:
        """No token has ended for long: white space goes on, a number without end is read on by itself."""
        last = max(norm.rfind(b'"', cut), norm.rfind(b"{", cut), norm.rfind(b"[", cut))
        begin = max(last + 1, cut)
        if last >= 0 and norm[last] == 0x22:
            found = COLON.match(norm, begin)
            if found is not None:
                begin = found.end()
            elif COLON_SO_FAR.match(norm, begin):
                return cut, -1, False
        piece = norm[begin:].lstrip(b" \t\r\n")
        begin = len(norm) - len(piece)
        if len(piece) > PATIENCE:
            return begin, -1, True
        return begin if begin - cut > PATIENCE else cut, -1, False  # a key and its value go together if they can

    def _read_string(self, edits: list[Edit], end: End) -> bool:
        """Read on in the unfinished string; True when its end was found."""
        assert self._string is not None
        core, base = self._string
        norm = neutral(self._buf)
        quote = norm.find(b'"')
        if quote >= 0:
            edits += shifted(core.push(self._buf[:quote], CLOSED), base)
            self._string = None
            self._walker.close_string(self._base + quote, edits)
            self._forward(quote + 1)
            return True
        # a backslash at the end belongs to what follows it
        size = len(norm) - 1 if end is MORE and norm.endswith(b"\\") else len(norm)
        edits += shifted(core.push(self._buf[:size], MORE if end is MORE else CUT), base)
        self._forward(size)
        return False

    def _read_piece(self, edits: list[Edit], end: End) -> bool:
        """Read on in the numbers without end; True when something else begins."""
        assert self._piece is not None
        core, base = self._piece
        found, other = PIECE_END.search(self._buf), NO_PIECE.search(self._buf)
        if other is not None and (found is None or other.start() < found.start()):
            self._text, self._piece = self._piece, None
            return True
        size = len(self._buf) if found is None else found.start()
        edits += shifted(core.push(self._buf[:size], end if found is None else CLOSED), base)
        self._forward(size)
        if found is None:
            return False
        self._piece = None
        self._walker.close_piece(self._base, edits)
        return True

    def _forward(self, count: int) -> None:
        self._left = self._buf[count - LEFT : count] if count >= LEFT else (self._left + self._buf[:count])[-LEFT:]
        self._buf = self._buf[count:]
        self._base += count

    @staticmethod
    def _boundary(norm: bytes, start: int) -> int:
        """The last place between tokens where a block may end: before a comma, or after a closing bracket."""
        limit = norm.rfind(b'"') if norm.count(b'"') % 2 else len(norm)
        while True:
            at = max(norm.rfind(b",", start, limit), norm.rfind(b"}", start, limit), norm.rfind(b"]", start, limit))
            if at < 0:
                return start
            if norm.count(b'"', at, limit) % 2 == 0:
                break
            limit = norm.rfind(b'"', 0, at)  # it stands inside a string: go on before that
        if norm[at] == 0x2C:
            return at
        newline = _NEWLINE.match(norm, at + 1)
        return newline.end() if newline else at + 1
