"""State and spool in one file: together or not at all."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from approvals.errors import ApprovalsDown
from approvals.evidence import Change
from approvals.facts import Ask, Card, Shown, Vote, Voter
from approvals.machine import Approval, IllegalFact, decide, fold, request
from approvals.steps import Consume, Grant, Step
from approvals.store import Store
from audit.write import SpoolFull
from runtime.clock import Clock, FixedClock
from tests.kit.approvals import ask

VOTE = Vote(Voter("people", "alice", "alice@bank.example", ("ledger-approvers",)), ask().shown.digest)
DAY = 86_400_000_000


Make = Callable[..., Store]  # (folder of a test, **limits); tests/more runs what is here on PostgreSQL, too


@pytest.fixture
def make() -> Make:
    def one(tmp_path: Path, clock: Clock | None = None, **limits: Any) -> Store:
        return Store(tmp_path / "state", "exeat-test", clock or FixedClock(), **limits)

    return one


def begin(store: Store, approval_id: str = "a1", asked: Ask | None = None, at_us: int = 1) -> Approval:
    asked = asked or ask()
    fact = request(approval_id, Card.of(asked), at_us)
    approval = fold([fact])
    store.begin()
    store.commit([Change(approval, fact, asked.shown)])
    return approval


def go_on(store: Store, approval: Approval, *steps: Step) -> Approval:
    for step in steps:
        for fact in decide(approval, step).facts:
            approval = fold([fact], approval)
            store.begin()
            store.commit([Change(approval, fact)])
    return approval


def bodies(store: Store) -> list[dict[str, Any]]:
    return [json.loads(row[0]) for row in store.conn.execute("SELECT body FROM events ORDER BY seq")]


def test_what_is_open_comes_back_after_a_restart(tmp_path: Path, make: Make) -> None:
    store = make(tmp_path)
    assert store.open() == []
    granted = go_on(store, begin(store), Grant(2, VOTE))
    used = go_on(store, begin(store, "a2"), Grant(2, VOTE), Consume(3, ask().binding))
    store.close()
    again = make(tmp_path)
    assert again.open() == [granted]
    assert (again.get("a1"), again.get("a2"), again.get("a3")) == (granted, used, None)
    assert again.shown("a1") == ask().shown
    assert again.finished() == [used]
    again.close()


def test_fact_and_event_are_one_transaction(tmp_path: Path, make: Make) -> None:
    store = make(tmp_path, max_bytes=10_000)
    store.open()
    big = ask(shown=Shown("text/plain", b"x" * 20_000))
    with pytest.raises(SpoolFull):
        begin(store, asked=big)
    assert (store.get("a1"), store.shown("a1"), [body["type"] for body in bodies(store)]) == (
        None,
        None,
        ["lifecycle.start"],
    )
    begin(store)
    assert [body["type"] for body in bodies(store)][1:] == ["approval.requested"]
    store.close()


def test_events_chain_over_restarts(tmp_path: Path, make: Make) -> None:
    for _ in range(2):
        store = make(tmp_path)
        open_now = store.open()
        if not open_now:
            begin(store)
        store.close()
    store = make(tmp_path)
    store.open()
    found = bodies(store)
    assert [body["seq"] for body in found] == list(range(1, len(found) + 1))
    assert {body["epoch"] for body in found} == {1, 2, 3}
    assert len({body["writer"] for body in found}) == 1
    assert found[0]["writer"].startswith("approvals.")
    store.close()


def test_a_second_process_is_turned_away(tmp_path: Path, make: Make) -> None:
    store = make(tmp_path)
    store.open()
    with pytest.raises(ApprovalsDown, match="another approvals process"):
        make(tmp_path).open()
    store.close()
    make(tmp_path).open()


def test_what_ended_long_ago_is_forgotten_and_the_rest_is_kept(tmp_path: Path, make: Make) -> None:
    store = make(tmp_path)
    store.open()
    go_on(store, begin(store), Grant(2, VOTE), Consume(3, ask().binding))
    still_open = begin(store, "a2")
    assert store.forget(3) == 0
    assert store.forget(4) == 1
    assert (store.get("a1"), store.shown("a1"), store.get("a2")) == (None, None, still_open)
    store.close()


def test_finished_ones_come_newest_first(tmp_path: Path, make: Make) -> None:
    store = make(tmp_path)
    store.open()
    for number in range(3):
        go_on(store, begin(store, f"a{number}"), Grant(2, VOTE), Consume(10 - number, ask().binding))
    assert [approval.id for approval in store.finished()] == ["a0", "a1", "a2"]
    store.close()


def test_the_file_is_for_us_alone(tmp_path: Path, make: Make) -> None:
    store = make(tmp_path)
    store.open()
    assert store.path.stat().st_mode & 0o777 == 0o600
    assert store.path.parent.stat().st_mode & 0o777 == 0o700
    store.close()


def test_a_fact_that_was_tampered_with_stops_the_start(tmp_path: Path, make: Make) -> None:
    store = make(tmp_path)
    store.open()
    begin(store)
    store.close()
    with sqlite3.connect(store.path) as conn:
        conn.execute("UPDATE facts SET body = ?", (b'{"type":"granted"}',))
    conn.close()
    with pytest.raises(IllegalFact):
        make(tmp_path).open()


def test_a_folder_that_is_not_ours(tmp_path: Path, make: Make) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "approvals.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(ApprovalsDown, match="NOTADB"):
        make(tmp_path).open()


def test_a_closed_store_says_so(tmp_path: Path, make: Make) -> None:
    with pytest.raises(ApprovalsDown, match="not open"):
        make(tmp_path).get("a1")


def test_events_span_from_the_request_until_what_they_say(tmp_path: Path, make: Make) -> None:
    """On the clock that never goes back; what an earlier process began has the wall clock's difference."""
    clock = FixedClock()
    store = make(tmp_path, clock)
    store.open()
    approval = begin(store, at_us=1_000)
    clock.advance(700)
    go_on(store, approval, Grant(900, VOTE))  # somebody set the wall clock back
    asked, granted = (body["data"] for body in bodies(store)[1:])
    assert (asked["started_us"], asked["duration_us"]) == (1_000, 0)
    assert (granted["started_us"], granted["ended_us"], granted["duration_us"]) == (1_000, 1_700, 700)
    waiting = begin(store, "a2", at_us=2_000)
    store.close()
    again = make(tmp_path)
    again.open()
    go_on(again, waiting, Grant(2_500, VOTE))
    assert bodies(again)[-1]["data"]["duration_us"] == 500
    again.close()
