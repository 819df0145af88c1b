"""Snapshots on disk: whole, immutable, and noticed when they are not."""

import stat
import tarfile
from pathlib import Path

import pytest

from snapshot import bundle, layout
from snapshot.repository import Repository

FILES = Repository({"data/numbers.yaml": b"one: 1", "exeat/a.rego": b"package exeat"})


def test_a_snapshot_is_written_once_and_read_back(tmp_path: Path) -> None:
    path = layout.write(tmp_path, FILES, "abc")
    assert path == layout.folder(tmp_path, FILES.digest)
    assert layout.read_source(path) == FILES
    assert bundle.read(path / "bundle").digest == FILES.digest
    before = (path / "manifest.json").stat().st_ino
    layout.write(tmp_path, FILES, "def")
    assert (path / "manifest.json").stat().st_ino == before
    assert [item.name for item in path.parent.iterdir()] == [path.name]


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    path = layout.write(tmp_path, FILES, "")
    for item in [path, *path.rglob("*")]:
        assert stat.S_IMODE(item.stat().st_mode) & 0o077 == 0, item


def test_current_moves(tmp_path: Path) -> None:
    with pytest.raises(layout.NoSnapshot):
        layout.current(tmp_path)
    other = Repository({"exeat/a.rego": b"package other"})
    for each in (FILES, other, FILES):
        layout.write(tmp_path, each, "")
        layout.move_current(tmp_path, each.digest)
        assert layout.current(tmp_path) == each.digest
        assert layout.read_source(tmp_path / "current").digest == each.digest


@pytest.mark.parametrize("name", ["source/exeat/a.rego", "manifest.json"])
def test_a_changed_or_missing_file_is_damage_and_written_again(tmp_path: Path, name: str) -> None:
    path = layout.write(tmp_path, FILES, "")
    for change in (lambda file: file.write_bytes(b"package changed"), Path.unlink):
        change(path / name)
        with pytest.raises(layout.SnapshotDamaged):
            layout.read_source(path)
        layout.write(tmp_path, FILES, "")
        assert layout.read_source(path) == FILES


def test_the_archive_for_an_opa_server_is_that_of_current(tmp_path: Path) -> None:
    other = Repository({"exeat/a.rego": b"package other"})
    archives = []
    for each in (FILES, other, FILES):
        layout.write(tmp_path, each, "")
        layout.move_current(tmp_path, each.digest)
        archives.append((tmp_path / "opa/bundle.tar.gz").read_bytes())
    assert archives[0] == archives[2] != archives[1]
    assert [item.name for item in (tmp_path / "opa").iterdir()] == ["bundle.tar.gz"]
    with tarfile.open(tmp_path / "opa/bundle.tar.gz") as tar:
        assert sorted(tar.getnames()) == [".manifest", "data.json", "exeat/a.rego"]
