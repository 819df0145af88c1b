from pathlib import Path

import pytest

from audit.log.tiles import TileReader, TileWriter, pack, tile_path, unpack
from audit.log.tree import Tree, leaf_hash
from audit.verify import verify_tiles
from tests.kit.signed_log import SIGNER, evidence, write_tiles


def test_paths_are_those_of_the_specification():
    assert tile_path(0, 1234067) == "tile/0/x001/x234/067"
    assert tile_path("entries", 5, 112) == "tile/entries/005.p/112"
    assert tile_path(1, 0) == "tile/1/000"
    assert tile_path(0, 1000) == "tile/0/x001/000"


def test_bundles_read_back_and_a_cut_off_one_is_refused():
    bodies = [b"", b"a", b"x" * 65535]
    assert unpack(pack(bodies)) == bodies
    for cut in (1, 3, 100):
        with pytest.raises(ValueError, match="cut off"):
            unpack(pack(bodies)[:-cut])


def grow(writer: TileWriter, tree: Tree, bodies: list[bytes]) -> None:
    levels: list[list[bytes]] = []
    size = tree.size
    for body in bodies:
        for level, completed in enumerate(tree.append(leaf_hash(body))):
            levels += [[] for _ in range(level == len(levels))]
            levels[level].append(completed)
    writer.extend(size, bodies, levels)


def test_a_tree_of_70000_has_the_tiles_of_the_specifications_example(tmp_path: Path):
    """273 full and one partial (112) at level 0, one full and one partial (17) at level 1, one partial (1) at 2."""
    writer, tree = TileWriter(tmp_path), Tree()
    for start in range(0, 70_000, 7_000):
        grow(writer, tree, [str(number).encode() for number in range(start, start + 7_000)])
    full = [path for path in (tmp_path / "tile" / "0").glob("*") if path.is_file()]
    assert len(full) == 273
    assert all(path.stat().st_size == 8192 for path in full)
    assert (tmp_path / "tile/0/273.p/112").stat().st_size == 112 * 32
    assert (tmp_path / "tile/1/000").stat().st_size == 8192
    assert (tmp_path / "tile/1/001.p/17").stat().st_size == 17 * 32
    assert (tmp_path / "tile/2/000.p/1").stat().st_size == 32
    assert not (tmp_path / "tile/0/000.p").exists()  # a partial tile goes when the full one is there
    assert TileReader(tmp_path).body(69_999) == b"69999"
    assert TileReader(tmp_path).body(255) == b"255"
    with pytest.raises(FileNotFoundError):
        TileReader(tmp_path).body(80_000)


def test_the_same_files_come_out_however_the_log_grew(tmp_path: Path):
    bodies = [str(number).encode() for number in range(600)]
    for name, step in (("one", 600), ("many", 7)):
        writer, tree = TileWriter(tmp_path / name), Tree()
        for start in range(0, 600, step):
            grow(writer, tree, bodies[start : start + step])
    for path in (tmp_path / "one").rglob("*"):
        if path.is_file():
            other = tmp_path / "many" / path.relative_to(tmp_path / "one")
            assert other.read_bytes() == path.read_bytes()


def test_writing_a_range_twice_changes_nothing(tmp_path: Path):
    """After a crash the same plan is published again, perhaps over tiles that were already completed."""
    writer, tree = TileWriter(tmp_path), Tree()
    grow(writer, tree, [b"x"] * 200)
    kept = Tree(tree.size, tree.edge)
    grow(writer, tree, [b"y"] * 200)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    grow(writer, kept, [b"y"] * 200)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_the_verifier_agrees(tmp_path: Path):
    made = evidence([index % 3 for index in range(700)])
    write_tiles(made, tmp_path, steps=9)
    report = verify_tiles(tmp_path, [SIGNER.vkey()])
    assert report.ok, report.lines()
    assert (report.events, report.confirmed_size) == (700, 700)
