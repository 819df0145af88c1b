"""What an agent sends again each turn is recorded once: a request names the frames that it shares with the one before.

A conversation grows at its end, and SDKs send all of it each time. So a JSON body is cut at the items of its message
list, one frame each, and a request whose first and last frames were recorded before in the same session holds only
those in between, with `{base, prefix, suffix}`: an exchange, and how many frames of its (whole) list come first and
last. Pure. Only hashes are kept, of what is durable, and the oldest go first.
"""

import hashlib
import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

LISTS = (b'"messages"', b'"input"', b'"contents"')  # Anthropic and OpenAI Chat, OpenAI Responses, Gemini
LEAST_BYTES = 1024  # a shorter body costs less than what would be said about it
DEPTH = 50  # turns until all of it is recorded again: whoever reads one turn reads this many at most
AGE_US = 3_600_000_000  # likewise after an hour, so that a base is never much older than what needs it
MOST_FRAMES = 200_000  # remembered at once, about 10 MB
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{},]', re.DOTALL)

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shared:
    """`prefix` and `suffix`: frames of the exchange `base`."""

    base: str
    prefix: int
    suffix: int
    depth: int
    rooted_us: int


@dataclass(frozen=True, slots=True)
class _Known:
    exchange: str
    hashes: tuple[bytes, ...]
    depth: int
    rooted_us: int  # when all of it was recorded


class Resent:
    def __init__(self, most: int = MOST_FRAMES) -> None:
        self._most, self._size = most, 0
        self._known: OrderedDict[Key, _Known] = OrderedDict()

    def shared(self, key: Key, frames: Sequence[bytes], now_us: int) -> Shared | None:
        """What of `frames` the last request under `key` has, if it is worth saying."""
        known = self._known.get(key)
        if known is None or known.depth >= DEPTH or not 0 <= now_us - known.rooted_us <= AGE_US:
            return None
        hashes, most = hashes_of(frames), min(len(frames), len(known.hashes))
        prefix = next((at for at in range(most) if hashes[at] != known.hashes[at]), most)
        suffix = next((at for at in range(most - prefix) if hashes[-1 - at] != known.hashes[-1 - at]), most - prefix)
        saved = sum(map(len, frames[:prefix])) + sum(map(len, frames[len(frames) - suffix :]))
        if saved < LEAST_BYTES:
            return None
        return Shared(known.exchange, prefix, suffix, known.depth + 1, known.rooted_us)

    def keep(self, key: Key, exchange: str, frames: Sequence[bytes], shared: Shared | None, now_us: int) -> None:
        """`frames`: all of a request that is durable now."""
        depth, rooted = (shared.depth, shared.rooted_us) if shared else (0, now_us)
        before = self._known.pop(key, None)
        self._known[key] = _Known(exchange, hashes_of(frames), depth, rooted)
        self._size += len(frames) - (len(before.hashes) if before else 0)
        while self._size > self._most and len(self._known) > 1:
            self._size -= len(self._known.popitem(last=False)[1].hashes)


def hashes_of(frames: Sequence[bytes]) -> tuple[bytes, ...]:
    return tuple(hashlib.sha256(frame).digest() for frame in frames)


def pieces(media: str, body: bytes) -> list[bytes]:
    """`body` cut before each item of its message list and after the last; joined they are the body again."""
    if "json" not in media or len(body) < LEAST_BYTES:
        return [body]
    cuts = _cuts(body)
    return [body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True) if end > start]


def _cuts(body: bytes) -> list[int]:
    """Offsets of the items of the first list that the top object has under one of LISTS, and of its end."""
    depth, inside, name = 0, 0, b""
    cuts: list[int] = []
    for token in _TOKEN.finditer(body):
        text = token[0]
        if text in b"[{":
            depth += 1
            if text == b"[" and depth == 2 and name in LISTS:
                inside = depth
                cuts.append(token.end())
        elif text in b"]}":
            if inside and depth == inside:
                return [*cuts, token.start()]
            depth -= 1
        elif text == b",":
            name = b"" if depth == 1 else name
            if inside and depth == inside:
                cuts.append(token.start())
        elif depth == 1 and not name:
            name = text  # a key: values of the top object that are strings come after their key
    return []
