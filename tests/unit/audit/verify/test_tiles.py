from dataclasses import replace
from pathlib import Path

import pytest

from audit.verify import CannotVerify, Flaw, Report, merkle, read_tiles, verify_tiles
from audit.verify.findings import Finding
from audit.verify.tiles import Published
from tests.kit.signed_log import SIGNER, evidence, keys, write_tiles

MADE = evidence([index % 3 for index in range(1000)])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_tiles(MADE, tmp_path, steps=3)
    return tmp_path


def verify(root: Path, **options) -> Report:
    return verify_tiles(root, [SIGNER.vkey()], **options)


def first(root: Path) -> Finding:
    return verify(root).findings[0]


def test_a_whole_log_is_confirmed(root: Path):
    report = verify(root, witnessed=[MADE.checkpoint(500)])
    assert report.ok, report.lines()
    assert (report.events, report.checkpoints, report.notes) == (1000, 2, [])
    log = read_tiles(root, keys(), Report("x"))
    assert log is not None
    assert log.body(999) == MADE.rows[999].body
    assert log.find(log.leaf(700)) == 700
    assert log.find(bytes(32)) is None


def test_every_head_on_the_way_is_known(root: Path):
    """Around full tiles, within them, of nothing and of all: as the writers' own tree has them."""
    sizes = (1, 255, 256, 257, 511, 512, 700, 999)
    report = verify(root, witnessed=[MADE.checkpoint(size) for size in sizes])
    assert (report.ok, report.checkpoints, report.confirmed_size) == (True, len(sizes) + 1, 1000)
    log = read_tiles(root, keys(), Report("x"))
    assert log is not None
    assert next(log.heads([0])) == merkle.EMPTY
    forked = replace(MADE.checkpoint(513), root=bytes(32), source="another")
    (found,) = verify(root, witnessed=[MADE.checkpoint(512), forked, MADE.checkpoint(700)]).findings
    assert (found.flaw, found.log_index) == (Flaw.ROLLED_BACK, 512)


class Counting(Published):
    asked = 0

    def leaf(self, index: int) -> bytes:
        self.asked += 1
        return super().leaf(index)


def test_dense_checkpoints_take_no_leaf_twice(root: Path):
    leaves = b"".join(merkle.leaf(row.body) for row in MADE.rows)
    log = Counting(root, MADE.checkpoint(), leaves)
    sizes = sorted({0, *range(5, 1001, 5), 255, 256, 257, 1000})
    assert list(log.heads(sizes)) == [MADE.checkpoint(size).root if size else merkle.EMPTY for size in sizes]
    assert log.asked <= len(MADE.rows)


def test_an_altered_entry_is_named(root: Path):
    path = root / "tile/entries/001"
    path.write_bytes(path.read_bytes().replace(b"exchange-300", b"exchange-999"))
    found = first(root)
    assert (found.flaw, found.log_index) == (Flaw.EDITED, 300)


def test_an_altered_leaf_is_named(root: Path):
    path = root / "tile/0/002"
    tile = bytearray(path.read_bytes())
    tile[5 * 32] ^= 1
    path.write_bytes(tile)
    found = first(root)
    assert (found.flaw, found.log_index) == (Flaw.EDITED, 2 * 256 + 5)


def test_leaf_and_entry_altered_together_do_not_pass(root: Path):
    path = root / "tile/entries/001"
    path.write_bytes(path.read_bytes().replace(b"exchange-300", b"exchange-999"))
    tile = root / "tile/0/001"
    content = bytearray(tile.read_bytes())
    content[44 * 32 : 45 * 32] = merkle.leaf(MADE.rows[300].body.replace(b"exchange-300", b"exchange-999"))
    tile.write_bytes(content)
    assert first(root).flaw is Flaw.ROLLED_BACK


def test_an_altered_upper_tile_is_named(root: Path):
    path = next((root / "tile/1/000.p").iterdir())
    path.write_bytes(bytes(32) + path.read_bytes()[32:])
    assert "tile 1/0" in first(root).message


def test_missing_files_are_named(root: Path):
    (root / "tile/entries/000").unlink()
    assert (first(root).flaw, first(root).log_index) == (Flaw.MISSING, 0)
    (root / "tile/0/001").unlink()
    assert "tile 0/1" in first(root).message


def test_an_old_checkpoint_is_caught_by_a_newer_one_from_elsewhere(root: Path):
    (root / "checkpoint").write_text(MADE.notes[900])
    write_tiles(evidence([index % 3 for index in range(900)]), root)
    assert verify(root).ok
    report = verify(root, witnessed=[MADE.checkpoint(1000)])
    assert [found.flaw for found in report.findings] == [Flaw.ROLLED_BACK]


def test_a_checkpoint_that_our_key_did_not_sign_is_forged(root: Path):
    (root / "checkpoint").write_text(MADE.notes[1000].replace("\n1000\n", "\n999\n"))
    assert first(root).flaw is Flaw.FORGED


def test_without_a_checkpoint_nothing_can_be_said(tmp_path: Path):
    with pytest.raises(CannotVerify):
        verify(tmp_path)
