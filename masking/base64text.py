"""Text in base64 at the beginning of a string value: decoded, read like any other text, and masked in place.

What is masked is encoded anew in whole groups of four letters, filled up with spaces, so that the letters around it
stay as they are. Both alphabets, line breaks (MIME) and missing padding are read; what turns out to be no text (control
characters) is left alone from there on.
"""

import base64
import re

from masking.edits import CLOSED, MORE, Core, Edit, End, OffsetMap, splice

# Groups of four letters that decode to printable ASCII or white space: of random letters and digits, one group in
# eleven. Four of them in a row are taken for base64 text.
_FIRST, _SECOND, _THIRD = "[CDI-Za-f]", "[ACDEFGHQSTUVWXgijklmnwyz0123]", "[ABEFIJMNQRUVYZcdghklopstwx014589]"
_GROUP = rf"(?:{_FIRST}{_SECOND}{_THIRD}[A-Za-z0-9_+/\-])"
_LAST = f"(?:{_GROUP}|{_FIRST}{_SECOND}{_THIRD}=|{_FIRST}[AQgw]==)"
_LEAD = r"(?:data:[^,\"\\]{0,100};base64,)"
HEAD = f"{_LEAD}?{_GROUP}{{3}}{_LAST}"
_HEAD = re.compile(HEAD.encode())
_SHORTEST = 16
_FIRST_BYTES = frozenset(b"CDIJKLMNOPQRSTUVWXYZabcdef")
_SO_FAR = re.compile(
    (
        rf"(?:{_LEAD})?(?:{_GROUP}){{0,3}}(?:{_FIRST}(?:{_SECOND}(?:{_THIRD})?)?)?\Z"
        r"|d(?:a(?:t(?:a(?::[^,\"\\]{0,107})?)?)?)?\Z"
    ).encode()
)
_LEADING = re.compile(_LEAD.encode())
_LETTERS = re.compile(rb"[A-Za-z0-9+/_\-\r\n]*")
_BREAKS = re.compile(rb"[\r\n]+")
_NO_TEXT = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SPECIAL = re.compile(rb"[-_]")
_TO_URL = bytes.maketrans(b"+/", b"-_")
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")


def begins(head: bytes, *, whole: bool) -> bool | None:
    """Does a value that begins like this begin with text in base64? None: not to be told yet."""
    if whole and (len(head) < _SHORTEST or head[0] not in _FIRST_BYTES):
        return False  # as nearly all values are
    if _HEAD.match(head):
        return True
    return None if not whole and _SO_FAR.match(head) else False


