"""Multipart bodies (RFC 2046 §5.1, RFC 7578): each part is read as the type that it says it is.

Boundaries and what is in order of the headers stay; a form field whose name has a rule is masked whole. A part that
nobody can look into refuses the whole body.
"""

import re
from collections.abc import Callable
from functools import partial

from masking import media as media_types
from masking import percent
from masking.edits import CLOSED, CUT, Core, End
from masking.errors import Uninspectable
from masking.media import Media, Skin
from masking.parts import Part, Twice, Whole
from masking.probe import probe
from masking.scope import Scope
from masking.strings import MAX_DEPTH, RuledCore, StringCore
from masking.text import TextStream, mask_text

MAX_HEADERS = 16 << 10  # of one part, bytes; browsers send two lines
MAX_BOUNDARY = 200  # RFC 2046 allows 70
MAX_PADDING = 64 + 4  # behind a boundary, with all that can begin or end its line
_ENDING = re.compile(rb"-?|[ \t]{0,64}\r?")
_HEADERS_END = re.compile(rb"\A\r?\n|\r?\n\r?\n")
_FIELD = re.compile(rb"(?im)^(content-[a-z-]{1,40})[ \t]*:[ \t]*((?:[^\r\n]|\r?\n[ \t])*)")
_PLAIN = ("", "7bit", "8bit", "binary")  # transfer encodings that leave the bytes as they are
Open = Callable[[Skin, Media, Scope], Part]


class Multipart:
    """Bytes of the body in, masked bytes out. What stands around the parts is masked as text."""

    __slots__ = ("_delimiter", "_first", "_heads", "_line", "_open", "_part", "_rest", "_scope")

    def __init__(self, scope: Scope, media: Media, open_part: Open) -> None:
        boundary = media.parameters.get("boundary", "").encode("latin-1", "replace")
        if not boundary or len(boundary) > MAX_BOUNDARY:
            raise Uninspectable("a multipart body without a boundary cannot be looked into")
        if scope.depth >= MAX_DEPTH:
            raise Uninspectable("a multipart body is nested too deeply to be looked into")
        if mask_text(scope.scanner, "$", scope.aside().sink, boundary, closed=True) != boundary:
            raise Uninspectable("the boundary of a multipart body holds something that must be masked")
        self._line = b"--" + boundary
        self._delimiter = re.compile(rb"\r?\n" + re.escape(self._line) + rb"(?:(--)|[ \t]{0,64}\r?\n)")
        self._scope, self._open = scope, open_part
        self._rest = b"\r\n"  # so that the first boundary begins like all others
        self._first = len(self._rest)  # bytes that were never in the body
        self._heads = False  # headers are being read
        self._part: Part = self._text()

    def feed(self, data: bytes) -> bytes:
        self._rest += data
        out = []
        while (done := self._step()) is not None:
            out.append(done)
        return b"".join(out)

    def finish(self, end: End = CUT) -> bytes:
        rest, self._rest = self._rest, b""
        if self._heads:
            return self._header(rest, end)
        return self._part.feed(self._let(rest)) + self._part.finish(end)

    def _step(self) -> bytes | None:
        """What the next piece of the body becomes; None when more of it must come first."""
        rest = self._rest
        if self._heads:
            found = _HEADERS_END.search(rest)
            if (len(rest) if found is None else found.end()) > MAX_HEADERS:
                raise Uninspectable("the headers of a part are too large to be looked into")
            if found is None:
                return None
            self._rest, self._heads = rest[found.end() :], False
            # the part may be empty, and then its boundary begins with the line break that ends the headers
            self._rest, head = b"\n" + self._rest, rest[: found.end() - 1]
            self._part = _Behind(self._opened(head))
            return self._header(head, CLOSED)
        found = self._delimiter.search(rest)
        if found is None:
            return self._text_so_far()
        self._rest, self._heads = rest[found.end() :], not found[1]
        out = self._part.feed(self._let(rest[: found.start()])) + self._part.finish(CLOSED)
        self._part = self._text()
        return out + self._let(found[0])

    def _text_so_far(self) -> bytes | None:
        cut = self._live()
        text, self._rest = self._rest[:cut], self._rest[cut:]
        return self._part.feed(self._let(text)) if text else None

    def _live(self) -> int:
        """Where what may become a delimiter begins; the end of what is there if nothing may."""
        rest, line = self._rest, self._line
        at = rest.rfind(b"\n", max(0, len(rest) - len(line) - MAX_PADDING))
        behind = rest[at + 1 :]
        if at >= 0 and (line.startswith(behind) or (behind.startswith(line) and _ENDING.fullmatch(behind, len(line)))):
            return at - 1 if rest[:at].endswith(b"\r") else at
        return len(rest) - 1 if rest.endswith(b"\r") else len(rest)

    def _let(self, text: bytes) -> bytes:
        """Without the bytes that we put in front ourselves."""
        skip, self._first = min(self._first, len(text)), max(0, self._first - len(text))
        return text[skip:]

    def _text(self) -> Part:
        return Whole(TextStream(self._scope.scanner, self._scope.where, self._scope.sink))

    def _header(self, head: bytes, end: End) -> bytes:
        scope = self._scope
        mask = partial(mask_text, scope.scanner, scope.where, scope.sink, closed=end is CLOSED)
        return percent.masked(mask, head)

    def _opened(self, head: bytes) -> Part:
        """The part that reads a body with such headers."""
        told: dict[str, str] = {}
        for name, value in _FIELD.findall(head):
            key = name.decode().lower()
            if key in told:
                raise Uninspectable("a header of a part is there more than once")
            told[key] = value.decode("utf-8", "replace").strip()
        if told.get("content-transfer-encoding", "").lower() not in _PLAIN or "content-encoding" in told:
            raise Uninspectable("a part in a transfer or content encoding cannot be looked into")
        media = media_types.parse(told.get("content-type", ""))
        if not media.readable:
            raise Uninspectable("a part in this character set cannot be looked into")
        return self._reader(media, media_types.parse(told.get("content-disposition", "")).parameters.get("name", ""))

    def _reader(self, media: Media, name: str) -> Part:
        scope = self._scope.at((name,)) if name else self._scope
        skin = Skin.TEXT if not media.type else media_types.skin(media)
        rule = scope.rule(name) if name else None
        core: Core
        if rule is not None:
            core = RuledCore(scope, rule)
        elif skin in (Skin.TEXT, Skin.MARKUP):
            quoted = b'"' + name.encode("utf-8", "replace") + b'"'
            context = quoted + b': "' if name and probe(scope.scanner).contextual(quoted) else b""
            core = StringCore(scope, context)
            if skin is Skin.MARKUP:
                return Twice(self._open(skin, media, scope.deeper()), Whole(core))
        else:
            return self._open(skin, media, scope.deeper())
        return Whole(core)


class _Behind:
    """A part behind the line break that ends its headers, which passes."""

    __slots__ = ("_begun", "_part")

    def __init__(self, part: Part) -> None:
        self._part, self._begun = part, False

    def feed(self, data: bytes) -> bytes:
        if self._begun or not data:
            return self._part.feed(data)
        self._begun = True
        return data[:1] + self._part.feed(data[1:])

    def finish(self, end: End = CUT) -> bytes:
        return self._part.finish(end)
