"""The Merkle tree of RFC 6962 §2.1, grown leaf by leaf. Pure.

Only the right edge is kept: the roots of the perfect subtrees that the binary digits of `size` name, largest first.
"""

import hashlib
from collections.abc import Iterable

HASH_BYTES = 32
TILE_HEIGHT = 8  # a tile spans 8 levels of the tree: 256 hashes (C2SP tlog-tiles)


def leaf_hash(body: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + body).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    def __init__(self, size: int = 0, edge: Iterable[bytes] = ()) -> None:
        """`size` and `edge` of a tree that was kept; ValueError if they cannot belong together."""
        self.size = size
        self._edge = list(edge)
        if len(self._edge) != size.bit_count() or any(len(node) != HASH_BYTES for node in self._edge):
            raise ValueError("the edge does not belong to a tree of this size")

    @property
    def edge(self) -> tuple[bytes, ...]:
        return tuple(self._edge)

    def append(self, leaf: bytes) -> list[bytes]:
        """Adds a leaf hash. Returns the hashes that became tile entries: one for level 0, and one more for each
        higher tile level whose next entry this leaf completed."""
        done = [leaf]
        node, rest, height = leaf, self.size, 0
        while rest & 1:
            node = node_hash(self._edge.pop(), node)
            rest >>= 1
            height += 1
            if height % TILE_HEIGHT == 0:
                done.append(node)
        self._edge.append(node)
        self.size += 1
        return done

    def root(self) -> bytes:
        if not self._edge:
            return hashlib.sha256(b"").digest()
        node = self._edge[-1]
        for left in reversed(self._edge[:-1]):
            node = node_hash(left, node)
        return node
