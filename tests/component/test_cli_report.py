"""`exeat audit report`: a folder that an examiner can read and check, with the real spool, shipper and store."""

import asyncio
import csv
import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.parquet
import pytest
from click.testing import CliRunner, Result

from audit.read.frameworks import framework, names
from audit.store.client import auditor_client
from audit.write import Caller, Draft, Frame, Kind, Spool
from console.cli import main
from runtime.clock import SystemClock
from tests.kit import evidence
from tests.kit.store import RunningStore, running

Run = Callable[..., Result]


def drafts() -> list[Draft]:
    """The story of tests/kit/evidence.py as its writers would have told it, a moment ago."""
    story, now = evidence.story(), SystemClock().now_us()
    frames: dict[int, list[Frame]] = {}
    for _, seq, _, _, _, direction, index, _, media, _, _, content in story.frames:
        frames.setdefault(seq, []).append(Frame(index, now, direction, media, content))
    made = []
    for row in story.events:
        body = json.loads(row[17])
        caller = Caller(**body["caller"])
        made.append(
            Draft(Kind(row[6]), row[7], row[9], row[10], row[11], caller, body["data"], tuple(frames.get(row[2], ())))
        )
    return made


async def record(state: Path) -> None:
    async with Spool(state / "spool" / "authz.db", "authz", "exeat", clock=SystemClock()) as spool:
        for draft in drafts():
            await spool.record(draft)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    with running(tmp_path_factory.mktemp("house")) as store:
        asyncio.run(record(store.folder))
        policy = store.folder / "snapshots" / evidence.SNAPSHOT.removeprefix("sha256:") / "source" / "exeat"
        policy.mkdir(parents=True)
        (policy / "decision.rego").write_text("package exeat\n")
        env = {"EXEAT_GATEWAY__STATE_DIR": str(store.folder), "EXEAT_CLICKHOUSE__URL": store.url}
        env["EXEAT_GATEWAY__RUN_DIR"] = str(store.run)
        with (store.folder / "ship.log").open("wb") as log:
            shipper = subprocess.Popen([sys.executable, "-m", "audit.ship"], env=env, stdout=log, stderr=log)
        try:
            with auditor_client(store.settings) as client:
                _until(lambda: client.query("SELECT count() FROM events WHERE kind = 'decision'").first_row == (2,))
            yield store
        finally:
            shipper.terminate()
            shipper.wait(30)


@pytest.fixture
def exeat(house: RunningStore, tmp_path: Path) -> Run:
    def run(*arguments: str, code: int = 0) -> Result:
        toml = f'[gateway]\nstate_dir = "{house.folder}"\n[clickhouse]\nurl = "{house.url}"\n'
        (tmp_path / "exeat.toml").write_text(toml)
        result = CliRunner().invoke(main, ["-c", str(tmp_path / "exeat.toml"), "audit", *arguments])
        assert result.exit_code == code, (result.output, result.exception)
        return result

    return run


def test_the_folder_holds_everything_and_proves_itself(exeat: Run, tmp_path: Path):
    folder = tmp_path / "report"
    said = json.loads(exeat("report", str(folder), "--framework", "nist-800-53", "--json").stdout)
    assert said["named"] is True
    assert said["controls"]["AC-3"] == "evidence"
    assert said["controls"]["AC-5"] == "evidence"
    page = (folder / "report.html").read_text()
    for part in ("ledger_write", "alice@bank.example", "NIST SP 800-53", "OK: package report", "<svg", "iban", "AU-10"):
        assert part in page
    assert "<script" not in page
    digest = evidence.SNAPSHOT.removeprefix("sha256:")
    assert (folder / "policies" / digest / "exeat" / "decision.rego").read_text() == "package exeat\n"
    assert pyarrow.parquet.read_table(folder / "data" / "decisions.parquet").num_rows == 2
    with (folder / "data" / "approvals.csv").open() as file:
        assert [row["approval"] for row in csv.DictReader(file)] == ["ap-1"]
    assert "SELECT" in (folder / "controls" / "AC-6-9.sql").read_text()
    named = json.loads((folder / "named-by.json").read_text())
    sums = (folder / "SHA256SUMS").read_bytes()
    assert json.loads(named["event"])["data"]["sums_sha256"] == hashlib.sha256(sums).hexdigest() == said["sha256"]
    assert named["checkpoint"].startswith("exeat\n")


