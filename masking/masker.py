"""The facade: one masker for the profiles of one exchange; bodies, streams, headers and single texts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from masking import media as media_types
from masking import percent
from masking.delimited import Delimited
from masking.edits import CLOSED, CUT, End
from masking.encodings import Chain
from masking.errors import Uninspectable
from masking.finding import Finding, Findings
from masking.jsonarray import ArrayStream
from masking.jsonstream import JsonStream
from masking.markup import markup
from masking.media import Media, Skin
from masking.multipart import Multipart
from masking.parts import Part, Twice, Whole
from masking.percent import Form
from masking.scan import Scanner
from masking.scope import Scope
from masking.sse import SseStream
from masking.text import TextStream, mask_text


@dataclass(frozen=True, slots=True)
class Masked:
    """A whole body, masked, and what was found in it."""

    data: bytes
    findings: tuple[Finding, ...]


class JsonBody:
    """A JSON body: the chunks of a model's stream in one array, or anything else."""

    __slots__ = ("_head", "_part", "_scope")

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._head = b""
        self._part: Part | None = None

    def feed(self, data: bytes) -> bytes:
        if self._part is None:
            data = self._head + data
            chunks = ArrayStream.recognises(data)
            if chunks is None:
                self._head = data
                return b""
            self._part = ArrayStream(self._scope) if chunks else Whole(JsonStream(self._scope, eager=False))
        return self._part.feed(data)

    def finish(self, end: End = CUT) -> bytes:
        if self._part is None:
            self._part = Whole(JsonStream(self._scope, eager=False))
            return self._part.feed(self._head) + self._part.finish(end)
        return self._part.finish(end)


_BLANK = b"\xef\xbb\xbf \t\r\n"
_FIELDS = (b"data:", b"event:", b"retry:", b"id:", b":")


class Guess:
    """Events or JSON by its first bytes that are no white space, whatever the type says; else what `otherwise` opens.

    Readers of event streams look at no type: under a wrong one, they would join what was masked piece by piece.
    """

    __slots__ = ("_begins", "_head", "_otherwise", "_part", "_scope")

    def __init__(self, scope: Scope, begins: bytes, otherwise: Callable[[], Part]) -> None:
        self._scope, self._begins, self._otherwise = scope, begins, otherwise
        self._head = b""
        self._part: Part | None = None

    def feed(self, data: bytes) -> bytes:
        if self._part is None:
            data = self._head + data
            begin = data.lstrip(_BLANK)
            if any(name.startswith(begin) for name in _FIELDS if name != begin):
                self._head = data
                return b""
            self._part = self._open(begin)
        return self._part.feed(data)

    def finish(self, end: End = CUT) -> bytes:
        if self._part is None:
            self._part = self._otherwise()
            return self._part.feed(self._head) + self._part.finish(end)
        return self._part.finish(end)

    def _open(self, begin: bytes) -> Part:
        if begin.startswith(_FIELDS):
            return _events(self._scope)
        return JsonBody(self._scope) if begin[:1] in self._begins else self._otherwise()


def _events(scope: Scope) -> Part:
    """What begins like an event stream and does not say that it is one: masked as events, and as the text it may be."""
    return Twice(SseStream(scope), _text(scope))


def _text(scope: Scope) -> Part:
    return Whole(TextStream(scope.scanner, "$", scope.sink))


class Stream:
    """One body in pieces. What `feed` gives may go at once; after `finish` the stream is over."""

    def __init__(self, part: Part, sink: Findings, chain: Chain) -> None:
        self._part, self._sink, self._chain = part, sink, chain
        self.watch: Callable[[bytes], None] | None = None  # is shown each piece as it was read, before it is masked

    @property
    def encoded(self) -> bool:
        """Whether the body came in a content encoding, without which it leaves."""
        return bool(self._chain)

    def feed(self, data: bytes) -> bytes:
        return b"".join([self._read(part) for part in self._chain.feed(data)])

    def _read(self, data: bytes) -> bytes:
        if b"\0" in data:  # clients tell UTF-16 and UTF-32 by it, whatever the headers say
            raise Uninspectable("a body with NUL bytes is binary, or in a character set that cannot be looked into")
        if self.watch is not None:
            self.watch(data)
        return self._part.feed(data)

    def finish(self, *, complete: bool = False) -> bytes:
        """The rest. `complete`: the body is known to end here, so what it ends with is no beginning of a secret."""
        self._chain.finish()
        return self._part.finish(CLOSED if complete else CUT)

    def take_findings(self) -> list[Finding]:
        """What was found since the last call."""
        return self._sink.take()


