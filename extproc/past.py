"""What each identity sent last on each connection and path, so that an approver sees what is new. Pure.

Masked bodies alone, of this process alone, and bounded: the least recently used go first. The record has them all; this
is an aid for people, and says so where it knows nothing.
"""

import difflib
import json
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, field

from approvals.view import Previous

MOST_BYTES = 32 << 20  # of all bodies
MOST_BODY = 128 << 10  # a larger one is remembered by its digest
MOST_LINES = 2000  # difflib takes some 20 ms for as many
MOST_DIFFERENCE = 32 << 10  # characters
ENTRY_BYTES = 400  # about what an entry costs beside its body
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sent:
    """`body` is masked; None if it was too large to remember or could not be read."""

    exchange: str
    at_us: int
    digest: str  # of the received bytes
    body: bytes | None = field(repr=False)

    @property
    def cost(self) -> int:
        return ENTRY_BYTES + len(self.body or b"")


class Past:
    def __init__(self, most: int = MOST_BYTES) -> None:
        self._most, self._size = most, 0
        self._sent: OrderedDict[Key, Sent] = OrderedDict()

    def remember(self, key: Key, sent: Sent) -> Sent | None:
        """From now on the last one under `key`; returns the one before it."""
        if sent.body is not None and len(sent.body) > MOST_BODY:
            sent = Sent(sent.exchange, sent.at_us, sent.digest, None)
        before = self._sent.pop(key, None)
        self._sent[key] = sent
        self._size += sent.cost - (before.cost if before else 0)
        while self._size > self._most:
            self._size -= self._sent.popitem(last=False)[1].cost
        return before


def compare(before: Sent | None, now: Sent) -> Previous | None:
    """What is new in `now`, line by line; JSON is laid out first."""
    if before is None:
        return None
    if before.digest == now.digest:
        return Previous(before.exchange, before.at_us, note="The bodies are the same.")
    if before.body is None or now.body is None or len(now.body) > MOST_BODY:
        return Previous(before.exchange, before.at_us, note="One of the bodies is too large to compare, or unreadable.")
    old, new = _lines(before.body), _lines(now.body)
    if len(old) > MOST_LINES or len(new) > MOST_LINES:
        return Previous(before.exchange, before.at_us, note="One of the bodies has too many lines to compare.")
    difference = "\n".join(difflib.unified_diff(old, new, "previous", "this", lineterm="", n=2))
    if len(difference) > MOST_DIFFERENCE:
        note = f"The difference is cut after {MOST_DIFFERENCE} characters."
        return Previous(before.exchange, before.at_us, difference[:MOST_DIFFERENCE], note)
    note = "" if difference else "The bodies differ only in what is masked, or in their layout."
    return Previous(before.exchange, before.at_us, difference, note)


def _lines(body: bytes) -> list[str]:
    text = body.decode("utf-8", "replace")
    with suppress(ValueError, RecursionError):
        text = json.dumps(json.loads(text), indent=1, ensure_ascii=False)
    return text.splitlines()
