"""What a full exchange leaves behind: masked, chained, complete, and nothing of a secret anywhere."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import anthropic
import httpx
import pytest

from tests.kit.gateway import Gateway, eventually

PLANTED = (
    "4111111111111111",
    "4111 1111 1111 1111",
    "536-22-1234",
    "GB82WEST12345698765432",
    "ada.lovell@customer.example",
)


def exeat(gateway: Gateway, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "console.cli", "-c", str(gateway.house.config), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def exchange(gateway: Gateway) -> str:
    """One masked stream whose request carried secrets too; shipped."""
    client = anthropic.Anthropic(
        base_url=f"{gateway.url}/anthropic",
        api_key=gateway.issuer.agent_token("research-agent"),
        default_headers={"x-exeat-session": "evidence"},
        max_retries=0,
    )
    text = "play: split, for ada.lovell@customer.example with IBAN GB82WEST12345698765432"
    messages: Any = [{"role": "user", "content": text}]
    with client.messages.stream(model="claude-sonnet-5", max_tokens=50, messages=messages) as stream:
        stream.until_done()
        found: str = stream.response.headers["x-exeat-decision"]
    eventually(lambda: gateway.events(found), lambda events: "exchange.end" in events)
    return found


def test_nothing_planted_is_stored_anywhere(gateway: Gateway, exchange: str) -> None:
    frames = gateway.sql("SELECT content FROM audit.frames WHERE exchange = {e:String}", e=exchange)
    assert frames
    bodies = gateway.sql("SELECT body FROM audit.events")
    text = json.dumps([str(row) for row in [*frames, *bodies]])
    for secret in PLANTED:
        assert secret not in text
    for path in gateway.house.folder.rglob("*"):
        if path.is_file() and not path.is_socket() and "secrets" not in path.parts:
            content = path.read_bytes()
            for secret in PLANTED:
                assert secret.encode() not in content, path


def test_the_upstream_key_is_in_no_file_but_its_own(gateway: Gateway, exchange: str) -> None:
    for name in ("anthropic", "openai", "ledger"):
        key = (gateway.house.folder / "secrets" / name).read_bytes()
        holders = [p for p in gateway.house.folder.rglob("*") if p.is_file() and key in p.read_bytes()]
        assert [p.parent.name for p in holders] == ["secrets"]


def test_frames_are_what_was_let_go(gateway: Gateway, exchange: str) -> None:
    query = "SELECT content FROM audit.frames WHERE exchange = {e:String} AND direction = 'response' ORDER BY idx"
    text = "".join(str(row[0]) for row in gateway.sql(query, e=exchange))
    assert "message_stop" in text
    assert "536" not in text


def test_every_event_says_from_when_until_when_and_by_which_clock(gateway: Gateway, exchange: str) -> None:
    gateway.settled()
    told = ("started_us", "ended_us", "duration_us", "clock", "state")
    lacking = " OR ".join(f"NOT JSONHas(body, 'data', {', '.join(map(repr, path))})" for path in (
        told[:1], told[1:2], told[2:3], told[3:]))  # fmt: skip
    assert list(gateway.sql(f"SELECT DISTINCT type FROM audit.events WHERE {lacking}")) == []
    query = "SELECT session, body FROM audit.events WHERE exchange = {e:String} ORDER BY writer, seq"
    rows = gateway.sql(query, e=exchange)
    assert {"decision.allow", "frame.recorded", "masking.applied", "exchange.end"} <= {
        json.loads(body)["type"] for _, body in rows
    }
    assert len({session for session, _ in rows}) == 1
    assert rows[0][0]
    for _, body in rows:
        data = json.loads(body)["data"]
        assert data["ended_us"] == data["started_us"] + data["duration_us"]
        assert data["duration_us"] > 0, body


def test_a_delegation_is_seen_by_policies_and_recorded(gateway: Gateway) -> None:
    """RFC 8693 §4.1: who acts for whom, outermost first; and the client that got the token."""
    chain = {"sub": "dave", "azp": "ledger-client", "act": {"sub": "research-agent", "act": {"sub": "planner"}}}
    headers = gateway.headers(**chain, client_id=None)
    answer = httpx.get(f"{gateway.url}/openai/v1/models", headers=headers, timeout=30)
    assert answer.status_code == 200, answer.text
    gateway.settled()
    decision = answer.headers["x-exeat-decision"]
    frames = "SELECT content FROM audit.frames WHERE exchange = {e:String} AND direction = 'input'"
    given = json.loads(gateway.sql(frames, e=decision)[0][0])["identity"]
    event = "SELECT body FROM audit.events WHERE exchange = {e:String} AND kind = 'decision'"
    body = json.loads(gateway.sql(event, e=decision)[0][0])
    recorded = body["data"]["identity"]
    for told in (given, recorded):
        assert (told["act"], told["client"]) == (["research-agent", "planner"], "ledger-client")
    assert (body["caller"]["subject"], body["caller"]["agent"]) == ("dave", "ledger-client")
    rows = gateway.sql("SELECT act, owner FROM audit.decisions WHERE exchange = {e:String}", e=decision)
    assert list(rows[0][0]) == ["research-agent", "planner"]


def test_verify_passes_and_names_an_altered_row(gateway: Gateway, exchange: str, tmp_path: Path) -> None:
    good = exeat(gateway, "audit", "verify")
    assert good.returncode == 0, good.stdout + good.stderr
    copy = tmp_path / "copy"
    assert exeat(gateway, "audit", "export", str(copy)).returncode == 0
    from console.dev.story import alter_one_row

    name = alter_one_row(copy / "events.jsonl", "decision.allow", "decision.deny")
    bad = exeat(gateway, "audit", "verify", str(copy))
    assert bad.returncode == 1
    assert name in bad.stdout + bad.stderr


def test_a_conversation_costs_its_new_part_each_turn_and_replays_whole(gateway: Gateway) -> None:
    long = "the quick brown fox of the branch jumps over the lazy ledger; " * 40
    messages: list[dict[str, str]] = []
    exchanges = []
    for turn in range(5):
        messages.append({"role": "user", "content": f"turn {turn}: {long}"})
        body = {"model": "gpt-5", "messages": messages}
        answer = httpx.post(
            f"{gateway.url}/openai/v1/chat/completions",
            json=body,
            headers=gateway.headers(session="conversation"),
            timeout=30,
        )
        assert answer.status_code == 200, answer.text
        exchanges.append(answer.headers["x-exeat-decision"])
        messages.append({"role": "assistant", "content": f"answer {turn}"})
    eventually(lambda: gateway.events(exchanges[-1]), lambda events: "exchange.end" in events)
    stored = gateway.sql(
        "SELECT exchange, sum(length(content)) FROM audit.frames WHERE exchange IN {e:Array(String)}"
        " AND direction = 'request' GROUP BY exchange",
        e=exchanges,
    )
    session = str(gateway.sql("SELECT session FROM audit.decisions WHERE exchange = {e:String}", e=exchanges[0])[0][0])
    sizes = {str(row[0]): int(row[1]) for row in stored}
    assert all(sizes[exchange] < 1.2 * sizes[exchanges[0]] for exchange in exchanges[1:]), sizes
    said = exeat(gateway, "sessions", "replay", session, "--exchange", exchanges[-1], "--json")
    asked = "".join(moment["content"] for moment in json.loads(said.stdout) if moment["type"] == "request")
    assert [message["content"] for message in json.loads(asked)["messages"]] == [m["content"] for m in messages[:-1]]


def test_explain_finds_the_recorded_decision(gateway: Gateway, exchange: str) -> None:
    said = exeat(gateway, "decisions", "explain", exchange)
    assert said.returncode == 0, said.stderr
    assert "allow" in said.stdout


def test_errors_are_sentences(gateway: Gateway) -> None:
    for arguments in (
        ("decisions", "explain", "no-such-exchange"),
        ("sessions", "replay", "no-such-session"),
        ("audit", "sql", "SELEKT 1"),
        ("audit", "sql", "DROP TABLE audit.events"),
        ("approvals", "show", "no-such-approval", "--as", "alice"),
        ("token", "--as", "nobody"),
    ):
        said = exeat(gateway, *arguments)
        assert said.returncode in (1, 2), arguments
        assert "Traceback" not in said.stderr, said.stderr
        assert said.stderr.strip(), arguments