class Base64Core:
    """Edits in offsets of the encoded run; `inner` reads the decoded text."""

    __slots__ = (
        "_carry", "_edits", "_ended", "_first", "_inner", "_lead", "_letters", "_offsets", "_plain", "_raw", "_seen",
        "_tail", "_url_at", "decided",
    )  # fmt: skip

    def __init__(self, inner: Core) -> None:
        self._inner = inner
        self._offsets = OffsetMap()  # letters → encoded bytes, which have line breaks among them
        self._lead = False  # has the beginning of a data URL been looked for?
        self._carry = b""  # one `=` of which it cannot be told yet whether another one follows
        self._tail = b""  # letters that make no whole group yet
        self._letters = 0  # letters read, with the tail
        self._raw = 0  # encoded bytes read
        self._plain = b""  # decoded text from offset _first on
        self._first = 0  # … a multiple of three: everything before has been told
        self._edits: list[Edit] = []  # of the decoded text, not told yet
        self._url_at = 1 << 62  # the first letter of the URL-safe alphabet
        self._ended = False
        self._seen = self.decided = 0

    def push(self, data: bytes, end: End = MORE) -> list[Edit]:
        self._seen += len(data)
        if self._ended:
            self.decided = self._seen
            return []
        if not self._lead:
            data = self._leading(data)
        data, self._carry = self._carry + data, b""
        run = _LETTERS.match(data)
        size = run.end() if run else 0
        rest = data[size:]
        if rest == b"=" and end is MORE:
            self._carry, rest = rest, b""
        over = bool(rest) or end is not MORE
        padding = min(len(rest) - len(rest.lstrip(b"=")), 2)
        letters = self._read(data[:size])
        return self._decode(letters, over, padding, CLOSED if rest else end)

    def _leading(self, data: bytes) -> bytes:
        """Step over the beginning of a data URL."""
        self._lead = True
        leading = _LEADING.match(data)
        if leading:
            self._raw = leading.end()
            self._offsets.mark(0, 0, 0, self._raw)
        return data[self._raw :]

    def _read(self, run: bytes) -> bytes:
        """The letters of a run, without its line breaks, whose places are noted."""
        gone = 0
        for found in _BREAKS.finditer(run):
            at = self._letters + found.start() - gone
            self._offsets.mark(at, at, self._raw + found.start(), self._raw + found.end())
            gone += found.end() - found.start()
        letters = run.translate(None, b"\r\n") if gone else run
        special = _SPECIAL.search(letters)
        if special:
            self._url_at = min(self._url_at, self._letters + special.start())
        self._raw += len(run)
        self._letters += len(letters)
        return letters

    def _decode(self, letters: bytes, over: bool, padding: int, end: End) -> list[Edit]:
        letters = self._tail + letters
        size = len(letters) - len(letters) % 4 if not over or len(letters) % 4 == 1 else len(letters)
        self._tail = letters[size:]
        plain = base64.b64decode(letters[:size].translate(_TO_STANDARD) + b"=" * (-size % 4))
        control = _NO_TEXT.search(plain)
        self._plain += plain
        if control:
            over, end, padding = True, CLOSED, -1
            plain = plain[: control.start()]
        self._edits += self._inner.push(plain, end if over else MORE)
        self._ended = over
        return self._told(padding)

    def _told(self, padding: int) -> list[Edit]:
        """What is decided of the encoded run. `padding`: what it ended with; -1 when it goes on, but is no text."""
        total = self._first + len(self._plain)
        limit = total if self._ended else self._inner.decided // 3 * 3
        out = []
        while self._edits:
            start, count = self._edits[0].start // 3 * 3, 0
            stop = start + 3
            while count < len(self._edits) and self._edits[count].start < stop:
                stop = max(stop, -(-self._edits[count].end // 3) * 3)
                count += 1
            if not self._ended and stop > limit:
                limit = start
                break
            last = padding if stop >= total and self._ended else -1
            out.append(self._encoded(start, min(stop, total), self._edits[:count], last))
            del self._edits[:count]
        self._plain, self._first = self._plain[limit - self._first :], limit
        self.decided = self._seen if self._ended else self._offsets.floor(limit // 3 * 4)
        self._offsets.forget(limit // 3 * 4)
        return out

    def _encoded(self, start: int, stop: int, edits: list[Edit], padding: int) -> Edit:
        """The edit of the letters of decoded bytes start…stop. `padding` -1: letters follow, so fill up the group."""
        text = splice(self._plain[start - self._first : stop - self._first], edits, start)
        if padding < 0 and len(text) % 3:
            filled = edits[-1]._replace(text=edits[-1].text + b" " * (-len(text) % 3))
            text = splice(self._plain[start - self._first : stop - self._first], [*edits[:-1], filled], start)
        letters = base64.b64encode(text)
        end = self._offsets.ceil(-(-stop * 4 // 3) if padding >= 0 else -(-stop // 3) * 4)
        if self._url_at < -(-stop * 4 // 3):
            letters = letters.translate(_TO_URL)
        if padding >= 0 and padding == 0 and stop % 3:
            letters = letters.rstrip(b"=")
        return Edit(self._offsets.floor(start // 3 * 4), end + max(padding, 0), letters)
