"""Each writer's hash chain. Pure.

`hash = sha256(body)` and the body holds `prev`, the hash before it, so the chain is inside of what is signed.
Sequences start at 1, have no gaps, and go on over restarts; each start opens a new epoch whose first event names the
head of the epoch before it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from audit.write.event import Value, encoded

VERSION = 1
GENESIS = bytes(32)  # what the first event of a writer has before it


@dataclass(frozen=True, slots=True)
class Head:
    """Where a writer's chain stands: the last sequence number and its hash."""

    writer: str
    gateway: str
    epoch: int = 0
    seq: int = 0
    hash: bytes = GENESIS


def extend(head: Head, fields: Mapping[str, Value]) -> tuple[Head, bytes]:
    """The head after one more event, and that event's body. `fields`: what `event.compose` made."""
    seq = head.seq + 1
    body = encoded(
        {
            **fields,
            "v": VERSION,
            "gateway": head.gateway,
            "writer": head.writer,
            "epoch": head.epoch,
            "seq": seq,
            "prev": head.hash.hex(),
        }
    )
    return replace(head, seq=seq, hash=hashlib.sha256(body).digest()), body
