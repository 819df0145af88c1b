"""Which secrets are open to others."""

import os
from pathlib import Path

import pytest

from console.doctor.ask import _open


@pytest.mark.parametrize(("mode", "found"), [(0o600, False), (0o400, False), (0o640, True), (0o604, True)])
def test_ours(tmp_path: Path, mode: int, found: bool) -> None:
    file = tmp_path / "key"
    file.write_text("x")
    file.chmod(mode)
    assert _open(file) is found


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
@pytest.mark.parametrize(("mode", "found"), [(0o440, False), (0o460, True), (0o444, True)])
def test_handed_to_our_group(tmp_path: Path, mode: int, found: bool) -> None:
    file = tmp_path / "key"
    file.write_text("x")
    os.chown(file, 12345, -1)
    file.chmod(mode)
    assert _open(file) is found
