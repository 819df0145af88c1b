"""The real authz over its Unix socket, with the real engine, the starter policy and the development issuer.

Whatever fails, it is never a yes; whatever is answered is durable before the answer.
"""

import asyncio
import contextlib
import hashlib
import json
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest

from approvals.client import ApprovalsClient
from approvals.revocations import Scope
from console.dev.issuer import DevIssuer
from snapshot.verdict import Verdict
from tests.kit.authz import RunningAuthz, authz, deciding, house
from tests.kit.checks import check, message
from tests.kit.engine import EngineProcess
from tests.kit.envoy import short_folder

MESSAGES = "/anthropic/v1/messages"
HOLDING = {"method": "POST", "body": {"amount": 10, "to": "acme"}}


@pytest.fixture(scope="module")
def gateway() -> Iterator[RunningAuthz]:
    with house() as (running, _):
        yield running


@pytest.fixture
def fresh() -> Iterator[tuple[RunningAuthz, EngineProcess]]:
    """For tests that break something."""
    with house(deadline_ms=1000) as both:
        yield both


def generate(gateway: RunningAuthz, **fields: Any) -> Any:
    return gateway.ask(MESSAGES, **{"method": "POST", "body": message("claude-sonnet-5"), **fields})


def test_allow(gateway: RunningAuthz) -> None:
    answer = generate(gateway)
    assert answer.status == 0, answer.response
    verdict = Verdict.from_metadata(answer.metadata)
    assert (verdict.effect, verdict.rule, verdict.owner) == ("allow", "generation", "alice@bank.example")
    event = gateway.event(verdict.exchange)
    assert (event["type"], event["caller"]["subject"]) == ("decision.allow", "research-agent")
    assert event["data"]["snapshot"] == verdict.snapshot
    content = gateway.frame(verdict.exchange)
    assert hashlib.sha256(content).hexdigest() == event["data"]["input_hash"]
    assert json.loads(content)["action"]["model"] == "claude-sonnet-5"
    assert event["data"]["request_digest"] == verdict.request_digest


def test_the_token_is_taken_away_wherever_it_was(gateway: RunningAuthz) -> None:
    token = gateway.issuer.agent_token("research-agent")
    answer = generate(gateway, token="", headers=[("x-api-key", token)])
    assert answer.status == 0
    assert {"authorization", "x-api-key"} <= set(answer.response.ok_response.headers_to_remove)
    assert token not in str(gateway.events())


def test_deny(gateway: RunningAuthz) -> None:
    answer = generate(gateway, agent="intern-agent")
    assert (answer.status, answer.body["error"]["code"]) == (403, "denied")
    event = gateway.event(answer.metadata["exchange"])
    assert (event["type"], event["data"]["reasons"][0]["rule"]) == ("decision.deny", "no_role")
    assert event["exchange"] in answer.body["error"]["message"]


def test_hold(gateway: RunningAuthz) -> None:
    answer = gateway.ask(
        "/ledger/transfers", agent="ledger-agent", headers=[("x-exeat-justification", "rent")], **HOLDING
    )
    verdict = Verdict.from_metadata(answer.metadata)
    assert (answer.status, verdict.effect, verdict.owner) == (0, "hold", "dave@bank.example")
    assert verdict.approval is not None
    assert verdict.approval.any == ("ledger-approvers",)
    assert gateway.event(verdict.exchange)["data"]["justification"] == "rent"


def test_sql_that_reads_and_sql_that_writes(gateway: RunningAuthz) -> None:
    def effect(query: str) -> str:
        answer = gateway.ask("/ledger/query", agent="ledger-agent", method="POST", body={"query": query})
        return answer.metadata["effect"]

    assert effect("select 1 from a") == "allow"
    assert effect("update a set b = 1 where c = 2") == "hold"
    for query in ("delete from a", "select 1; drop table a", "select $$x$$", "select 1 --1; drop table a"):
        assert effect(query) in ("hold", "deny"), query


def test_what_the_floor_masks_is_nowhere(gateway: RunningAuthz) -> None:
    cards = "4111 1111 1111 1111", "alice@private.example"
    answer = generate(gateway, body=message("claude-sonnet-5", f"card {cards[0]}, mail {cards[1]}"))
    event = gateway.event(answer.metadata["exchange"])
    kept = json.dumps(gateway.events()) + gateway.frame(event["exchange"]).decode()
    assert not any(secret in kept for secret in cards)
    assert {finding["rule"] for finding in event["data"]["findings"]} >= {"card", "email"}


