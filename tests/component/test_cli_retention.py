"""`exeat audit prune|legal-hold`: what goes is in the signed log first, and the log still verifies."""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from audit.store.accounts import Account
from audit.write import Caller, Draft, Frame, Kind, open_spool
from console.cli import main
from runtime.clock import FixedClock
from runtime.fileio import private_dir
from tests.kit import store as store_kit
from tests.kit.live_log import LiveLog, shipping

Run = Callable[..., Any]
JANUARY, MARCH = 1_767_800_000_000_000, 1_772_900_000_000_000  # within 2026-01 and 2026-03
PER_MONTH = 20  # decisions, and as many exchange ends


async def record(live: LiveLog, at_us: int, role: str, agent: str) -> None:
    async with open_spool(live.store.settings, role, FixedClock(at_us)) as spool:
        for number in range(PER_MONTH):
            named = (f"{role}-{number}", f"session-{role}", "ledger", Caller("issuer", f"svc-{agent}", agent))
            frame = Frame(0, at_us, "input", "application/json", f'{{"n":{number},"role":"{role}"}}'.encode())
            await spool.record(Draft(Kind.DECISION, "decision.allow", *named, {"effect": "allow"}, (frame,)))
            await spool.record(Draft(Kind.EXCHANGE, "exchange.end", *named, {"outcome": "answered"}))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[LiveLog]:
    """Old months of two agents, shipped."""
    with store_kit.running(tmp_path / "state") as store, shipping(store) as live:
        private_dir(store.folder / "spool")
        asyncio.run(record(live, JANUARY, "january", "research-agent"))
        asyncio.run(record(live, MARCH, "march", "intern-agent"))
        live.until(4 * PER_MONTH + 5)
        yield live


@pytest.fixture
def exeat(house: LiveLog, tmp_path: Path) -> Run:
    config = tmp_path / "exeat.toml"
    config.write_text(f'[gateway]\nstate_dir = "{house.store.folder}"\n[clickhouse]\nurl = "{house.store.url}"\n')

    def run(*arguments: str, code: int = 0) -> Any:
        done = CliRunner().invoke(main, ["-c", str(config), "audit", *arguments, "--json"])
        assert done.exit_code == code, (done.output, done.exception)
        return json.loads(done.stdout) if done.stdout.startswith(("{", "[")) else done.stderr

    return run


def months(live: LiveLog, table: str = "events") -> dict[tuple[str, int], int]:
    column, class_ = ("ts", "class") if table == "events" else ("at", "''")
    sql = f"SELECT {class_} AS c, toYYYYMM({column}) AS m, count() FROM audit.{table} WHERE m < 202606 GROUP BY c, m"
    return {(row[0], row[1]): row[2] for row in live.ask(sql)}


def test_a_month_goes_and_the_log_still_verifies(house: LiveLog, exeat: Run, tmp_path: Path):
    before = months(house)
    dry = exeat("prune", "--traffic", "2026-02", "--frames", "2026-02", "--dry-run")
    assert [(part["table"], part["month"]) for part in dry["partitions"]] == [("events", 202601), ("frames", 202601)]
    assert months(house) == before
    said = exeat("prune", "--traffic", "2026-02", "--frames", "2026-02")
    assert said["partitions"] == dry["partitions"]
    assert ("traffic", 202601) not in months(house)
    assert months(house)["record", 202601] == before["record", 202601]
    assert months(house, "frames") == {("", 202603): PER_MONTH}
    report = exeat("verify")
    assert report["ok"], report
    assert sum("were pruned, as the log says" in note for note in report["notes"]) == 2
    counted = house.verify(tiles=False)
    assert counted.ok, counted.lines()
    assert any("only their number shows" in note for note in counted.notes)
    exeat("export", str(tmp_path / "package"))
    report = exeat("verify", str(tmp_path / "package"))
    assert report["ok"], report
    exeat("export", str(tmp_path / "selection"), "--agent", "research-agent")
    assert exeat("verify", str(tmp_path / "selection"))["ok"]


def test_the_event_stands_in_the_log_with_its_numbers(house: LiveLog, exeat: Run):
    said = exeat("prune", "--record", "2026-04")
    rows = house.ask("SELECT body FROM audit.events WHERE type = 'retention.pruned'")
    data = json.loads(rows[0][0])["data"]
    assert data["id"] == said["id"]
    assert data["partitions"] == said["partitions"]
    assert sum(part["rows"] for part in data["partitions"]) == 2 * (PER_MONTH + 2)
    assert exeat("verify")["ok"]


def test_one_row_more_than_was_pruned_is_named(house: LiveLog, exeat: Run):
    """An insider drops a whole partition under cover of an event that names another one, or fewer rows."""
    exeat("prune", "--traffic", "2026-02")
    store = house.store
    assert store.ask("ALTER TABLE events DROP PARTITION ('traffic', 202603)", Account.PRUNER).status == 200
    report = exeat("verify", code=1)
    assert report["total_findings"] == PER_MONTH
    assert {found["writer"].partition(".")[0] for found in report["findings"]} == {"march"}


def test_a_legal_hold_wins_until_it_is_released(house: LiveLog, exeat: Run):
    held = exeat("legal-hold", "add", "--agent", "intern-agent", "--reason", "matter 4711, card 4111111111111111")["id"]
    (listed,) = exeat("legal-hold", "list")
    assert (listed["id"], listed["scope"]) == (held, "agent=intern-agent")
    said = exeat("prune", "--traffic", "2026-04", "--record", "2026-04", "--frames", "2026-04")
    assert {part["month"] for part in said["partitions"]} == {202601}
    assert sorted(kept["partition"] for kept in said["kept"]) == ["frames 2026-03", "record 2026-03", "traffic 2026-03"]
    assert {month for _, month in months(house)} == {202603}
    exeat("legal-hold", "release", held[:20], "--reason", "settled")
    assert exeat("legal-hold", "list") == []
    (released,) = exeat("legal-hold", "list", "--all")
    assert "settled" in released["released"] or released["released"]
    said = exeat("prune", "--traffic", "2026-04", "--record", "2026-04", "--frames", "2026-04")
    assert {part["month"] for part in said["partitions"]} == {202603}
    assert exeat("verify")["ok"]
    bodies = " ".join(str(row[0]) for row in house.ask("SELECT body FROM audit.events WHERE type LIKE 'legal_hold%'"))
    assert "4111111111111111" not in bodies


def test_a_hold_on_what_the_frames_alone_cannot_tell_keeps_them(house: LiveLog, exeat: Run):
    """The events that say whose frames these were are gone; while there is any hold, nobody can tell."""
    exeat("prune", "--traffic", "2026-02", "--record", "2026-02")
    exeat("legal-hold", "add", "--agent", "research-agent", "--reason", "late")
    said = exeat("prune", "--frames", "2026-02")
    assert said["partitions"] == []
    assert months(house, "frames")["", 202601] == PER_MONTH


def test_nothing_goes_while_the_log_cannot_say_so(house: LiveLog, exeat: Run):
    """The shipper is down: the event is durable, and not yet where an auditor could see it."""
    assert house.stop() == 0
    before = months(house)
    assert "nothing was changed" in exeat("prune", "--traffic", "2026-02", code=1)
    assert months(house) == before
    house.start()
    house.until(4 * PER_MONTH + 6)


@pytest.mark.parametrize("arguments", [[], ["--frames", "2026-13"], ["--frames", "May"], ["--record", "2999-01"]])
def test_wrong_months(arguments: list[str]):
    done = CliRunner().invoke(main, ["audit", "prune", *arguments])
    assert done.exit_code == 2
    assert "month" in done.output
