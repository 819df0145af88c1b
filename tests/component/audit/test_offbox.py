"""Checkpoints kept elsewhere: directory and S3 (a double that checks signatures), as boxes and end to end."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from audit.log.boxes import BoxAway, BoxConflict
from audit.log.note import Signer
from audit.log.offbox import DirectoryBox, Keeper, S3Box, boxes, kept_notes, key_of
from audit.log.s3 import Credentials
from runtime.clock import SystemClock
from runtime.settings import CheckpointTarget, Settings
from tests.kit import s3
from tests.kit import store as store_kit
from tests.kit.live_log import LiveLog
from tests.kit.serving import free_port, http
from tests.kit.store import RunningStore

KEY = key_of("gateway.test", 7)


@pytest.fixture
def bucket() -> Iterator[tuple[s3.Bucket, str]]:
    made, port = s3.Bucket(), free_port()
    with http(made.app(), port):
        yield made, f"http://127.0.0.1:{port}"


def target(folder: Path, endpoint: str, **more: Any) -> CheckpointTarget:
    (folder / "access").write_text(s3.ACCESS + "\n")
    (folder / "secret").write_text(s3.SECRET + "\n")
    values: dict[str, Any] = {"kind": "s3", "endpoint": endpoint, "region": s3.REGION, "bucket": "evidence"}
    values |= {"access_key_file": folder / "access", "secret_key_file": folder / "secret"}
    return CheckpointTarget.model_validate(values | more)


def s3_box(folder: Path, endpoint: str, **more: Any) -> S3Box:
    settings = Settings(checkpoint_targets=[target(folder, endpoint, **more)])
    ((_, box),) = boxes(settings, SystemClock())
    assert isinstance(box, S3Box)
    return box


def test_a_directory_keeps_the_first_and_never_another(tmp_path: Path):
    box = DirectoryBox(tmp_path)
    box.put(KEY, b"note")
    box.put(KEY, b"note")
    with pytest.raises(BoxConflict):
        box.put(KEY, b"other")
    assert [note for _, note in box.all("gateway.test")] == [b"note"]
    assert (tmp_path / KEY).stat().st_mode & 0o777 == 0o444
    assert [path.name for path in (tmp_path / "gateway.test").iterdir()] == [f"{7:020d}"]


def test_a_mount_that_is_not_there_is_not_made(tmp_path: Path):
    box = DirectoryBox(tmp_path / "mount")
    with pytest.raises(BoxAway, match="mounted"):
        box.put(KEY, b"note")
    assert not (tmp_path / "mount").exists()


def test_s3_keeps_it_under_lock(tmp_path: Path, bucket: tuple[s3.Bucket, str]):
    made, endpoint = bucket
    box = s3_box(tmp_path, endpoint, retain_days=30)
    box.put(KEY, b"note")
    box.put(KEY, b"note")
    (version,) = made.versions
    assert (version.key, version.body, version.mode) == (f"checkpoints/{KEY}", b"note", "COMPLIANCE")
    assert version.until > "2026"
    with pytest.raises(BoxConflict):
        box.put(KEY, b"other")
    assert [note for _, note in box.all("gateway.test")] == [b"note"]


def test_s3_shows_what_somebody_wrote_over(tmp_path: Path, bucket: tuple[s3.Bucket, str]):
    made, endpoint = bucket
    made.conditional, made.page = False, 1
    box = s3_box(tmp_path, endpoint)
    for note in (b"true", b"forged", b"again"):
        box.put(KEY, note)
    assert [note for _, note in box.all("gateway.test")] == [b"true", b"forged", b"again"]


@pytest.mark.parametrize(
    ("change", "says"),
    [({"region": "mars-1"}, "AccessDenied"), ({"bucket": "other"}, "NoSuchBucket")],
)
def test_s3_says_no(tmp_path: Path, bucket: tuple[s3.Bucket, str], change: dict[str, str], says: str):
    with pytest.raises(BoxAway, match=says):
        s3_box(tmp_path, bucket[1], **change).put(KEY, b"note")


def test_s3_with_a_wrong_secret(tmp_path: Path, bucket: tuple[s3.Bucket, str]):
    asked = target(tmp_path, bucket[1])
    with httpx.Client(trust_env=False) as client:
        box = S3Box(asked, Credentials(s3.ACCESS, "wrong", s3.REGION), SystemClock(), client)
        with pytest.raises(BoxAway, match="SignatureDoesNotMatch"):
            box.put(KEY, b"note")
    gone = s3_box(tmp_path, f"http://127.0.0.1:{free_port()}")
    with pytest.raises(BoxAway, match="does not answer"):
        gone.put(KEY, b"note")


def test_trouble_is_told_once_and_so_is_its_end(tmp_path: Path, bucket: tuple[s3.Bucket, str]):
    made, endpoint = bucket
    newest = [(7, b"seven")]
    keeper = Keeper(s3_box(tmp_path, endpoint), "gateway.test", lambda: newest[-1])
    made.fail = 500
    assert [type_ for type_, _ in keeper.step()] == ["log.checkpoint_target_away"]
    assert keeper.step() == []
    made.fail = 0
    assert [type_ for type_, _ in keeper.step()] == ["log.checkpoint_target_back"]
    asked = len(made.asked)
    assert keeper.step() == []
    assert len(made.asked) == asked, "nothing new, nothing sent"
    newest.append((7, b"another seven"))
    keeper = Keeper(s3_box(tmp_path, endpoint), "gateway.test", lambda: newest[-1])
    assert [type_ for type_, _ in keeper.step()] == ["log.checkpoint_target_conflict"]


def test_what_cannot_be_read_is_said(tmp_path: Path):
    missing = CheckpointTarget(kind="directory", path=tmp_path / "none")
    silent = kept_notes(Settings(checkpoint_targets=[missing]), SystemClock()).silent
    assert len(silent) == 1


# end to end: the shipper's process, the store, `exeat audit verify`


@pytest.fixture
def house(tmp_path: Path) -> Iterator[tuple[LiveLog, Path, Path]]:
    """A shipper that keeps its checkpoints in another folder; the settings file for commands."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with store_kit.running(tmp_path / "state") as store:
        config = tmp_path / "exeat.toml"
        config.write_text(
            f'[gateway]\nstate_dir = "{store.folder}"\nrun_dir = "{store.run}"\n'
            f'[clickhouse]\nurl = "{store.url}"\n'
            f'[[checkpoint_targets]]\nkind = "directory"\npath = "{elsewhere}"\nevery_seconds = 1\n'
        )
        live = LiveLog(store)
        start(live, config)
        try:
            yield live, config, elsewhere
        finally:
            if live.process is not None and live.process.poll() is None:
                live.kill()