def test_findings_deny(gateway: RunningAuthz) -> None:
    cards = " ".join(["4111 1111 1111 1111,", "5555 5555 5555 4444,", "3782 822463 10005,", "6011 1111 1111 1117,"])
    answer = generate(gateway, body=message("claude-sonnet-5", cards))
    assert answer.status == 403
    event = gateway.event(answer.metadata["exchange"])
    assert event["data"]["reasons"][0]["rule"] == "cards_in_request"


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"token": ""}, 401),
        ({"token": "x.y.z"}, 401),
        ({"path": "/anthropic/../ledger/x"}, 400),
        ({"path": "/nowhere/x"}, 404),
        ({"body": b'{"model":"a","model":"b"}'}, 400),
        ({"body": b"\x1f\x8b", "headers": [("content-encoding", "gzip")]}, 415),
        ({"body": b"x" * 100, "headers": [("content-type", "image/png")]}, 415),
    ],
)
def test_what_never_reaches_the_policy(gateway: RunningAuthz, fields: dict[str, Any], status: int) -> None:
    told = {"path": MESSAGES, "method": "POST", "body": message(), **fields}
    assert gateway.ask(**told).status == status


def test_people_are_no_agents(gateway: RunningAuthz) -> None:
    both = gateway.issuer.person_token("alice", audience=["exeat", "exeat-people"])
    for token in (gateway.issuer.person_token("alice"), gateway.issuer.id_token("alice", "exeat-cli"), both):
        answer = generate(gateway, token=token)
        assert (answer.status, answer.body["error"]["code"]) == (401, "token_audience")


def test_tokens_end(gateway: RunningAuthz) -> None:
    assert generate(gateway, token=gateway.issuer.agent_token("research-agent", lifetime_s=-60)).status == 401


def test_a_new_signing_key_is_found(gateway: RunningAuthz) -> None:
    generate(gateway)
    gateway.issuer.keys.rotate("ES256")
    deadline = time.monotonic() + 15  # unknown keys are looked for every 5 s
    while (answer := generate(gateway)).status and time.monotonic() < deadline:
        assert answer.status == 401
        time.sleep(0.2)
    assert answer.status == 0


def test_a_session_is_named_by_the_caller(gateway: RunningAuthz) -> None:
    def session(agent: str, name: str) -> str:
        answer = generate(gateway, agent=agent, headers=[("x-exeat-session", name)])
        return str(gateway.event(answer.metadata["exchange"])["session"])

    assert session("research-agent", "a") == session("research-agent", "a") != session("research-agent", "b")
    assert session("intern-agent", "a") != session("research-agent", "a")


def test_many_at_once_are_all_recorded(gateway: RunningAuthz) -> None:
    token = gateway.issuer.agent_token("research-agent")
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: generate(gateway, token=token), range(100)))
    assert {answer.status for answer in answers} == {0}
    recorded = [event["exchange"] for event in gateway.events()]
    assert all(recorded.count(answer.metadata["exchange"]) == 1 for answer in answers)
    assert [event["seq"] for event in gateway.events()] == list(range(1, len(gateway.events()) + 1))


def test_garbage_on_the_socket(gateway: RunningAuthz) -> None:
    call = gateway.channel.unary_unary("/envoy.service.auth.v3.Authorization/Check")
    with pytest.raises(grpc.RpcError):
        call(b"\xff\xff\xff", timeout=10)
    assert generate(gateway).status == 0


def test_the_engine_goes_and_comes_back(fresh: tuple[RunningAuthz, EngineProcess]) -> None:
    gateway, engine = fresh
    assert generate(gateway).status == 0
    engine.process.kill()
    engine.process.wait()
    answer = generate(gateway)
    assert (answer.status, answer.body["error"]["code"]) == (503, "gateway_unavailable")
    assert gateway.event(answer.metadata["exchange"])["data"]["code"] == "engine_down"


def test_a_slow_engine_is_a_no_in_time_and_recorded_although_the_caller_left(
    fresh: tuple[RunningAuthz, EngineProcess],
) -> None:
    gateway, engine = fresh
    assert generate(gateway).status == 0
    with frozen(engine.process.pid):
        began = time.monotonic()
        answer = generate(gateway)
        assert (answer.status, time.monotonic() - began < 5) == (503, True)
        token = gateway.issuer.agent_token("research-agent")
        left = gateway.stub().Check.future(check(MESSAGES, method="POST", token=token, body=message("m")))
        time.sleep(0.2)
        left.cancel()
        time.sleep(2)
    refused = [event["data"]["code"] for event in gateway.events() if event["type"] == "decision.refused"]
    assert refused == ["engine_slow", "engine_slow"]


