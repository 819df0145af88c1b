import stat
from pathlib import Path

import pytest

from audit.log.keys import LogKeyUnusable, log_signer


def test_makes_a_key_once_and_publishes_its_other_half(tmp_path: Path):
    first = log_signer(tmp_path, "exeat")
    assert log_signer(tmp_path, "exeat").vkey() == first.vkey()
    assert stat.S_IMODE((tmp_path / "keys/log.ed25519").stat().st_mode) == 0o600
    assert (tmp_path / "keys/log.vkey").read_text().strip() == first.vkey()


def test_refuses_a_broken_key_and_one_of_another_gateway(tmp_path: Path):
    log_signer(tmp_path, "exeat")
    with pytest.raises(LogKeyUnusable, match=r"gateway\.id was changed"):
        log_signer(tmp_path, "other")
    (tmp_path / "keys/log.ed25519").write_text("PRIVATE+KEY+exeat+00000000+AAAA\n")
    with pytest.raises(LogKeyUnusable):
        log_signer(tmp_path, "exeat")