def start(live: LiveLog, config: Path) -> None:
    env = {"PATH": os.defpath, "EXEAT_CONFIG": str(config)}
    with (live.store.folder / "ship.log").open("ab") as log:
        live.process = subprocess.Popen([sys.executable, "-m", "audit.ship"], env=env, stdout=log, stderr=log)


def exeat(config: Path, *arguments: str, code: int = 0) -> Any:
    command = [sys.executable, "-m", "console.cli", "-c", str(config), "audit", *arguments, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout)


def kept(elsewhere: Path) -> list[int]:
    return sorted(int(path.name) for path in elsewhere.rglob("0*"))


def until_kept(elsewhere: Path, size: int) -> None:
    deadline = time.monotonic() + 30
    while not any(found >= size for found in kept(elsewhere)):
        assert time.monotonic() < deadline, kept(elsewhere)
        time.sleep(0.05)


def wipe(store: RunningStore) -> None:
    """All that the gateway's machine holds of the record and its log, but not the signing key."""
    for path in [*(store.folder / "spool").glob("*"), *(store.folder / "log").glob("cursor.db*")]:
        path.unlink()
    subprocess.run(["rm", "-rf", str(store.folder / "log"), str(store.folder / "store")], check=True)


def test_a_history_signed_anew_shows_against_what_is_kept_elsewhere(house: tuple[LiveLog, Path, Path]):
    """Who has the machine, and the key: a writer deleted whole from everywhere, and all signed again."""
    live, config, elsewhere = house
    live.record(40, "authz-0")
    live.record(40, "extproc-0")
    live.until(82)
    until_kept(elsewhere, 82)
    assert live.stop() == 0
    report = exeat(config, "verify")
    assert report["ok"]
    assert not any("insider" in note for note in report["notes"]), "there is a witness now"
    live.store.stop()
    wipe(live.store)
    live.store.start()
    live.record(120, "authz-0")
    start(live, config)
    live.until(120)
    assert live.stop() == 0
    report = exeat(config, "verify", code=1)
    assert {found["flaw"] for found in report["findings"]} == {"rolled back"}
    assert "elsewhere" in report["findings"][0]["message"]