def test_a_revoked_agent_is_stopped_within_a_second(fresh: tuple[RunningAuthz, EngineProcess]) -> None:
    gateway, _ = fresh
    assert generate(gateway).status == 0
    admin = gateway.issuer.add_person("erin", groups=["exeat-admins"])
    token = gateway.issuer.person_token(admin.name)

    async def revoke() -> str:
        async with ApprovalsClient(gateway.settings.socket("approvals"), token) as client:
            return (await client.revoke(Scope.AGENT, "research-agent", "stolen laptop")).id

    made = asyncio.run(revoke())
    began = time.monotonic()
    while (answer := generate(gateway)).status == 0:
        assert time.monotonic() - began < 1
    assert (answer.status, answer.body["error"]["code"]) == (403, "revoked")
    assert gateway.event(answer.metadata["exchange"])["data"]["revocation"] == made
    assert generate(gateway, agent="intern-agent").body["error"]["code"] == "denied"


def test_when_approvals_is_silent_nobody_goes_on(fresh: tuple[RunningAuthz, EngineProcess]) -> None:
    gateway, _ = fresh
    assert generate(gateway).status == 0
    assert gateway.approvals.process is not None
    with frozen(gateway.approvals.process.pid):
        assert generate(gateway).status == 0, "a short silence is no reason to stop"
        time.sleep(5.5)
        answer = generate(gateway)
        assert answer.status == 503
        assert gateway.event(answer.metadata["exchange"])["data"]["code"] == "revocations_unknown"
    deadline = time.monotonic() + 10
    while generate(gateway).status:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_full_spool_closes_the_gateway() -> None:
    with house(["[spool]", f"max_bytes = {1 << 20}", "reserved_percent = 50"]) as (gateway, _):
        statuses = []
        for _ in range(60):
            statuses.append(generate(gateway, body=message("claude-sonnet-5", tools=_tools(400))).status)
            if statuses[-3:] == [503] * 3:
                break
        assert statuses[0] == 0
        assert statuses[-3:] == [503] * 3
        granted = [event for event in gateway.events() if event["type"] == "decision.allow"]
        assert len(granted) == statuses.count(0)
        assert gateway.ask(MESSAGES, token="", method="POST", body=message()).status == 401


def _tools(count: int) -> list[dict[str, str]]:
    """A request whose description is large, so that the spool is full soon."""
    return [{"name": f"tool-{number}-{'x' * 200}"} for number in range(count)]


@pytest.mark.parametrize("endpoint", ["discovery", "jwks"])
def test_an_issuer_without_keys(endpoint: str) -> None:
    with short_folder() as folder, DevIssuer.serving() as issuer, deciding(folder) as engine:
        issuer.set_mode(endpoint, "failing")
        with authz(folder, engine.url, issuer) as gateway:
            for mode in ("failing", "garbage", "hang"):
                issuer.set_mode(endpoint, mode)
                began = time.monotonic()
                answer = generate(gateway)
                assert time.monotonic() - began < 4.5
                assert (answer.status, answer.body["error"]["code"]) == (503, "gateway_unavailable")
                time.sleep(2.1)  # the pause between two attempts
            issuer.set_mode(endpoint, "slow", 0.5)
            assert generate(gateway).status == 0


def test_no_snapshot_no_yes() -> None:
    with short_folder() as folder, DevIssuer.serving() as issuer, deciding(folder) as engine:
        (folder / "state" / "current").unlink()
        with authz(folder, engine.url, issuer) as gateway:
            assert generate(gateway).status == 503


def test_a_stop_ends_the_epoch_and_a_start_goes_on() -> None:
    with short_folder() as folder, DevIssuer.serving() as issuer, deciding(folder) as engine:
        for _ in range(2):
            with authz(folder, engine.url, issuer) as gateway:
                assert generate(gateway).status == 0
                gateway.process.terminate()
                assert gateway.process.wait(20) == 0
        types = [event["type"] for event in gateway.events()]
        assert types == ["lifecycle.start", "decision.allow", "lifecycle.stop"] * 2


@contextlib.contextmanager
def frozen(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
