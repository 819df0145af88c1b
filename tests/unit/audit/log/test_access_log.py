import hashlib
from pathlib import Path

import pytest

from audit.log.access_log import LogRotation, removed
from runtime.clock import SystemClock


@pytest.fixture
def rotation(tmp_path: Path) -> LogRotation:
    return LogRotation(tmp_path, 10, 2, SystemClock())


def test_a_log_goes_aside_with_its_hash_once_envoy_has_a_new_one(rotation: LogRotation, tmp_path: Path):
    assert not rotation.due(), "there is no log yet"
    log = tmp_path / "access.log"
    log.write_bytes(b"short")
    assert not rotation.due()
    log.write_bytes(b"long enough")
    assert rotation.due()
    assert rotation.closed() is None, "Envoy may still write to it"
    assert rotation.due(), "Envoy must be told again: perhaps nobody did"
    log.write_bytes(b"")
    assert not rotation.due()
    draft = rotation.closed()
    assert draft is not None
    assert (draft.data["bytes"], draft.data["sha256"]) == (11, hashlib.sha256(b"long enough").hexdigest())
    rotation.name(draft)
    assert (tmp_path / str(draft.data["file"])).read_bytes() == b"long enough"
    assert rotation.closed() is None


def test_never_means_never(tmp_path: Path):
    (tmp_path / "access.log").write_bytes(b"long enough")
    assert not LogRotation(tmp_path, 0, 2, SystemClock()).due()


def test_two_in_one_second_have_two_names(rotation: LogRotation, tmp_path: Path):
    names = set()
    for content in (b"first of them", b"second of them", b"third of them"):
        (tmp_path / "access.log").write_bytes(content)
        assert rotation.due()
        (tmp_path / "access.log").write_bytes(b"")
        draft = rotation.closed()
        assert draft is not None
        rotation.name(draft)
        names.add(draft.data["file"])
    assert len(names) == 3


def test_only_the_oldest_go(rotation: LogRotation, tmp_path: Path):
    for stamp in ("20261101T000000Z", "20261103T000000Z", "20261102T000000Z"):
        (tmp_path / f"access.log-{stamp}").touch()
    assert [file.name for file in rotation.surplus()] == ["access.log-20261101T000000Z"]
    assert removed(rotation.surplus()[0]).data == {"file": "access.log-20261101T000000Z"}
    assert LogRotation(tmp_path, 10, 0, SystemClock()).surplus() == []
