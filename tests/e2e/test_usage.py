"""Usage in the whole gateway: exact at a threshold, counted as the providers count, the same in counters and store.

The policies are the starter's with small limits, and one more rule over requests, whose reservation is exactly what is
used in the end.
"""

import contextlib
import json
import shutil
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anthropic
import httpx
import openai
import pytest
import yaml

from tests.e2e import test_holds as holds
from tests.e2e.test_holds import cards
from tests.kit import gateway as kit
from tests.kit.gateway import POLICIES, Gateway, eventually
from usage import Amounts, Who
from usage.book import Book
from usage.scopes import SCOPES

pytestmark = pytest.mark.timeout(180)
MODEL = "claude-sonnet-5"
MOST = 10  # requests of one session in an hour
PACK = f"""package packs.usage_test

import data.exeat.reason

# METADATA
# title: So many requests a session
# custom:
#   rule: session_requests
#   controls: []
deny contains reason(rego.metadata.rule(), "This session has had its requests.") if {{
	startswith(input.session.source, "header")
	input.usage.session.hour.requests > {MOST}
}}
"""
LIMITS = {"tokens": {"day": 6000}, "budget": {"month": 15_000}, "bulk": {"rows": 100}}


def limited(folder: Path) -> Path:
    """A repository with these limits, made in the folder."""
    policies = folder / "policies"
    shutil.copytree(POLICIES, policies)
    limits = policies / "data" / "limits.yaml"
    values = yaml.safe_load(limits.read_text())
    for name, changed in LIMITS.items():
        values[name] |= changed
    limits.write_text(yaml.safe_dump(values))
    (policies / "packs" / "usage-test").mkdir()
    (policies / "packs" / "usage-test" / "usage_test_rules.rego").write_text(PACK)
    return policies


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    # fifty at once on a busy machine: what is counted is the matter here, not how long the engine takes
    patient = "[engine]\ndeadline_ms = 5000"
    with kit.running(limited(tmp_path_factory.mktemp("policies")), patient) as running:
        yield running


def book(gateway: Gateway) -> Book:
    return Book(gateway.settings.gateway.state_dir / "usage.db")


def open_reservations(gateway: Gateway) -> int:
    path = gateway.settings.gateway.state_dir / "usage.db"
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as conn:
        return int(conn.execute("SELECT count(*) FROM reservations WHERE lost = 0").fetchone()[0])


def idle(gateway: Gateway) -> None:
    eventually(lambda: open_reservations(gateway), lambda count: count == 0)


