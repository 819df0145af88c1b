"""The tokens of JSON as regular expressions over bytes whose escapes are neutralised."""

import re

from masking.engine import Regex
from masking.jsontext import escape

# A longer number (or row of them) is read as text of its own, piece by piece.
MAX_PIECE = 4096
SPACES = b" \t\r\n\x1e:"
COLON = re.compile(rb"[ \t\r\n]{0,64}:")
COLON_SO_FAR = re.compile(rb"[ \t\r\n]{0,64}\Z")

# Groups: inside of a string, its closing quote, the colon that makes it a key; punctuation; a piece between those.
TOKEN = re.compile(rb'"([^"]*)("?)([ \t\r\n]{0,64}:)?|([{}\[\],])|([^{}\[\],"]+)')
IS_KEY, IS_PUNCTUATION, IS_PIECE = 3, 4, 5

_ATOM = r"(?:-?[0-9][0-9.eE+\-]*|true|false|null|NaN|-?Infinity|\xef\xbb\xbf)"
_SPACE = r"[ \t\r\n\x1e:]"
_BETWEEN = rf'{_SPACE}|[{{}}\[\],]|"[^"]*"'
_WELL_FORMED = Regex(f"(?:{_BETWEEN}|{_ATOM}(?:{_BETWEEN}))*{_ATOM}?")
PIECE_END = re.compile(rb'[{}\[\],"]')
# What a piece may be made of, byte by byte: numbers, and the letters of literals.
NO_PIECE = re.compile(rb"[^0-9.eE+\- \t\r\n\x1e:truefalsnNaIity]")
# Between a key and its value stand ":" or ": " in nearly all JSON. Contexts are searched in the raw bytes, so where
# other white space stands there, the rest of the block is read token by token.
LOOSE = r'"(?:[ \t\r\n]+:|:(?:  |[\t\r\n]))'
_LOOSE_HERE = re.compile(LOOSE.encode())

NUMBER = re.compile(rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?\Z")
NUMBERS = re.compile(rb"-?[0-9][0-9.eE+-]*")


def neutral(raw: bytes) -> bytes:
    """The same length, with every escaped quote and backslash blotted out: every quote left begins or ends a string."""
    if b"\\" not in raw:
        return raw
    return raw.replace(b"\\\\", b"\x01\x01").replace(b'\\"', b"\x01\x01")


def loose(norm: bytes, at: int) -> bool:
    """Is there, behind the quote at `at`, white space where contexts do not expect it?"""
    return norm[at] == 0x22 and _LOOSE_HERE.match(norm, at) is not None


def text_from(norm: bytes, start: int, stop: int) -> int:
    """Where, between `start` and `stop`, something stands that is no JSON: the beginning of that piece; or -1."""
    end = _WELL_FORMED.end(norm, start)
    if end >= stop:
        return -1
    return piece_start(norm, start, end)


def piece_start(norm: bytes, start: int, at: int) -> int:
    """Where the piece around `at` begins, which is outside of strings; not before `start`."""
    low = max(start, at - 32)
    while True:
        begin = max(norm.rfind(char, low, at) for char in (b'"', b",", b"[", b"{", b"}", b"]")) + 1
        if begin or low == start:
            break
        low = start
    begin = max(begin, start)
    if begin > start and norm[begin - 1] == 0x22 and (found := COLON.match(norm, begin, at)):
        begin = found.end()
    return begin + len(norm[begin:at]) - len(norm[begin:at].lstrip(SPACES)) if at > begin else at


def whole_atoms(piece: bytes, start: int, stop: int) -> tuple[int, int]:
    """The atoms that piece[start:stop] touches, whole."""
    spaces = (b" ", b"\t", b"\r", b"\n", b"\x1e")
    left = max(piece.rfind(space, 0, start) for space in spaces) + 1
    rights = [at for space in spaces if (at := piece.find(space, stop)) >= 0]
    return left, min(rights, default=len(piece))


def as_value(text: bytes) -> bytes:
    """Text in the place of a number: a number if it still reads as one, else a string."""
    return text if NUMBER.match(text) else b'"' + escape(text) + b'"'
