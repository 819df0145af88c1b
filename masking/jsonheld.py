"""Two things in model answers that are looked into only when they are there whole.

`logprobs` tells an answer's text once more, token by token: if the tokens, joined, hold a secret, it becomes null. A
thinking block is signed over its text, so it is never rewritten: if anything in it would be masked it goes, whole.
"""

import re
from typing import Any

import orjson

from masking.edits import CLOSED
from masking.engine import Regex
from masking.scope import Scope
from masking.text import TextStream

# What is kept whole, at most; a long answer with twenty alternatives a token is 8 MB.
MAX_HELD = 16 << 20
_S = r"[ \t\r\n]{0,64}"
# The first member tells a thinking block: its type, its text or its signature.
_BLOCK = rf'\{{{_S}"(?:type"{_S}:{_S}"(?:redacted_)?thinking"|thinking"|signature")'
_PROBS = rf'"(?:logprobs|logprobsResult)"{_S}:{_S}[{{\[]'
HELD = f"{_BLOCK}|{_PROBS}"
_SEARCH = Regex(HELD)
_VALUE = re.compile(rb'"[^"]*"[ \t\r\n]*:[ \t\r\n]*')
_MARK = re.compile(rb'["{}\[\]]')


def find(norm: bytes, pos: int) -> int:
    """Where the next such thing begins; -1 when there is none."""
    return _SEARCH.find(norm, pos)[0]


def before(norm: bytes, at: int, low: int) -> int:
    """Where a block must end for what begins at `at` to be kept whole: before its comma, if it has one."""
    comma = low + len(norm[low:at].rstrip(b" \t\r\n")) - 1
    return comma if comma >= low and norm[comma] == 0x2C else at


def begins(norm: bytes, at: int) -> bool:
    return _SEARCH.end(norm, at) >= 0


def value_at(norm: bytes, at: int) -> int:
    """Where the value begins: behind the key, or right here."""
    found = _VALUE.match(norm, at)
    return found.end() if found else at


class Extent:
    """Where a container ends, looked for in pieces: offsets are from where its run began."""

    __slots__ = ("_depth", "at", "start")

    def __init__(self, start: int) -> None:
        self.start = self.at = start
        self._depth = 0

    def end(self, norm: bytes, base: int = 0) -> int:
        """The end of the container in norm, whose first byte is at offset `base`; -1 if it is not in sight."""
        at = self.at - base
        while (found := _MARK.search(norm, at)) is not None:
            mark, at = found.start(), found.end()
            char = norm[mark]
            if char == 0x22:
                at = norm.find(b'"', at) + 1
                if not at:
                    self.at = mark + base
                    return -1
            elif char in b"{[":
                self._depth += 1
            else:
                self._depth -= 1
                if self._depth <= 0:
                    self.at, self._depth = mark + base, self._depth + 1
                    return mark + 1 + base
        self.at = len(norm) + base
        return -1


def signed(raw: bytes) -> bool:
    """Is this object a thinking block with its signature?"""
    try:
        block = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return True
    if not isinstance(block, dict) or block.get("type") not in ("thinking", "redacted_thinking"):
        return False
    return isinstance(block.get("signature"), str) or isinstance(block.get("data"), str)


def tells(raw: bytes, scope: Scope) -> bool:
    """Do these log probabilities tell a secret? What cannot be read does."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return True
    # A sink of its own: the text itself is counted where it stands.
    for tokens in _rows(value):
        stream = TextStream(scope.scanner, scope.where, scope.aside().sink)
        if stream.push("".join(tokens).encode("utf-8", "surrogatepass"), CLOSED):
            return True
    return False


def _rows(value: Any) -> list[list[str]]:
    """The texts that lists of tokens add up to, wherever they are."""
    found: list[list[str]] = []
    if isinstance(value, list):
        tokens = [item["token"] for item in value if isinstance(item, dict) and isinstance(item.get("token"), str)]
        plain = [item for item in value if isinstance(item, str)]
        found += [tokens] * bool(tokens) + [plain] * bool(plain)
        inner: list[Any] = value
    else:
        inner = list(value.values()) if isinstance(value, dict) else []
    for item in inner:
        if isinstance(item, list | dict):
            found += _rows(item)
    return found
