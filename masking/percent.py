"""Percent-encoding (RFC 3986 §2.1; forms: WHATWG URL §5.1), masked as it stands and as whoever decodes it reads it."""

import re
from collections.abc import Callable
from urllib.parse import quote, unquote_to_bytes

from masking.edits import CUT, End
from masking.errors import Uninspectable
from masking.scope import Scope
from masking.text import mask_text

MAX_PAIR = 1 << 20  # bytes of one name and its value; forms with more of it are uploads, which come as multipart
_TRIPLET = re.compile(rb"%[0-9A-Fa-f]{2}")
_PLAIN = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in "%&+")


def masked(mask: Callable[[bytes], bytes], text: bytes, *, plus: bool = False) -> bytes:
    """Where decoding brings something to light, the decoded text is masked and encoded anew. `plus`: `+` is a space."""
    out = mask(text)
    if not _TRIPLET.search(out) and not (plus and b"+" in out):
        return out
    plain = unquote_to_bytes(out.replace(b"+", b" ") if plus else out)
    again = mask(plain)
    return out if again == plain else quote(again, safe=_PLAIN).encode()


class Form:
    """`application/x-www-form-urlencoded`, pair by pair: names may have rules, and `&` ends what any secret can be."""

    __slots__ = ("_rest", "_scope")

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        *pairs, self._rest = (self._rest + data).split(b"&")
        if max(map(len, (*pairs, self._rest))) > MAX_PAIR:
            raise Uninspectable("a field of the form is too large to be looked into")
        return b"".join(self._pair(pair) + b"&" for pair in pairs)

    def finish(self, end: End = CUT) -> bytes:
        rest, self._rest = self._rest, b""
        return self._pair(rest)

    def _pair(self, pair: bytes) -> bytes:
        scope = self._scope
        name, equals, value = pair.partition(b"=")
        key = _decoded(name).decode("utf-8", "replace")
        rule = scope.scanner.key_rule(key, (key,)) if equals and scope.scanner.has_key_rules else None
        if rule is None:
            return masked(lambda text: mask_text(scope.scanner, "$", scope.sink, text, closed=True), pair, plus=True)
        replacement = scope.scanner.apply(rule, _decoded(value), "$", scope.sink)
        data = b"" if replacement.drop else replacement.data
        return name + equals + quote(data, safe=_PLAIN).encode()


def _decoded(text: bytes) -> bytes:
    return unquote_to_bytes(text.replace(b"+", b" "))
