"""Tree heads of RFC 6962 §2.1, written from its definition. Pure.

MTH({})     = SHA-256()
MTH({d})    = SHA-256(0x00 ‖ d)
MTH(D[n])   = SHA-256(0x01 ‖ MTH(D[0:k]) ‖ MTH(D[k:n])), k the largest power of two smaller than n
"""

from collections.abc import Sequence
from hashlib import sha256

EMPTY = sha256(b"").digest()
HASH = 32  # bytes


def leaf(body: bytes) -> bytes:
    return sha256(b"\x00" + body).digest()


def node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def perfect(hashes: bytes) -> bytes:
    """The head over a power of two of hashes, one after the other, level by level."""
    while len(hashes) > HASH:
        pairs = range(0, len(hashes), 2 * HASH)
        hashes = b"".join([sha256(b"\x01" + hashes[at : at + 2 * HASH]).digest() for at in pairs])
    return hashes


def head(hashes: Sequence[bytes]) -> bytes:
    """The tree head over leaf hashes."""
    growing = Growing()
    for item in hashes:
        growing.add(item)
    return growing.head()


class Growing:
    """A tree that is asked for its head now and then: perfect subtrees by height, like a binary counter. What is added
    may itself be the head of a perfect subtree, if all of them are of one size."""

    def __init__(self) -> None:
        self.size = 0
        self._heights: list[bytes | None] = []

    def add(self, item: bytes) -> None:
        height = 0
        for kept in self._heights:
            if kept is None:
                break
            item = node(kept, item)
            self._heights[height] = None
            height += 1
        if height == len(self._heights):
            self._heights.append(item)
        else:
            self._heights[height] = item
        self.size += 1

    def head(self, right: bytes | None = None) -> bytes:
        """`right`: the head of what comes after it and is smaller than anything that was added."""
        found = right
        for kept in self._heights:
            if kept is not None:
                found = kept if found is None else node(kept, found)
        return EMPTY if found is None else found