def counted(gateway: Gateway, subject: str, scope: str = "identity", session: str = "") -> Amounts:
    """What the counters hold of a day, once nothing is open."""
    idle(gateway)
    who = Who(gateway.issuer.url, subject, subject, session, "ledger")
    found = book(gateway)
    with found.transaction():
        numbers = found.read(who, time.time_ns() // 1000)
    found.close()
    return numbers.used[scope]["day"]


def accounts(gateway: Gateway, limit: int, session: str, **claims: Any) -> httpx.Response:
    headers = gateway.headers("ledger-agent", session, **claims) | {"x-exeat-justification": "closes the quarter"}
    with httpx.Client(base_url=gateway.url, headers=headers, timeout=30) as client:
        return client.get(f"/ledger/accounts?limit={limit}")


def test_fifty_at_a_threshold_let_exactly_the_allowed_ones_through(gateway: Gateway) -> None:
    begin = threading.Barrier(50)

    def ask(_: int) -> int:
        begin.wait()
        return accounts(gateway, 0, "fifty", sub="fifty-agent").status_code

    before = len(gateway.upstream.received)
    with ThreadPoolExecutor(50) as pool:
        answers = Counter(pool.map(ask, range(50)))
    assert answers == {200: MOST, 403: 50 - MOST}
    assert len(gateway.upstream.received) - before == MOST
    idle(gateway)
    assert accounts(gateway, 0, "fifty", sub="fifty-agent").status_code == 403
    assert accounts(gateway, 0, "another", sub="fifty-agent").status_code == 200


def test_different_sizes_at_once_are_decided_one_after_the_other(gateway: Gateway) -> None:
    """A large one that waits for a person keeps its rows; small ones of another identity are not touched by it."""
    with ThreadPoolExecutor(12) as pool:
        sizes = [60, 30, 10] * 4
        asked = [pool.submit(accounts, gateway, size, f"s{at}", sub=f"sizes-{at // 3}") for at, size in
                 enumerate(sizes)]  # fmt: skip
        assert [found.result().status_code for found in asked] == [200] * 12
    assert counted(gateway, "sizes-0").rows == 100


def test_bulk_export_waits_for_a_person_and_keeps_its_place(gateway: Gateway) -> None:
    said = accounts(gateway, 90, "bulk", sub="bulk-agent")
    assert len(said.json()["accounts"]) == 90
    idle(gateway)
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(accounts, gateway, 50, "bulk", sub="bulk-agent")
        eventually(lambda: cards(gateway), bool)
        assert open_reservations(gateway) == 1, "a held request keeps its reservation"
        answer(gateway, "grant")
        assert len(held.result().json()["accounts"]) == 50
    assert counted(gateway, "bulk-agent").rows == 140


def test_what_is_refused_is_given_back(gateway: Gateway) -> None:
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(accounts, gateway, 5000, "refused", sub="refused-agent")
        answer(gateway, "refuse")
        assert held.result().status_code == 403
    assert counted(gateway, "refused-agent") == Amounts()
    assert accounts(gateway, 100, "refused", sub="refused-agent").status_code == 200


def test_tokens_are_the_providers_own(gateway: Gateway) -> None:
    claude = anthropic.Anthropic(
        base_url=f"{gateway.url}/anthropic", api_key=gateway.issuer.agent_token("research-agent", sub="tokens-agent")
    )
    asked: Any = {"model": MODEL, "max_tokens": 100, "messages": [{"role": "user", "content": "play: customer"}]}
    told = claude.messages.create(**asked).usage
    with claude.messages.stream(**asked) as stream:
        streamed = stream.get_final_message().usage
    idle(gateway)
    found = counted(gateway, "tokens-agent")
    assert (found.requests, found.denied) == (2, 0)
    assert found.input_tokens == told.input_tokens + streamed.input_tokens
    assert found.output_tokens == told.output_tokens + streamed.output_tokens
    assert found.values > 0


@pytest.mark.parametrize("usage", [True, False])
def test_a_stream_without_usage_is_estimated_and_marked(gateway: Gateway, usage: bool) -> None:
    subject = f"chat-{usage}".lower()
    chat = openai.OpenAI(
        base_url=f"{gateway.url}/openai/v1", api_key=gateway.issuer.agent_token("research-agent", sub=subject)
    )
    options: Any = {"stream_options": {"include_usage": True}} if usage else {}
    message: Any = [{"role": "user", "content": "play: greeting"}]
    stream = chat.chat.completions.create(model="gpt-5-mini", messages=message, stream=True, **options)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
    found = counted(gateway, subject)
    assert found.output_tokens == (8 if usage else -(-len(text) // 4))
    gateway.settled()
    query = "SELECT JSONExtractBool(body, 'data', 'usage', 'estimated') FROM audit.events"
    rows = gateway.sql(f"{query} WHERE type = 'exchange.end' AND subject = {{subject:String}}", subject=subject)
    assert list(rows) == [(not usage,)]


def test_many_tokens_wait_for_a_person_and_a_budget_denies(gateway: Gateway) -> None:
    def ask(most: int) -> Any:
        token = gateway.issuer.agent_token("research-agent", sub="busy-agent", azp="busy-agent")
        claude = anthropic.Anthropic(
            base_url=f"{gateway.url}/anthropic", api_key=token, max_retries=0,
            default_headers={"x-exeat-justification": "closes the quarter"},
        )  # fmt: skip
        message: Any = [{"role": "user", "content": "play: greeting"}]
        return claude.messages.create(model=MODEL, max_tokens=most, messages=message)

    assert ask(5900).usage.output_tokens > 0
    idle(gateway)
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(ask, 7000)
        answer(gateway, "grant")
        assert held.result().usage.output_tokens > 0
    with pytest.raises(anthropic.PermissionDeniedError, match="budget"):
        ask(16_000)


def test_the_store_agrees_with_the_counters(gateway: Gateway) -> None:
    for limit in (0, 3, 4):
        assert accounts(gateway, limit, f"agree-{limit}", sub="agree-agent").status_code == 200
    found = counted(gateway, "agree-agent")
    gateway.settled()
    sums = (
        "SELECT sum(let_out), sum(input_tokens), sum(output_tokens), sum(request_bytes), sum(response_bytes),"
        " sum(rows) FROM audit.usage WHERE subject = {subject:String}"
    )
    ((requests, *rest),) = gateway.sql(sums, subject="agree-agent")
    assert requests == found.requests == 3
    assert rest == [found.input_tokens, found.output_tokens, found.request_bytes, found.response_bytes, found.rows]
    assert found.rows == 7
    tokens = "SELECT uniqExactIf(token, token != '') FROM audit.maskings WHERE subject = {subject:String}"
    assert gateway.sql(tokens, subject="agree-agent")[0][0] == found.values


def test_every_decision_says_what_it_was_made_on(gateway: Gateway) -> None:
    said = accounts(gateway, 7, "says", sub="says-agent")
    gateway.settled()
    query = "SELECT body FROM audit.events WHERE exchange = {exchange:String} AND kind = {kind:String}"
    decision, end = (
        json.loads(gateway.sql(query, exchange=said.headers["x-exeat-decision"], kind=kind)[0][0])["data"]["usage"]
        for kind in ("decision", "exchange")
    )
    assert set(decision) == {*SCOPES, "reserved"}
    assert decision["reserved"]["rows"] == decision["session"]["rows"] == 7
    assert end["rows"] == 7
    assert not end["estimated"]


@pytest.mark.parametrize("harm", ["broken", "locked"])
def test_counters_that_cannot_be_written_close_the_gateway(gateway: Gateway, harm: str) -> None:
    gateway.serves()
    idle(gateway)
    path = gateway.settings.gateway.state_dir / "usage.db"
    with broken(path) if harm == "broken" else locked(path):
        answered = httpx.post(
            f"{gateway.url}/anthropic/v1/messages",
            headers=gateway.headers(),
            json={"model": MODEL, "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]},
            timeout=30,
        )
        assert answered.status_code == 503
        assert answered.json()["type"] == "error"
    gateway.serves()


@contextlib.contextmanager
def broken(path: Path) -> Iterator[None]:
    """Another file in its place, as a bad disk or a bad restore leaves it."""
    kept = path.with_name("kept.db")
    files = [path.with_name(path.name + end) for end in ("", "-wal", "-shm")]
    for file in files:
        if file.exists():
            file.rename(kept.with_name(kept.name + file.name.removeprefix(path.name)))
    path.write_bytes(b"not a database" * 4096)
    try:
        yield
    finally:
        for file in files:
            file.unlink(missing_ok=True)
            old = kept.with_name(kept.name + file.name.removeprefix(path.name))
            if old.exists():
                old.rename(file)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as conn:
        conn.execute("BEGIN IMMEDIATE")
        yield
        conn.execute("ROLLBACK")


def answer(gateway: Gateway, verb: str) -> None:
    """Grants or refuses the one request that waits."""
    (card,) = eventually(lambda: cards(gateway), lambda found: len(found) == 1)
    said = holds.answer(gateway, verb, card, "bob")  # alice owns one of the agents
    assert said.returncode == 0, said.stderr
