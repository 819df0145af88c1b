"""Identifiers that hold digits by chance: a number found inside one is part of it, and masking it would break it.

One UUID in four thousand holds a card number that passes every check, as do some digests. What is told apart here is
told by its form, in which nobody prints a number of a card or an account: groups of 8-4-4-4-12 with a letter among them
(RFC 9562, whatever its version), W3C traceparent, and a word of hexadecimal digits as long as digests and ids are.
"""

import re

# What is looked at around a value: the longest digest (SHA-512) and one byte more on either side.
AROUND = 128
INSIDE = "[0-9A-Fa-f-]"
"""What stands directly before or behind a value that is a piece of an identifier; as a pattern."""

_INSIDE = frozenset(b"0123456789ABCDEFabcdef-")

_GROUPED = re.compile(
    rb"(?<![0-9])[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(?![0-9A-Za-z])"
    rb"|(?<![0-9A-Za-z])[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(?![0-9A-Za-z])"
)
_HEX_BEFORE = re.compile(rb"(?:\A|[^0-9A-Za-z])([0-9A-Fa-f]*)\Z")
_HEX_AFTER = re.compile(rb"([0-9A-Fa-f]*)(?![0-9A-Za-z])")
_LETTER = re.compile(rb"[A-Fa-f]")
_DIGIT = re.compile(rb"[0-9]")
_BOTH_CASES = re.compile(rb"[a-f].*[A-F]|[A-F].*[a-f]")


def within(text: bytes, start: int, end: int) -> bool:
    """Is text[start:end] a piece of an identifier? Looks at most AROUND bytes to either side."""
    if not (start and text[start - 1] in _INSIDE) and not (end < len(text) and text[end] in _INSIDE):
        return False
    return in_grouped(text, start, end) or _in_digest(text, start, end)


def in_grouped(text: bytes, start: int, end: int) -> bool:
    """Does every digit of text[start:end] lie in a UUID or a traceparent, be it one or two in a row?

    Letters may stand before it (`id01a226e4-…`): names do. Digits outside of it are those of a number.
    """
    at = start
    for found in _GROUPED.finditer(text, max(0, start - AROUND), min(len(text), end + AROUND)):
        if found.start() < end and found.end() > start and _LETTER.search(found[0]):
            if _DIGIT.search(text, at, found.start()):
                return False
            at = found.end()
    return at > start and _DIGIT.search(text, at, end) is None


def _in_digest(text: bytes, start: int, end: int) -> bool:
    """Part of one word of hexadecimal digits, of 16, 24, 32, 40 … 128, which beside the value shows digits and letters.

    A word before a number (`face4111…`) shows no digits, and hardly ever makes up to such a length.
    """
    before = _HEX_BEFORE.search(text[max(0, start - AROUND) : start])
    after = _HEX_AFTER.match(text[end : end + AROUND])
    if before is None or after is None:
        return False
    rest = before[1] + after[1]
    word = before[1] + text[start:end] + after[1]
    if not 16 <= len(word) <= AROUND or len(word) % 8 or not text[start:end].isalnum():
        return False
    mixed = _LETTER.search(rest) is not None and _DIGIT.search(rest) is not None
    return mixed and word.translate(None, b"0123456789ABCDEFabcdef") == b"" and not _BOTH_CASES.search(word)
