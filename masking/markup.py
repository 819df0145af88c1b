"""Character references (HTML §13.2.5.72-80, XML 1.0 §4.1, CommonMark §2.5): markup as whoever renders it reads it.

A reference may hide a digit of a number; and to who does not render it, it is no part of the number beside it. So the
rendered text is masked, in place, and what comes of that once more as it stands. The rest stays byte for byte.
"""

import html
import re
from html.entities import html5

from masking.jsontext import Quoted, Unescaper
from masking.parts import Part, Twice, Whole
from masking.scope import Scope
from masking.text import TextStream

# Numbers with up to 16 zeros before them; without `;` they end at the first other byte, as browsers have it.
_REFERENCE = re.compile(
    rb"&(?:#0{0,16}([0-9]{1,7})(?:;|(?![0-9]))|#[xX]0{0,16}([0-9A-Fa-f]{1,6})(?:;|(?![0-9A-Fa-f]))"
    rb"|([A-Za-z][A-Za-z0-9]{1,31};))"
)
_SO_FAR = re.compile(rb"&(?:#[0-9]{0,23}|#[xX][0-9A-Fa-f]{0,22}|[A-Za-z][A-Za-z0-9]{0,31})?\Z")
_NO_CHARACTER = "\ufffd"


def read_reference(raw: bytes, at: int) -> tuple[int, bytes]:
    """(raw length, decoded bytes) of what begins with the `&` at `at`; (0, b"") while that cannot be told."""
    return (0, b"") if _SO_FAR.match(raw, at) else _at_end(raw, at)


def _at_end(raw: bytes, at: int) -> tuple[int, bytes]:
    found = _REFERENCE.match(raw, at)
    if found is None:
        return 1, b"&"
    decimal, hexadecimal, name = found.groups()
    if name:
        text = html5.get(name.decode("ascii"))
        return (1, b"&") if text is None else (len(found[0]), text.encode())
    code = int(decimal) if decimal else int(hexadecimal, 16)
    known = 0 < code < 0x110000 and not 0xD800 <= code < 0xE000
    return len(found[0]), (chr(code) if known else _NO_CHARACTER).encode()


class References(Unescaper):
    """Decodes references, as Unescaper does escapes."""

    __slots__ = ()
    mark = b"&"
    read = staticmethod(read_reference)
    at_end = staticmethod(_at_end)


def _escape(text: bytes) -> bytes:
    return html.escape(text.decode("latin-1")).encode("latin-1")


class Rendered(Quoted):
    """Markup, given to the core that reads its rendered text; edits come back as markup."""

    __slots__ = ()
    reader = References
    escape = staticmethod(_escape)


def markup(scope: Scope) -> Part:
    """HTML, XML or Markdown."""
    texts = [TextStream(scope.scanner, scope.where, scope.sink) for _ in range(2)]
    return Twice(Whole(Rendered(texts[0])), Whole(texts[1]))
