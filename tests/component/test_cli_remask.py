"""`exeat audit remask`: a rule was added, and content recorded before it is masked anew. Real store and shipper."""

import asyncio
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from audit.store.accounts import Account
from audit.store.client import writer_client
from audit.write import Caller, Draft, Frame, Kind, open_spool
from console.cli import main
from runtime.clock import SystemClock
from snapshot import layout, repository
from tests.kit import store as store_kit
from tests.kit.live_log import LiveLog, shipping

Run = Callable[..., Any]
CODENAME = "PROJECT-HERON"  # what yesterday's rules did not know
ROOT = Path(__file__).parents[2]


def publish(state: Path, policies: Path) -> None:
    found = repository.read(policies)
    layout.write(state, found, "")
    layout.move_current(state, found.digest)


def add_rule(folder: Path) -> None:
    """Today's rules know the code name."""
    rules = folder / "data" / "masking.yaml"
    text = rules.read_text()
    head = text.index("  floor:")
    line = text.index("\n", head) + 1
    rules.write_text(text[:line] + f"    - {{pattern: '{CODENAME}', name: codename, operator: redact}}\n" + text[line:])


async def record(live: LiveLog) -> None:
    now = SystemClock().now_us()
    parts = (
        b'data: {"choices":[{"delta":{"content":"about PROJ"}}]}\n\n',
        b'data: {"choices":[{"delta":{"content":"ECT-HERON now"}}]}\n\n',
    )
    async with open_spool(live.store.settings, "extproc-0") as spool:
        for number, session in enumerate(("one", "two")):
            named = (f"exchange-{session}", session, "openai", Caller("issuer", f"svc-{session}", f"agent-{session}"))
            await spool.record(Draft(Kind.DECISION, "decision.allow", *named, {"effect": "allow"}))
            asked = f'{{"messages":[{{"role":"user","content":"tell me of {CODENAME}"}}]}}'.encode()
            frames = (Frame(0, now, "request", "application/json", asked),)
            await spool.record(Draft(Kind.FRAME, "frame.recorded", *named, {}, frames))
            answer = tuple(Frame(i, now + i, "response", "text/event-stream", part) for i, part in enumerate(parts))
            await spool.record(Draft(Kind.FRAME, "frame.recorded", *named, {"number": number}, answer))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[LiveLog]:
    shutil.copytree(ROOT / "policies", tmp_path / "policies")
    (tmp_path / "policies" / "data" / "connections.yaml").write_text(
        'openai: {kind: openai, upstream: "http://127.0.0.1:1"}\n'
    )
    with store_kit.running(tmp_path / "state") as store, shipping(store) as live:
        publish(store.folder, tmp_path / "policies")
        asyncio.run(record(live))
        live.until(8)
        add_rule(tmp_path / "policies")
        publish(store.folder, tmp_path / "policies")
        yield live


@pytest.fixture
def exeat(house: LiveLog, tmp_path: Path) -> Run:
    config = tmp_path / "exeat.toml"
    config.write_text(f'[gateway]\nstate_dir = "{house.store.folder}"\n[clickhouse]\nurl = "{house.store.url}"\n')

    def run(*arguments: str, code: int = 0) -> Any:
        done = CliRunner().invoke(main, ["-c", str(config), "audit", *arguments, "--json"])
        assert done.exit_code == code, (done.output, done.exception)
        return json.loads(done.stdout)

    return run


def contents(live: LiveLog, session: str) -> str:
    rows = live.ask(f"SELECT content FROM audit.frames WHERE session = '{session}' ORDER BY direction, idx")
    return "".join(str(row[0]) for row in rows)


def test_content_is_masked_anew_and_the_log_verifies(house: LiveLog, exeat: Run, tmp_path: Path):
    assert CODENAME in contents(house, "one")
    before = house.ask("SELECT writer, seq, ordinal, idx, at, media FROM audit.frames ORDER BY writer, seq, ordinal")
    assert exeat("remask", "--session", "one", "--dry-run")["frames"] == 3
    assert CODENAME in contents(house, "one")
    assert exeat("remask", "--session", "one")["frames"] == 3
    for part in (CODENAME, "PROJ", "HERON"):
        assert part not in contents(house, "one")
    assert "about" in contents(house, "one")
    assert CODENAME in contents(house, "two")
    after = house.ask("SELECT writer, seq, ordinal, idx, at, media FROM audit.frames ORDER BY writer, seq, ordinal")
    assert after == before
    report = exeat("verify")
    assert report["ok"], report
    assert any("3 frames were masked anew" in note for note in report["notes"])
    assert exeat("remask", "--session", "one")["frames"] == 0, "what is masked stays as it is"
    for arguments in ([], ["--session", "one"]):
        folder = tmp_path / f"package{len(arguments)}"
        exeat("export", str(folder), *arguments)
        assert exeat("verify", str(folder))["ok"]


def test_a_frame_that_somebody_else_replaced_is_named(house: LiveLog, exeat: Run):
    exeat("remask", "--session", "one")
    columns = "writer, seq, ordinal, exchange, session, direction, idx, at, media"
    which = "session = 'two' AND direction = 'request'"
    forged = (
        f"INSERT INTO frames ({columns}, salt, sha256, content)"
        f" SELECT {columns}, salt, SHA256(concat(salt, 'x')), 'x' FROM frames WHERE {which}"
    )
    digest = house.ask(f"SELECT lower(hex(sha256)) FROM audit.frames WHERE {which}")[0][0]
    assert house.store.ask(forged, Account.WRITER).status == 200
    drop = f"ALTER TABLE frames DELETE WHERE lower(hex(sha256)) IN ('{digest}')"
    assert house.store.ask(drop, Account.PRUNER).status == 200
    report = exeat("verify", code=1)
    assert [found["flaw"] for found in report["findings"]] == ["frame"]


def test_a_legal_hold_keeps_content_as_it_is(house: LiveLog, exeat: Run):
    exeat("legal-hold", "add", "--agent", "agent-one", "--reason", "matter")
    said = exeat("remask")
    assert (said["frames"], said["held"]) == (3, 3)
    assert CODENAME in contents(house, "one")
    assert CODENAME not in contents(house, "two")
    assert exeat("verify")["ok"]


def test_what_a_crash_left_is_finished_by_the_next_run(house: LiveLog, exeat: Run):
    """Killed between storing the new frames and dropping the old ones."""
    old = house.ask("SELECT * FROM audit.frames WHERE session = 'one' AND direction = 'request'")[0]
    exeat("remask", "--session", "one")
    columns = "writer, seq, ordinal, exchange, session, direction, idx, at, media, salt, sha256, content"
    client = writer_client(house.store.settings)
    client.insert("frames", [list(old)], column_names=columns.split(", "))
    client.close()
    assert exeat("verify", code=1)["total_findings"] >= 1
    assert exeat("remask", "--session", "one")["frames"] == 0
    assert exeat("verify")["ok"]
