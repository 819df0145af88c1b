"""`exeat decisions|sessions|audit` against a real store that holds a small record."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from audit.read.questions import known
from audit.store.client import writer_client
from console.cli import main
from tests.kit import evidence
from tests.kit.evidence import DENIED, HELD, SESSION, SNAPSHOT
from tests.kit.serving import free_port, http
from tests.kit.store import RunningStore, running

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    with running(tmp_path_factory.mktemp("store")) as started:
        with writer_client(started.settings) as client:
            evidence.story().insert(client)
        (started.folder / "spool").mkdir(mode=0o700)
        yield started


@pytest.fixture
def exeat(store: RunningStore, tmp_path: Path) -> Run:
    def run(*arguments: str, engine: str = f"http://127.0.0.1:{free_port()}", code: int = 0, **options: Any) -> Result:
        toml = (
            f'[gateway]\nstate_dir = "{store.folder}"\n[clickhouse]\nurl = "{store.url}"\n[engine]\nurl = "{engine}"\n'
        )
        (tmp_path / "exeat.toml").write_text(toml)
        result = CliRunner().invoke(main, ["-c", str(tmp_path / "exeat.toml"), *arguments], **options)
        assert result.exit_code == code, (result.output, result.exception)
        return result

    return run


@pytest.fixture
def engine() -> Iterator[str]:
    """Decides what the record says, under the recorded snapshot, as an OPA server would answer."""

    async def decide(request: Request) -> JSONResponse:
        given = (await request.json())["input"]
        assert given == json.loads(evidence.INPUT)
        reasons = [{"rule": "no_group", "message": "this agent has no group"}]
        return JSONResponse({"result": {"effect": "deny", "reasons": reasons, "snapshot": SNAPSHOT}})

    with http(Starlette(routes=[Route("/v1/data/exeat/decision", decide, methods=["POST"])])) as port:
        yield f"http://127.0.0.1:{port}"


def test_decisions_newest_first_and_narrowed(exeat: Run):
    rows = json.loads(exeat("decisions", "list", "--json").stdout)
    assert [(row["exchange"], row["effect"], row["rules"]) for row in rows] == [
        (DENIED, "deny", ["no_group"]), (HELD, "hold", ["ledger_write"]),
    ]  # fmt: skip
    only = [("--effect", "deny"), ("--agent", "intern-agent"), ("--since", "2026-11-20T12:00:01"), ("--limit", "1")]
    for option, value in only:
        assert [row["exchange"] for row in json.loads(exeat("decisions", "list", "--json", option, value).stdout)] == [
            DENIED
        ]
    assert "No decision" in exeat("decisions", "list", "--subject", "nobody").output
    assert "ledger_write" in exeat("decisions", "list").output


def test_explain_says_what_was_recorded_when_no_engine_answers(exeat: Run):
    text = exeat("decisions", "explain", HELD).output
    for part in ("hold", "dave@bank.example", "ledger_write", "NIST-800-53:AC-3", "granted by alice@bank.example",
                 "the recorded frame matches it", "did not decide"):  # fmt: skip
        assert part in text


def test_explain_decides_the_recorded_input_again(exeat: Run, engine: str):
    explained = json.loads(exeat("decisions", "explain", DENIED[:10], "--json", engine=engine).stdout)
    assert explained["input"] == json.loads(evidence.INPUT)
    assert explained["input_matches_hash"] is True
    assert explained["again"]["how"] == "same"
    assert (
        json.loads(exeat("decisions", "explain", HELD, "--json", engine=engine).stdout)["again"]["how"] == "different"
    )


def test_explain_names_one_decision(exeat: Run):
    assert "give more of the id" in exeat("decisions", "explain", "0199", code=2).output
    assert "no recorded decision" in exeat("decisions", "explain", "zz", code=2).output


def test_sessions_listed_and_shown(exeat: Run):
    rows = json.loads(exeat("sessions", "list", "--json").stdout)
    assert {(row["session"], row["agent"], row["held"], row["denied"]) for row in rows} == {
        (SESSION, "ledger-agent", 1, 0), (SESSION, "intern-agent", 0, 1),
    }  # fmt: skip
    shown = json.loads(exeat("sessions", "show", "demo", "--json").stdout)
    assert [(row["exchange"], row["outcome"], row["status"]) for row in shown["exchanges"]] == [
        (HELD, "answered", 200), (DENIED, "", 403),
    ]  # fmt: skip
    assert shown["total"] == {
        "exchanges": 2, "input_tokens": 11, "output_tokens": 7, "rows": 3, "request_bytes": 10, "response_bytes": 20,
        "estimated": 1,
    }  # fmt: skip
    line = exeat("sessions", "show", "demo").output.strip().splitlines()[-1]
    assert line == (
        "Total: 2 exchanges, 11 input and 7 output tokens, 3 rows, 10 bytes sent, 20 bytes answered"
        " (tokens of 1 exchanges are estimated)"
    )


def test_replay_tells_the_session_as_it_happened(exeat: Run):
    lines = exeat("sessions", "replay", SESSION, "--speed", "100000").output.splitlines()
    story = ["hold ledger-agent", "agent asked", "user: transfer \\x1b[31m now", "approval requested",
             "granted by alice", "approval used", "agent got", "Booked as asked.", "masked in the response: 2 x iban",
             "ended answered", "deny intern-agent"]  # fmt: skip
    at = [next(n for n, line in enumerate(lines) if part in line) for part in story]
    assert at == sorted(at)
    assert not any("\x1b[31m" in line for line in lines)


def test_replay_of_one_exchange_raw_and_as_json(exeat: Run):
    raw = exeat("sessions", "replay", SESSION, "--speed", "100000", "--raw", "--exchange", HELD).output
    assert "event: content_block_delta" in raw
    assert "intern-agent" not in raw
    moments = json.loads(exeat("sessions", "replay", SESSION, "--json").stdout)
    assert [moment["offset_us"] for moment in moments] == sorted(moment["offset_us"] for moment in moments)
    frames = [moment["content"].encode() for moment in moments if moment["type"] == "response"]
    assert b"".join(frames) == evidence.sse("Boo", "ked ", "as asked.")
    grant = next(moment for moment in moments if moment["type"] == "approval.granted")
    assert (grant["wait_us"], grant["skipped_us"]) == (3_000_000, 5_998_000)


@pytest.mark.parametrize("speed", ["0", "-1", "fast"])
def test_a_speed_that_is_none(exeat: Run, speed: str):
    assert "Traceback" not in exeat("sessions", "replay", SESSION, "--speed", speed, code=2).output


def test_sql_in_the_formats_people_want(exeat: Run):
    approvals = "SELECT approval, state, granted_by, owner, rule, reason FROM approvals"
    assert json.loads(exeat("audit", "sql", "--json", approvals).stdout) == [
        {"approval": "ap-1", "state": "used", "granted_by": ["alice@bank.example"], "owner": "dave@bank.example",
         "rule": "ledger_write", "reason": "checked"},
    ]  # fmt: skip
    assert exeat("audit", "sql", "SELECT 1 AS a, 'x' AS b").output == "a\tb\n1\tx\n"
    assert exeat("audit", "sql", "SELECT 1 AS a FORMAT CSV;").output == "1\n"
    assert exeat("audit", "sql", "--format", "JSONEachRow", "-", input="SELECT 1 AS a\n").output == '{"a":1}\n'
    assert exeat("audit", "sql", "--param", "n=it's", "SELECT {n:String} AS n FORMAT TSV").output == "it\\'s\n"
    assert json.loads(exeat("audit", "sql", "--json", "SELECT 1 WHERE 0").stdout) == []
    maskings = exeat("audit", "sql", "SELECT rule, count, place, token FROM maskings FORMAT TSV").output
    assert maskings == "iban\t2\ttext\ttok_1\n"
    usage = exeat("audit", "sql", "SELECT sum(requests), sum(held), sum(response_bytes) FROM usage FORMAT TSV").output
    assert usage == "2\t1\t20\n"


@pytest.mark.parametrize(
    "sql", ["DROP TABLE events", "SELECT 1; SELECT 2", "SELEC", "SELECT * FROM nowhere", "SELECT file('/etc/passwd')"]
)
def test_sql_that_is_refused_is_one_sentence(exeat: Run, sql: str):
    result = exeat("audit", "sql", sql, code=2)
    assert "Traceback" not in result.output
    assert len(result.output.strip().splitlines()) == 1
    assert "root:" not in result.output


SAMPLES = {"String": "ledger-agent", "DateTime": "2026-11-20T12:00:05", "Array(String)": "tok_1,tok_2"}
ASKED = {
    "after-owner-left": {"agent": "intern-agent", "left": "2026-11-20T12:00:01"},
    "after-person-left": {"person": "dave@bank.example", "left": "2026-11-20T12:00:01"},
    "approvals-by": {"person": "alice@bank.example", "since": "2026-01-01", "until": "2027-01-01"},
    "token-seen": {"tokens": "tok_1"},
    "offboarded": {"person": "dave@bank.example", "left": "2026-11-20T12:00:01"},
}
ALWAYS = {"since": "2026-01-01", "until": "2027-01-01"}


@pytest.mark.parametrize("name", sorted(known()))
def test_every_question_is_answered(exeat: Run, name: str):
    given = ASKED.get(name, {})
    for parameter in known()[name].parameters:
        if parameter.default is None or parameter.name in ALWAYS:
            given = {parameter.name: ALWAYS.get(parameter.name, SAMPLES.get(parameter.type, "x"))} | given
    options = [part for item in given.items() for part in ("--param", "=".join(item))]
    rows = json.loads(exeat("audit", "sql", "--json", "--question", name, *options).stdout)
    expected = {
        "after-owner-left": 1, "after-person-left": 1, "approvals-by": 1, "approvals": 1, "approvals-of-own": 0,
        "approvals-waited": 1, "break-glass": 0, "gaps": 0, "released-without-grant": 0, "unattributed": 0,
        "unended": 0, "without-input": 0, "denials": 1, "decisions-by-rule": 2, "maskings-by-rule": 1,
        "findings-in-requests": 2,
        "token-seen": 3, "controls-exercised": 2, "first-uses": 2, "offboarded": 2, "snapshots-used": 1, "writers": 1,
        "last-tokens": 1, "revocations-of": 0,
    }  # fmt: skip
    if name in expected:
        assert len(rows) == expected[name], rows


def test_an_offboarding_that_is_not_clean_names_what_went_through(exeat: Run):
    found = json.loads(exeat("audit", "offboarding", "ledger-agent", "--left", "2026-11-20", "--json", code=1).stdout)
    assert (found["clean"], found["complete"]) == (False, True)
    assert [row["effect"] for row in found["let_through_since"]] == ["hold"]
    told = exeat("audit", "offboarding", "alice@bank.example", "--left", "2026-11-20", code=1).stdout
    assert told.startswith("NOT CLEAN: alice@bank.example left 2026-11-20 00:00:00 UTC; since then 0 let through")
    assert "approval.granted" in told


def test_an_offboarding_that_is_clean_says_so(exeat: Run):
    told = exeat("audit", "offboarding", "intern-agent", "--left", "2026-11-20").stdout
    assert told.startswith(
        "OK: intern-agent left 2026-11-20 00:00:00 UTC; since then 0 let through, 1 denied, 0 went on"
    )
    assert "no revocation of nobody" in exeat("audit", "offboarding", "nobody", code=2).output


def test_questions_are_listed_with_their_parameters(exeat: Run):
    text = exeat("audit", "sql", "--questions").output
    assert "What did an agent do after its owner left?" in text
    assert "--param left=…" in text
    assert {"name", "title", "parameters", "says", "sql"} == set(
        json.loads(exeat("audit", "sql", "--questions", "--json").stdout)[0]
    )
    assert "needs --param agent=" in exeat("audit", "sql", "--question", "after-owner-left", code=2).output
    assert "no question is named" in exeat("audit", "sql", "--question", "nothing", code=2).output


def test_migrate_has_nothing_to_do(exeat: Run):
    assert "nothing to do" in exeat("audit", "migrate").output
    assert json.loads(exeat("audit", "migrate", "--json").stdout)["applied"] == []


def test_a_store_that_is_down_is_one_sentence(exeat: Run, tmp_path: Path, store: RunningStore):
    down = f"http://127.0.0.1:{free_port()}"
    toml = f'[gateway]\nstate_dir = "{store.folder}"\n[clickhouse]\nurl = "{down}"\n'
    (tmp_path / "down.toml").write_text(toml)
    result = CliRunner().invoke(main, ["-c", str(tmp_path / "down.toml"), "decisions", "list"])
    assert result.exit_code == 1
    assert result.output == f"ClickHouse at {down} does not answer\n"
