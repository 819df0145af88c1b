"""One channel of a stream: the text that many deltas add up to, and the document that JSON in deltas adds up to."""

from masking.edits import CLOSED, CUT, Core, Passage
from masking.eventwise import Eventwise
from masking.jsonstream import JsonStream
from masking.scope import Scope
from masking.select import Path
from masking.strings import RuledCore, StringCore


class Channel:
    """Deltas in, deltas out, joined equal to the masked whole.

    Text is `str`, as JSON events carry it. `errors` says how what is no UTF-8 stands in it: halves of surrogate pairs
    (JSON escapes), or bytes (plain text, `surrogateescape`).
    """

    __slots__ = ("_errors", "_passage", "_tail")

    def __init__(self, core: Core, errors: str = "surrogatepass") -> None:
        self._passage = Passage(core)
        self._errors = errors
        self._tail = b""  # the beginning of a character whose end is still held

    def feed(self, text: str) -> str:
        """The next delta; what may go now, "" when everything is held."""
        return self._decode(self._passage.feed(text.encode("utf-8", self._errors)))

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
            return raw[:cut].decode("utf-8", self._errors)
        except UnicodeDecodeError:
            return raw[:cut].decode("utf-8", "replace")


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


def string_channel(scope: Scope, path: Path, errors: str = "surrogatepass", *, eventwise: bool = False) -> Channel:
    """The channel of a string that a whole message has at `path`; read exactly as a JSON body's string is read.

    `eventwise`: its deltas may as well be texts of their own.
    """
    key = next((step for step in reversed(path) if isinstance(step, str)), "")
    inside = scope.at(path)
    rule = inside.rule(key)
    if rule is not None:
        return Channel(RuledCore(inside, rule), errors)
    context = b'"' + key.encode("utf-8", "replace") + b'":"' if key else b""
    return Channel(Eventwise(inside, context) if eventwise else StringCore(inside, context), errors)


def json_channel(scope: Scope, path: Path) -> Channel:
    """The channel of JSON text that adds up to the value which a whole message has at `path`."""
    return Channel(JsonStream(scope.at(path)))