def test_the_examiner_needs_nothing_of_ours(exeat: Run, tmp_path: Path):
    folder = tmp_path / "report"
    exeat("report", str(folder), "--framework", "ffiec")
    sums = subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=folder, check=False)
    assert sums.returncode == 0
    verify = [
        sys.executable,
        "-I",
        "-c",
        "import sys; sys.path.insert(0, '.'); from audit.verify.__main__ import main; sys.exit(main())",
    ]
    done = subprocess.run(
        [*verify, "package", ".."], cwd=folder / "verifier", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    events = folder / "events.jsonl"
    events.write_text(events.read_text().replace("decision.deny", "decision.allow"))
    done = subprocess.run(
        [*verify, "package", ".."], cwd=folder / "verifier", capture_output=True, text=True, check=False
    )
    assert done.returncode == 1


def test_a_report_about_one_agent_holds_nobody_else(exeat: Run, tmp_path: Path):
    folder = tmp_path / "report"
    exeat("report", str(folder), "--framework", "pci-dss", "--agent", "intern-agent")
    for name in ("events.jsonl", "frames.jsonl", "data/decisions.csv", "report.html"):
        text = (folder / name).read_text()
        assert "svc-ledger-agent" not in text, name
    assert "intern-agent" in (folder / "events.jsonl").read_text()
    with (folder / "data" / "decisions.csv").open() as file:
        assert [row["agent"] for row in csv.DictReader(file)] == ["intern-agent"]


def test_a_time_without_anything_is_a_report_too(exeat: Run, tmp_path: Path):
    folder = tmp_path / "report"
    exeat("report", str(folder), "--framework", "ffiec", "--from", "2001-01-01", "--to", "2001-02-01")
    assert "No decision in this time." in (folder / "report.html").read_text()


def test_times_and_folders_that_are_wrong(exeat: Run, tmp_path: Path):
    assert (
        "neither a span" in exeat("report", str(tmp_path / "r"), "--framework", "ffiec", "--from", "x", code=2).output
    )
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("")
    assert "not empty" in exeat("report", str(tmp_path / "full"), "--framework", "ffiec", code=2).output
    assert "Traceback" not in exeat("report", str(tmp_path / "r"), "--framework", "none", code=2).output


@pytest.mark.parametrize("name", names())
def test_control_maps_name_questions_that_need_nothing(name: str):
    assert len(framework(name).controls) >= 15
    ids = [control.id for control in framework(name).controls]
    assert len(set(ids)) == len(ids)


def _until(true: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_one_session_to_watch_and_to_read_with_its_proof(exeat: Run, house: RunningStore, tmp_path: Path):
    folder = tmp_path / "session"
    toml = tmp_path / "exeat.toml"
    exeat("sql", "SELECT 1")  # writes the settings file
    done = CliRunner().invoke(main, ["-c", str(toml), "sessions", "export", "demo-ledger", str(folder), "--json"])
    assert done.exit_code == 0, (done.output, done.exception)
    assert json.loads(done.stdout)["session"] == "demo-ledger-agent"
    moments = [json.loads(line) for line in (folder / "session.jsonl").read_text().splitlines()]
    assert {"decision.hold", "approval.granted", "request", "response"} <= {moment["type"] for moment in moments}
    head, *lines = (folder / "session.cast").read_text().splitlines()
    assert json.loads(head)["version"] == 2
    assert "Booked as asked." in "".join(json.loads(line)[2] for line in lines)
    exeat("verify", str(folder))
    (folder / "frames.jsonl").write_text((folder / "frames.jsonl").read_text().replace('"ordinal":0', '"ordinal":9', 1))
    exeat("verify", str(folder), code=1)