def test_a_log_put_back_to_an_earlier_state_is_named(house: tuple[LiveLog, Path, Path]):
    live, config, elsewhere = house
    live.record(200, "authz-0")
    live.until(202)
    until_kept(elsewhere, 202)
    assert live.stop() == 0
    live.store.stop()
    wipe(live.store)
    live.store.start()
    live.record(5, "authz-0")
    start(live, config)
    live.until(6)
    assert live.stop() == 0
    findings = exeat(config, "verify", code=1)["findings"]
    assert {found["flaw"] for found in findings} == {"rolled back"}


def test_the_key_is_changed_and_every_checkpoint_still_verifies(house: tuple[LiveLog, Path, Path]):
    live, config, elsewhere = house
    live.record(20, "authz-0")
    live.until(22)
    until_kept(elsewhere, 22)
    old = live.vkey.strip()
    said = exeat(config, "rotate-key")
    assert said["done"]
    assert live.vkey.split() == [said["vkey"], old]
    live.record(20, "authz-0")
    live.until(44)
    assert live.stop() == 0
    report = exeat(config, "verify")
    assert report["ok"], report
    assert any("key was changed" in note for note in report["notes"])
    rotated = live.ask("SELECT log_index FROM audit.events WHERE type = 'log.key_rotated'")[0][0]
    notes = [
        str(row[1]) for row in live.ask("SELECT size, note FROM audit.checkpoints ORDER BY size") if row[0] > rotated
    ]
    assert notes[0].count("\u2014 exeat ") == 2, "both keys signed over the change"
    assert notes[-1].count("\u2014 exeat ") == 1
    private = (live.store.folder / "keys" / "log.ed25519").read_text()
    assert private.split("+")[3] == said["vkey"].split("+")[1]
    assert not (live.store.folder / "keys" / "log.next.ed25519").exists()
    _the_old_key_alone_leads_to_the_new_one(live, config, old)


def _the_old_key_alone_leads_to_the_new_one(live: LiveLog, config: Path, old: str) -> None:
    """For who has only the key of an earlier visit: from tiles, from ClickHouse, and offline, also with a witness."""
    key, folder = live.store.folder / "old.vkey", live.store.folder / "package"
    key.write_text(old)
    checkpoint = live.tiles / "checkpoint"
    report = exeat(config, "verify", "--vkey", str(key), "--witness", str(checkpoint))
    assert report["ok"], report
    exeat(config, "export", str(folder), "--agent", "agent")
    for what, where in (("tiles", live.tiles), ("package", folder)):
        alone = [sys.executable, "-m", "audit.verify", what, str(where), "--vkey", str(key), "--json"]
        done = subprocess.run([*alone, "--witness", str(checkpoint)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert any("is not one that was given" in note for note in json.loads(done.stdout)["notes"])
    key.write_text(Signer.generate("exeat").vkey())
    stranger = [sys.executable, "-m", "audit.verify", "tiles", str(live.tiles), "--vkey", str(key)]
    assert subprocess.run(stranger, capture_output=True, check=False).returncode == 1, "a key that never signed"
