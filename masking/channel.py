"""One channel of a stream: the text that many deltas add up to, and the document that JSON in deltas adds up to."""

from masking.edits import CLOSED, CUT, Passage
from masking.jsonstream import JsonStream
from masking.scope import Scope
from masking.select import Path
from masking.strings import RuledCore, StringCore


class Channel:
    """Deltas in, deltas out, joined equal to the masked whole. Text is `str`, as JSON events carry it."""

    __slots__ = ("_passage", "_tail", "fed")

    def __init__(self, core: StringCore | RuledCore | JsonStream) -> None:
        self._passage = Passage(core)
        self._tail = b""  # the beginning of a character whose end is still held
        self.fed = False

    def feed(self, text: str) -> str:
        """The next delta; what may go now, "" when everything is held."""
        self.fed = True
        return self._decode(self._passage.feed(_encode(text)))

    def finish(self, *, closed: bool = True) -> str:
        """What is still held. Not `closed`: the stream broke off, so the beginning of a secret is masked too."""
        return self._decode(self._passage.feed(b"", CLOSED if closed else CUT), final=True)

    def _decode(self, raw: bytes, *, final: bool = False) -> str:
        if raw.isascii() and not self._tail:
            return raw.decode("ascii")
        raw = self._tail + raw
        cut = len(raw) if final else _whole_characters(raw)
        self._tail = raw[cut:]
        try:
            return raw[:cut].decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            return raw[:cut].decode("utf-8", "replace")


def _encode(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair: its other half comes with the next delta
        return text.encode("utf-8", "surrogatepass")


def _whole_characters(raw: bytes) -> int:
    """How many bytes of `raw` are whole UTF-8 characters, looking at the last three only."""
    for back in range(1, min(3, len(raw)) + 1):
        byte = raw[-back]
        if byte >= 0xC0:
            need = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return len(raw) if need <= back else len(raw) - back
        if byte < 0x80:
            break
    return len(raw)


def string_channel(scope: Scope, path: Path) -> Channel:
    """The channel of a string that a whole message has at `path`; read exactly as a JSON body's string is read."""
    key = next((step for step in reversed(path) if isinstance(step, str)), "")
    inside = scope.at(path)
    rule = inside.rule(key)
    if rule is not None:
        return Channel(RuledCore(inside, rule))
    return Channel(StringCore(inside, b'"' + key.encode() + b'":"'))


def json_channel(scope: Scope, path: Path) -> Channel:
    """The channel of JSON text that adds up to the value which a whole message has at `path`."""
    return Channel(JsonStream(scope.at(path)))
