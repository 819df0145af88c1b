"""Content masked anew by the rules of today: which frames change, and how. Pure but for the masker that it is given.

A value may lie over several frames, so the frames of one body pass one masking stream in their order; what the stream
holds back comes out with a later frame. Times and places of frames never change.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from audit.write import Value
from masking import Masker
from masking.errors import Uninspectable

SALT_BYTES = 16
FRAMES_PER_EVENT = 120  # about 290 bytes each: well within an event's 60,000
Salt = Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Changed:
    """`row`: the frame as it is stored, by column name."""

    row: Mapping[str, Any]
    salt: bytes
    content: bytes

    @property
    def digest(self) -> bytes:
        return hashlib.sha256(self.salt + self.content).digest()

    def told(self) -> dict[str, Value]:
        """What the event says of it: both hashes are salted, so neither tells the content."""
        place: dict[str, Value] = {
            "writer": str(self.row["writer"]),
            "seq": int(self.row["seq"]),
            "ordinal": int(self.row["ordinal"]),
        }
        return {**place, "h": self.digest.hex(), "n": len(self.content), "was": bytes(self.row["sha256"]).hex()}


def changes(
    rows: Iterable[Mapping[str, Any]],
    masker: Callable[[str, str, str], Masker],
    salt: Salt = lambda: os.urandom(SALT_BYTES),
) -> Iterator[Changed]:
    """`rows` in the order of `body_of` and within it of time. `masker(connection, session, direction)`."""
    for _, group in groupby(rows, key=body_of):
        body = list(group)
        first = body[0]
        direction = "response" if first["direction"] == "response" else "request"
        made = masker(str(first["connection"]), str(first["session"]), direction)
        for row, content in zip(body, _masked(made, body), strict=True):
            if content != bytes(row["content"]):
                yield Changed(row, salt(), content)


def body_of(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Frames with the same key are one body, in pieces."""
    whole = (str(row["exchange"]), str(row["direction"]), str(row["media"]))
    alone = row["direction"] in ("input", "shown") or not row["exchange"]
    return (*whole, str(row["writer"]), str(row["seq"])) if alone else whole


def _masked(masker: Masker, body: list[Mapping[str, Any]]) -> list[bytes]:
    """As it was recorded; what cannot be read so any more (cut off, another rule's marks in it) as plain text."""
    pieces = [bytes(row["content"]) for row in body]
    try:
        return _streamed(masker, str(body[0]["media"]), pieces)
    except Uninspectable:
        return _streamed(masker, "text/plain", pieces)


def _streamed(masker: Masker, media: str, pieces: list[bytes]) -> list[bytes]:
    stream = masker.stream(media)
    out = [stream.feed(piece) for piece in pieces]
    out[-1] += stream.finish()
    return out
