import stat
from pathlib import Path

import pytest

from audit.log.keys import (
    LogKeyUnusable,
    begin_change,
    changing,
    end_change,
    log_signer,
    log_signers,
    public_keys,
)
from audit.log.note import Signer


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


def test_a_change_ends_with_the_new_key_and_keeps_the_old_public_one(tmp_path: Path):
    old = log_signer(tmp_path, "exeat")
    new = begin_change(tmp_path, "exeat")
    assert begin_change(tmp_path, "exeat").vkey() == new.vkey(), "begun once"
    assert [signer.vkey() for signer in log_signers(tmp_path, "exeat")] == [old.vkey(), new.vkey()]
    assert changing(tmp_path)
    assert end_change(tmp_path, "exeat").vkey() == new.vkey()
    assert not changing(tmp_path)
    assert public_keys(tmp_path) == [new.vkey(), old.vkey()]
    assert [signer.vkey() for signer in log_signers(tmp_path, "exeat")] == [new.vkey()]
    assert old.private() not in "".join(path.read_text() for path in (tmp_path / "keys").iterdir())


def test_a_crash_before_the_last_step_repeats_it(tmp_path: Path):
    log_signer(tmp_path, "exeat")
    new = begin_change(tmp_path, "exeat")
    public = tmp_path / "keys" / "log.vkey"
    public.write_text(f"{new.vkey()}\n{public.read_text()}")  # as far as end_change came
    assert end_change(tmp_path, "exeat").vkey() == new.vkey()
    assert len(public_keys(tmp_path)) == 2


def test_a_next_key_of_another_log_is_refused(tmp_path: Path):
    log_signer(tmp_path, "exeat")
    (tmp_path / "keys" / "log.next.ed25519").write_text(Signer.generate("other").private())
    with pytest.raises(LogKeyUnusable):
        log_signers(tmp_path, "exeat")