class Masker:
    """Masks with one scanner. Immutable; a stream keeps its own state."""

    def __init__(self, scanner: Scanner) -> None:
        self._scanner = scanner

    def body(self, media: str, data: bytes, *, encoding: str = "identity", complete: bool = False) -> Masked:
        """A whole body. Raises Uninspectable for what cannot be looked into, Blocked when a rule says so.

        `complete`: nothing of it was cut off.
        """
        stream = self.stream(media, encoding=encoding)
        out = stream.feed(data)
        out += stream.finish(complete=complete)
        return Masked(out, tuple(stream.take_findings()))

    def stream(self, media: str, *, encoding: str = "identity") -> Stream:
        """A body in pieces; every splitting of it gives, joined, what `body` gives. An encoding is undone."""
        chain = Chain(encoding)
        sink = Findings()
        kind = media_types.parse(media)
        if not kind.readable:
            raise Uninspectable("a body in this character set cannot be looked into")
        return Stream(_part(media_types.skin(kind), kind, Scope(self._scanner, sink)), sink, chain)

    def text(self, text: str) -> tuple[str, tuple[Finding, ...]]:
        """One piece of text that is complete in itself: a path, a justification, a message for people."""
        sink = Findings()
        masked = mask_text(self._scanner, "$", sink, text.encode("utf-8", "surrogatepass"), closed=True)
        return masked.decode("utf-8", "replace"), tuple(sink.take())

    def target(self, text: str) -> tuple[str, tuple[Finding, ...]]:
        """A path or a request target (path and query), as it stands and as whoever decodes it reads it."""
        sink = Findings()

        def mask(part: bytes) -> bytes:
            return mask_text(self._scanner, "$", sink, part, closed=True)

        out = percent.masked(mask, text.encode("utf-8", "surrogatepass"), plus="?" in text)
        return out.decode("utf-8", "replace"), tuple(sink.take())

    def headers(self, headers: Sequence[tuple[str, bytes]]) -> tuple[list[tuple[str, bytes]], tuple[Finding, ...]]:
        """Headers or trailers: values of fields that a rule names, and what detectors find in the others."""
        sink = Findings()
        out: list[tuple[str, bytes]] = []
        for name, value in headers:
            rule = self._scanner.key_rule(name, (name,)) if self._scanner.has_key_rules else None
            if rule is None:
                out.append((name, percent.masked(partial(self._header, name, sink), value)))
                continue
            replacement = self._scanner.apply(rule, value, name, sink)
            if not replacement.drop:
                out.append((name, replacement.data))
        return out, tuple(sink.take())

    def _header(self, name: str, sink: Findings, value: bytes) -> bytes:
        context = name.encode("latin-1", "replace") + b": "
        return mask_text(self._scanner, name, sink, value, context=context, closed=True)


def _part(skin: Skin, media: Media, scope: Scope) -> Part:
    """The skin that reads such a body. What begins like events or like JSON is read as that, as clients do."""
    text = partial(_text, scope)
    match skin:
        case Skin.SSE:
            return SseStream(scope)
        case Skin.JSON:
            return Guess(scope, b"", partial(JsonBody, scope))
        case Skin.FORM:
            return Form(scope)
        case Skin.MULTIPART:
            return Multipart(scope, media, _part)
        case Skin.CSV:
            return Guess(scope, b"{[", partial(Delimited, scope))
        case Skin.TEXT:
            return Guess(scope, b"{[", text)
        case Skin.MARKUP:
            return Guess(scope, b"{[", partial(markup, scope))
        case Skin.GUESS:
            return Guess(scope, b'{["', text)
        case Skin.BINARY:
            raise Uninspectable(f"a body of type {media.type} cannot be looked into")
