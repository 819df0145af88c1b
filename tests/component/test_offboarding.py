"""`exeat audit offboarding` against a real store: what must not be called clean."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from audit.store.client import writer_client
from console.cli import main
from tests.kit.evidence import EVENT_COLUMNS, Record, decision
from tests.kit.store import RunningStore, running

LEFT, IDP, TERMINAL = "2026-11-20T12:00:10", "https://idp.example", "os:desk"
BEFORE, AFTER = 1_000_000, 20_000_000  # microseconds after the start of the record; they left at ten seconds


class Told(Record):
    def decided(self, exchange: str, after_us: int, agent: str, effect: str) -> None:
        data = decision(effect, 200, "rule", "words")
        data["identity"] = {"email": f"{agent}@bank.example", "groups": [], "jti": "j", "act": []}
        self.event(f"decision.{effect}", exchange, after_us, data, agent=agent, effect=effect)

    def by(self, kind: str, type_: str, after_us: int, issuer: str, subject: str, data: Mapping[str, Any]) -> None:
        self.event(type_, "", after_us, data, agent="")
        for name, value in {"kind": kind, "issuer": issuer, "subject": subject}.items():
            self.events[-1][EVENT_COLUMNS.index(name)] = value


def story() -> Told:
    told = Told()
    for number in range(10_000):
        told.decided(f"many-{number}", AFTER + number, "many", "deny")
    told.decided("many-last", 2 * AFTER, "many", "allow")
    for name, effect in (("never", "allow"), ("taken", "hold"), ("refused", "hold"), ("over", "allow"),
                         ("late", "allow"), ("lost", "allow")):  # fmt: skip
        told.decided(f"{name}-1", BEFORE, name, effect)
    told.event("approval.used", "taken-1", BEFORE, {"approval": "ap-1", "state": "used"})
    told.event("exchange.end", "over-1", 2 * BEFORE, {"outcome": "answered"})
    told.event("exchange.end", "late-1", AFTER, {"outcome": "answered"})
    told.event("exchange.lost", "lost-1", 2 * BEFORE, {"outcome": "lost"})
    told.by("person", "person.signed_in", BEFORE, IDP, "u-1", {"email": "dora@bank.example", "through": "console"})
    told.by("read", "read.sql", AFTER, IDP, "u-1", {"sql": "SELECT 1"})
    told.by("person", "person.signed_in", AFTER, IDP, "u-2", {"email": "emil@bank.example", "through": "console"})
    told.by("person", "person.signed_in", AFTER, TERMINAL, "ops",
            {"sub": "u-3", "email": "fred@bank.example", "issuer": IDP, "through": "cli"})  # fmt: skip
    told.by("config", "legal_hold.placed", AFTER, IDP, "u-4", {"id": "h"})
    told.by("config", "identity.revoked", AFTER, "", "",
            {"scope": "subject", "value": "x", "by": {"subject": "u-5", "email": "hugo@bank.example"}})  # fmt: skip
    told.by("person", "person.signed_in", BEFORE, TERMINAL, "ops",
            {"sub": "u-6", "email": "ida@bank.example", "issuer": IDP, "through": "cli"})  # fmt: skip
    told.by("read", "read.sql", AFTER, TERMINAL, "ops", {"sql": "SELECT 1"})
    both = [{"issuer": IDP, "subject": f"u-{n}", "email": f"{who}@bank.example"} for n, who in ((7, "jo"), (8, "kim"))]
    answers = [{"approver": approver, "justification": "why"} for approver in both]
    alone = {"standing": "st-1", "state": "active", "break_glass": True, "answers": answers[:1]}
    told.by("approval", "standing.break_glass", AFTER, IDP, "svc", alone)
    told.by(
        "approval", "standing.given", AFTER, IDP, "svc", {"standing": "st-2", "state": "active", "answers": answers}
    )
    return told


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    with running(tmp_path_factory.mktemp("store")) as started:
        with writer_client(started.settings) as client:
            story().insert(client)
        (started.folder / "spool").mkdir(mode=0o700)
        yield started


def offboarding(store: RunningStore, folder: Path, person: str, left: str = LEFT) -> dict[str, Any]:
    config = folder / "exeat.toml"
    config.write_text(f'[gateway]\nstate_dir = "{store.folder}"\n[clickhouse]\nurl = "{store.url}"\n')
    arguments = ["-c", str(config), "audit", "offboarding", person, "--left", left, "--json"]
    result = CliRunner().invoke(main, arguments)
    found: dict[str, Any] = json.loads(result.stdout)
    assert result.exit_code == (0 if found["clean"] else 1), (result.output, result.exception)
    return found


def test_no_number_of_denials_hides_what_was_let_through(store: RunningStore, tmp_path: Path):
    found = offboarding(store, tmp_path, "many")
    assert (found["clean"], found["complete"]) == (False, False)
    assert [row["exchange"] for row in found["let_through_since"]] == ["many-last"]


@pytest.mark.parametrize("agent", ["never", "taken", "late"])
def test_what_ended_later_or_never_went_on(store: RunningStore, tmp_path: Path, agent: str):
    found = offboarding(store, tmp_path, agent)
    assert not found["clean"]
    assert [(row["exchange"], row["ended"] is None) for row in found["went_on"]] == [(f"{agent}-1", agent != "late")]


@pytest.mark.parametrize("agent", ["refused", "over", "lost"])
def test_what_was_over_before_did_not_go_on(store: RunningStore, tmp_path: Path, agent: str):
    assert offboarding(store, tmp_path, agent)["clean"]


@pytest.mark.parametrize(
    ("person", "did"),
    [
        ("dora@bank.example", "read.sql"),  # under the subject that an earlier sign-in tells
        ("emil@bank.example", "person.signed_in"),
        ("fred@bank.example", "person.signed_in"),  # at a terminal: the caller is the system's account
        ("u-3", "person.signed_in"),
        ("u-4", "legal_hold.placed"),
        ("hugo@bank.example", "identity.revoked"),
        ("u-5", "identity.revoked"),
    ],
)
def test_what_they_did_as_a_person_is_found(store: RunningStore, tmp_path: Path, person: str, did: str):
    found = offboarding(store, tmp_path, person)
    assert not found["clean"]
    assert [row["type"] for row in found["as_person_since"]] == [did]


@pytest.mark.parametrize(
    ("person", "gave"),
    [
        ("jo@bank.example", ["standing.break_glass", "standing.given"]),
        ("kim@bank.example", ["standing.given"]),  # the second of two: a list of answers names them, nothing else does
        ("u-8", ["standing.given"]),
    ],
)
def test_what_they_granted_alone_or_with_others_is_found(
    store: RunningStore, tmp_path: Path, person: str, gave: list[str]
):
    found = offboarding(store, tmp_path, person)
    assert not found["clean"]
    assert [row["type"] for row in found["as_person_since"]] == gave


def test_what_others_did_under_the_same_account_of_a_machine_is_not_theirs(store: RunningStore, tmp_path: Path):
    assert offboarding(store, tmp_path, "ida@bank.example")["clean"]


def test_the_revocation_that_is_the_leaving_is_not_an_act_since(store: RunningStore, tmp_path: Path):
    assert offboarding(store, tmp_path, "u-5", "2026-11-20T12:00:20")["clean"]
