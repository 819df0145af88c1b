import os
from pathlib import Path

import pytest

from runtime.fileio import atomic_symlink, atomic_write, exclusive, private_dir


def test_files_are_private_and_replaced_whole(tmp_path: Path) -> None:
    path = private_dir(tmp_path / "a" / "b") / "key"
    atomic_write(path, b"one")
    atomic_write(path, b"two")
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [p.name for p in path.parent.iterdir()] == ["key"]


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        atomic_write(tmp_path / "x", "text")  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_a_link_moves_in_one_step(tmp_path: Path) -> None:
    for target in ("one", "two"):
        atomic_symlink(tmp_path / "current", target)
        assert (tmp_path / "current").readlink() == Path(target)


def test_a_locked_file_is_one_process_own_until_it_lets_go(tmp_path: Path) -> None:
    handle = exclusive(tmp_path / "lock")
    with pytest.raises(BlockingIOError):
        exclusive(tmp_path / "lock")
    os.close(handle)
    os.close(exclusive(tmp_path / "lock"))
    assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o600
