"""`exeat audit verify|export`: spool, shipper and store are the real ones; then somebody changes things."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from audit.read import Read
from audit.store.client import auditor_client, writer_client
from audit.write import Caller, Draft, Frame, Kind, Spool
from console.cli import main
from console.recording import Recorder
from runtime.clock import SystemClock
from tests.kit.store import RunningStore, running

Run = Callable[..., Result]
EVENTS = 40


def draft(number: int) -> Draft:
    session = f"session-{number % 2}"
    frame = Frame(0, SystemClock().now_us(), "input", "text/plain", f"content {number}".encode())
    return Draft(Kind.DECISION, "decision.allow", f"exchange-{number}", session, "c", Caller("i", "s", "a"),
                 {"effect": "allow", "n": number}, (frame,))  # fmt: skip


async def record(state: Path) -> None:
    async with Spool(state / "spool" / "authz.db", "authz", "exeat", clock=SystemClock()) as spool:
        for number in range(EVENTS):
            await spool.record(draft(number))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    """A store that holds what one writer and the shipper recorded; the shipper has ended."""
    with running(tmp_path_factory.mktemp("house")) as store:
        asyncio.run(record(store.folder))
        Recorder(store.settings).read(Read("sessions.replay", "SELECT 1", {"session": "session-1"}))
        env = {"EXEAT_GATEWAY__STATE_DIR": str(store.folder), "EXEAT_CLICKHOUSE__URL": store.url}
        env["EXEAT_GATEWAY__RUN_DIR"] = str(store.run)
        with (store.folder / "ship.log").open("wb") as log:
            shipper = subprocess.Popen([sys.executable, "-m", "audit.ship"], env=env, stdout=log, stderr=log)
        try:
            with auditor_client(store.settings) as client:
                _until(
                    lambda: client.query("SELECT count() FROM events WHERE kind = 'decision'").first_row == (EVENTS,)
                )
        finally:
            shipper.terminate()
            shipper.wait(30)
        yield store


@pytest.fixture
def exeat(house: RunningStore, tmp_path: Path) -> Run:
    def run(*arguments: str, code: int = 0) -> Result:
        toml = f'[gateway]\nstate_dir = "{house.folder}"\n[clickhouse]\nurl = "{house.url}"\n'
        (tmp_path / "exeat.toml").write_text(toml)
        result = CliRunner().invoke(main, ["-c", str(tmp_path / "exeat.toml"), "audit", *arguments])
        assert result.exit_code == code, (result.output, result.exception)
        return result

    return run


def altered(file: Path, old: str, new: str) -> dict[str, Any]:
    lines = file.read_text("utf-8").splitlines()
    place = next(n for n, line in enumerate(lines) if old in line)
    row: dict[str, Any] = json.loads(lines[place])
    lines[place] = lines[place].replace(old, new)
    file.write_text("\n".join(lines) + "\n", "utf-8")
    return row


def test_what_was_shipped_verifies(exeat: Run):
    report = json.loads(exeat("verify", "--json").output)
    assert report["ok"] is True
    assert report["frames"] == EVENTS
    assert report["confirmed_size"] >= EVENTS
    assert exeat("verify").output.startswith("OK: gateway exeat in ClickHouse: ")


def test_a_read_stands_in_the_log_like_everything_else(house: RunningStore):
    with auditor_client(house.settings) as client:
        sql = "SELECT type, session, subject != '', startsWith(writer, 'reads.') FROM events WHERE kind = 'read'"
        assert client.query(sql).first_row == ("read.sessions.replay", "session-1", True, True)


def test_an_exported_copy_verifies_by_itself(exeat: Run, tmp_path: Path):
    copy = tmp_path / "copy"
    assert f"{EVENTS} frames" in exeat("export", str(copy)).output
    assert exeat("verify", str(copy)).output.startswith("OK: package copy of gateway exeat: ")
    result = subprocess.run(
        [sys.executable, "-m", "audit.verify", "package", str(copy)], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("file", "old", "new", "flaw"),
    [
        ("events.jsonl", "decision.allow", "decision.deny", "EDITED"),
        ("events.jsonl", '\\"n\\":7', '\\"n\\":8', "EDITED"),
        ("frames.jsonl", '"content":"', '"content":"AAAA', "FRAME"),
    ],
)
def test_one_altered_row_of_a_copy_is_named(exeat: Run, tmp_path: Path, file: str, old: str, new: str, flaw: str):
    copy = tmp_path / "copy"
    exeat("export", str(copy))
    row = altered(copy / file, old, new)
    said = exeat("verify", str(copy), code=1).output
    assert any(line.startswith(flaw) and f"{row['writer']}/{row['seq']}" in line for line in said.splitlines()), said


def test_a_selection_holds_only_what_was_chosen_and_its_proof(exeat: Run, tmp_path: Path):
    copy = tmp_path / "copy"
    exeat("export", str(copy), "--session", "session-1")
    events = [json.loads(line) for line in (copy / "events.jsonl").read_text().splitlines()]
    assert len(events) == EVENTS // 2 + 1  # and that somebody replayed this session
    assert {json.loads(event["body"])["session"] for event in events} == {"session-1"}
    assert not any("entries" in file.parts for file in (copy / "tiles").rglob("*"))
    assert not any(b"session-0" in file.read_bytes() for file in copy.rglob("*") if file.is_file())
    assert "not that none was left out" in exeat("verify", str(copy)).output
    row = altered(copy / "events.jsonl", "decision.allow", "decision.deny")
    assert f"{row['writer']}/{row['seq']}" in exeat("verify", str(copy), code=1).output


def test_a_folder_that_is_taken_or_no_package(exeat: Run, tmp_path: Path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("")
    assert "not empty" in exeat("export", str(tmp_path / "full"), code=2).output
    assert "no package of ours" in exeat("verify", str(tmp_path / "full"), code=2).output


def test_a_key_or_checkpoint_that_is_none(exeat: Run, tmp_path: Path, house: RunningStore):
    (tmp_path / "no.key").write_text("nonsense")
    assert "not a verifier key" in exeat("verify", "--vkey", str(tmp_path / "no.key"), code=2).output
    assert "--witness" in exeat("verify", "--witness", str(tmp_path / "no.key"), code=2).output
    kept = tmp_path / "kept"
    kept.write_bytes((house.folder / "log" / "checkpoint").read_bytes())
    assert json.loads(exeat("verify", "--json", "--witness", str(kept)).output)["ok"] is True


def test_a_forged_row_in_clickhouse_is_named(exeat: Run, house: RunningStore):
    """Last in meaning, not in order: it writes under another gateway's name, which other tests do not count."""
    with writer_client(house.settings) as client:
        client.command(
            "INSERT INTO events SELECT * REPLACE (toUInt64(log_index + 1000000) AS log_index, 'other' AS gateway)"
            " FROM events WHERE kind = 'decision' LIMIT 1"
        )
    assert "1 events of gateway 'other' were not looked at" in exeat("verify").output


def _until(true: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)
