"""One key file for all processes."""

from pathlib import Path

import pytest

from masking.errors import BadKeys
from masking.keys import Keys
from runtime.settings import Settings
from snapshot.masking_keys import NoMaskingKeys, _make, masking_keys


def settings(state: Path, key_file: Path | None = None) -> Settings:
    return Settings.model_validate({"gateway": {"state_dir": state}, "masking": {"key_file": key_file}})


def test_the_first_start_makes_them_and_the_next_reads_them(tmp_path: Path) -> None:
    first = masking_keys(settings(tmp_path))
    assert masking_keys(settings(tmp_path)) == first
    assert (tmp_path / "keys" / "masking").stat().st_mode & 0o777 == 0o600


def test_who_comes_second_changes_nothing(tmp_path: Path) -> None:
    first = masking_keys(settings(tmp_path))
    _make(tmp_path / "keys" / "masking")
    assert masking_keys(settings(tmp_path)) == first
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["masking"]


def test_a_named_file_is_never_made(tmp_path: Path) -> None:
    with pytest.raises(NoMaskingKeys):
        masking_keys(settings(tmp_path, tmp_path / "there"))
    (tmp_path / "there").write_bytes(Keys.generate().dump())
    masking_keys(settings(tmp_path, tmp_path / "there"))


def test_a_broken_file_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "masking").write_bytes(b"short")
    with pytest.raises(BadKeys):
        masking_keys(settings(tmp_path))
