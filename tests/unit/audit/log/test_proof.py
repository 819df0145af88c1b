"""Consistency proofs from real tiles, checked by the algorithm of RFC 9162 that a witness uses."""

from pathlib import Path

import pytest

from audit.log.proof import consistency
from audit.log.tiles import TileWriter
from audit.log.tree import Tree, leaf_hash
from tests.kit.witness import consistent


class Grown:
    """A published log of small entries, and its root at every size at which it was published."""

    def __init__(self, root: Path) -> None:
        self.tiles, self.tree, self.roots = TileWriter(root), Tree(), {0: Tree().root()}

    def to(self, size: int) -> None:
        before, levels = self.tree.size, list[list[bytes]]()
        bodies = [str(number).encode() for number in range(before, size)]
        for body in bodies:
            for level, completed in enumerate(self.tree.append(leaf_hash(body))):
                levels += [[] for _ in range(level == len(levels))]
                levels[level].append(completed)
        self.tiles.extend(before, bodies, levels)
        self.roots[size] = self.tree.root()

    def holds(self, old: int, new: int, root: bytes | None = None) -> bool:
        proof = consistency(self.tiles, old, new)
        assert len(proof) <= 63
        return consistent(proof, old, new, root or self.roots[old], self.roots[new])


def test_every_size_is_proved_to_begin_with_every_smaller_one(tmp_path: Path):
    grown = Grown(tmp_path)
    for size in range(1, 40):
        grown.to(size)
        assert all(grown.holds(old, size) for old in range(size + 1))
        assert not any(grown.holds(old, size, bytes(32)) for old in range(1, size))


@pytest.mark.parametrize("new", [256, 300, 512, 1000, 70_000])
def test_tiles_of_every_level_make_proofs(tmp_path: Path, new: int):
    grown, olds = Grown(tmp_path), [1, 37, 255, 256, 257, 511, 768, 999, 65_535, 65_536, 65_537, 69_999]
    for size in [*(old for old in olds if old < new), new]:
        grown.to(size)
    assert all(grown.holds(old, new) for old in grown.roots)
    assert not grown.holds(37, new, grown.roots[1])


def test_nothing_is_asked_of_tiles_where_nothing_is_to_prove(tmp_path: Path):
    grown = Grown(tmp_path)
    assert consistency(grown.tiles, 0, 9) == consistency(grown.tiles, 9, 9) == []
    with pytest.raises(FileNotFoundError):
        consistency(grown.tiles, 3, 9)
