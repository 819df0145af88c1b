"""Consistency proofs of RFC 6962 §2.1.2 out of the published tiles: that a log of `new` entries begins with `old`."""

from audit.log.tiles import WIDTH, TileReader
from audit.log.tree import HASH_BYTES, TILE_HEIGHT, node_hash


def consistency(tiles: TileReader, old: int, new: int) -> list[bytes]:
    """At most 63 hashes; none from nothing, and none to itself. `new`: entries under a published checkpoint.

    FileNotFoundError, ValueError if the tiles are not whole.
    """
    return _subproof(_Subtrees(tiles, new), old, 0, new, whole=True) if 0 < old < new else []


def _subproof(trees: "_Subtrees", old: int, start: int, end: int, *, whole: bool) -> list[bytes]:
    """SUBPROOF(old, D[start:end], whole) of the RFC; `old` counts from `start`."""
    if old == end - start:
        return [] if whole else [trees.head(start, end)]
    split = start + _below(end - start)
    if old <= split - start:
        return [*_subproof(trees, old, start, split, whole=whole), trees.head(split, end)]
    return [*_subproof(trees, old - (split - start), split, end, whole=False), trees.head(start, split)]


class _Subtrees:
    """Heads of ranges as the tree is divided, read from the tiles of a log of `size` entries."""

    def __init__(self, tiles: TileReader, size: int) -> None:
        self._tiles, self._size = tiles, size

    def head(self, start: int, end: int) -> bytes:
        count = end - start
        if count.bit_count() == 1:
            return self._perfect(start, count)
        split = start + _below(count)
        return node_hash(self.head(start, split), self.head(split, end))

    def _perfect(self, start: int, count: int) -> bytes:
        """Of a power of two of leaves: a few neighbours in one tile of the level below its top."""
        level, height = divmod(count.bit_length() - 1, TILE_HEIGHT)
        index, offset = divmod(start >> (TILE_HEIGHT * level), WIDTH)
        width = min(WIDTH, (self._size >> (TILE_HEIGHT * level)) - index * WIDTH)
        tile = self._tiles.read(level, index, width)
        first, last = offset * HASH_BYTES, (offset + (1 << height)) * HASH_BYTES
        hashes = [tile[at : at + HASH_BYTES] for at in range(first, last, HASH_BYTES)]
        if len(tile) < last:
            raise ValueError("a tile is cut off")
        while len(hashes) > 1:
            hashes = [node_hash(hashes[at], hashes[at + 1]) for at in range(0, len(hashes), 2)]
        return hashes[0]


def _below(count: int) -> int:
    """The largest power of two smaller than `count`."""
    return 1 << (count - 1).bit_length() - 1
