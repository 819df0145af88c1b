"""Somebody of the house stops an agent: real Envoy, real SDKs. Whatever the agent was doing ends within a second."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import anthropic
import httpx
import openai
import pytest

from approvals.client import ApprovalsClient
from approvals.revocations import Revocation, Scope
from tests.e2e.test_evidence import exeat
from tests.kit.gateway import Gateway, eventually

PROMISE_S = 1.0
SLACK_S = 3 * PROMISE_S  # a machine that is busy with other tests; bench/revocation.py measures the promise
MODEL, GPT = "claude-sonnet-5", "gpt-5"
LONG: Any = [{"role": "user", "content": "play: long"}]
TRANSFER = {"from": "GB82WEST12345698765432", "to": "DE89370400440532013000", "amount": "9.00"}


class Agent:
    """A new one for each test, so that whom it stops is nobody else's agent."""

    count = 0

    def __init__(self, gateway: Gateway, group: str, **claims: Any) -> None:
        Agent.count += 1
        self.name = f"stopped-agent-{Agent.count}"
        gateway.issuer.add_agent(self.name, (group,), "dave@bank.example")
        self.session = f"stopped-{Agent.count}"
        self.jti = f"jti-of-{self.name}"
        self.gateway = gateway
        self.token = gateway.issuer.agent_token(self.name, jti=self.jti, **claims)

    def openai(self, connection: str = "openai/v1", **options: Any) -> openai.OpenAI:
        headers = {"x-exeat-session": self.session, "x-exeat-justification": "pays invoice 4711"}
        url = f"{self.gateway.url}/{connection}"
        return openai.OpenAI(base_url=url, api_key=self.token, default_headers=headers, max_retries=0, **options)

    def anthropic(self) -> anthropic.Anthropic:
        headers = {"x-exeat-session": self.session}
        url = f"{self.gateway.url}/anthropic"
        return anthropic.Anthropic(base_url=url, api_key=self.token, default_headers=headers, max_retries=0)

    def transfer(self, **options: Any) -> Any:
        return self.openai("ledger", **options).post("/transfers", body=TRANSFER, cast_to=object)

    def value(self, scope: Scope) -> str:
        """What a revocation of this scope names."""
        sql = "SELECT any(session) FROM audit.events WHERE type = 'decision.allow' AND agent = {agent:String}"
        if scope is Scope.SESSION:
            rows = eventually(lambda: self.gateway.sql(sql, agent=self.name), lambda rows: bool(rows[0][0]))
            return str(rows[0][0])
        return self.jti if scope is Scope.JTI else self.name


def revoke(gateway: Gateway, scope: Scope, value: str, reason: str = "stolen laptop") -> Revocation:
    async def ask() -> Revocation:
        async with ApprovalsClient(gateway.settings.socket("approvals"), gateway.issuer.person_token("erin")) as erin:
            return await erin.revoke(scope, value, reason)

    return asyncio.run(ask())


def ended(gateway: Gateway, made: Revocation, exchange: str) -> dict[str, Any]:
    """The end of the exchange as recorded: by this revocation, and within the promise."""
    sql = "SELECT body FROM audit.events WHERE exchange = {e:String} AND type = 'exchange.end'"
    ((body,),) = eventually(lambda: gateway.sql(sql, e=exchange), lambda rows: len(rows) == 1)
    event: dict[str, Any] = json.loads(body)
    data: dict[str, Any] = event["data"]
    assert (data["code"], data["revocation"]) == ("revoked", made.id)
    assert event["ts"] - made.made.at_us < SLACK_S * 1_000_000
    return data


@pytest.mark.parametrize("scope", list(Scope))
def test_new_requests(gateway: Gateway, scope: Scope) -> None:
    agent, bystander = Agent(gateway, "research"), Agent(gateway, "research")
    for somebody in (agent, bystander):
        somebody.openai().models.list()
    made = revoke(gateway, scope, agent.value(scope))
    time.sleep(PROMISE_S)
    with pytest.raises(openai.PermissionDeniedError, match="revoked") as refused:
        agent.openai().models.list()
    assert refused.value.response.headers["x-should-retry"] == "false"
    with pytest.raises(anthropic.PermissionDeniedError, match="revoked"):
        agent.anthropic().messages.create(model=MODEL, max_tokens=5, messages=LONG)
    bystander.openai().models.list()
    sql = "SELECT count() FROM audit.events WHERE position(body, {id:String}) > 0 AND agent = {a:String}"
    eventually(lambda: gateway.sql(sql, id=made.id, a=agent.name)[0][0], lambda count: count >= 1)


def anthropic_stream(agent: Agent, began: Callable[[str], None]) -> str:
    with agent.anthropic().messages.stream(model=MODEL, max_tokens=500, messages=LONG) as stream:
        for number, _ in enumerate(stream):
            if number == 3:
                began(stream.response.headers["x-exeat-decision"])
    return "it ended well"


def chat_stream(agent: Agent, began: Callable[[str], None]) -> str:
    raw = agent.openai().chat.completions.with_raw_response.create(model=GPT, messages=LONG, stream=True)
    for number, _ in enumerate(raw.parse()):
        if number == 3:
            began(raw.headers["x-exeat-decision"])
    return "it ended well"


def responses_stream(agent: Agent, began: Callable[[str], None]) -> str:
    raw = agent.openai().responses.with_raw_response.create(model=GPT, input="play: long", stream=True)
    for number, event in enumerate(raw.parse()):
        if number == 3:
            began(raw.headers["x-exeat-decision"])
        if event.type == "error":
            return event.message
    return "it ended well"


@pytest.mark.parametrize(
    ("streaming", "scope"),
    [
        (anthropic_stream, Scope.AGENT),
        (chat_stream, Scope.JTI),
        (responses_stream, Scope.SUBJECT),
        (anthropic_stream, Scope.SESSION),
    ],
)
def test_open_streams(gateway: Gateway, streaming: Callable[..., str], scope: Scope) -> None:
    agent = Agent(gateway, "research")
    if scope is Scope.SESSION:
        agent.openai().models.list()
    value = agent.value(scope)
    flows, exchanges = threading.Event(), []

    def began(exchange: str) -> None:
        exchanges.append(exchange)
        flows.set()

    with ThreadPoolExecutor(1) as pool:
        told = pool.submit(streaming, agent, began)
        assert flows.wait(20), told.result(1)
        made = revoke(gateway, scope, value)
        returned = time.monotonic()
        message = said(told)
        assert time.monotonic() - returned < SLACK_S
    assert "revoked" in message
    assert ended(gateway, made, exchanges[0])["outcome"] == "cut"


def said(told: "Future[str]") -> str:
    """What the SDK made of the end; only a well-formed event becomes an error of the API's own kind."""
    try:
        return told.result(20)
    except (anthropic.APIConnectionError, openai.APIConnectionError) as error:
        return f"cut off: {error!r}"
    except (anthropic.APIStatusError, openai.APIError) as error:
        return str(error)


@pytest.fixture
def bookings(gateway: Gateway) -> Iterator[None]:
    """Nothing of what is stopped reaches the upstream."""
    before = len(gateway.upstream.bookings)
    yield
    assert len(gateway.upstream.bookings) == before


def waiting(gateway: Gateway, agent: Agent, state: str = "requested") -> str:
    """The approval that the agent's request is held for."""

    def look() -> list[str]:
        listed = exeat(gateway, "approvals", "list", "--all", "--as", "alice", "--json")
        return [
            card["id"] for card in json.loads(listed.stdout) if (card["agent"], card["state"]) == (agent.name, state)
        ]

    (found,) = eventually(look, lambda found: len(found) == 1)
    return found


@pytest.mark.usefixtures("bookings")
@pytest.mark.parametrize("scope", [Scope.AGENT, Scope.JTI])
def test_held_requests(gateway: Gateway, scope: Scope) -> None:
    agent = Agent(gateway, "finance")
    with ThreadPoolExecutor(1) as pool:
        told = pool.submit(agent.transfer)
        approval = waiting(gateway, agent)
        revoke(gateway, scope, agent.value(scope))
        returned = time.monotonic()
        with pytest.raises(openai.PermissionDeniedError) as refused:
            told.result(20)
        assert "revoked" in refused.value.response.text or "withdrawn" in refused.value.response.text
        assert time.monotonic() - returned < SLACK_S
    assert waiting(gateway, agent, "withdrawn") == approval
    late = exeat(gateway, "approvals", "grant", approval, "--as", "alice", "--justification", "too late")
    assert late.returncode != 0


@pytest.mark.usefixtures("bookings")
def test_granted_and_unused_approvals(gateway: Gateway) -> None:
    """The client was told that nobody has answered yet, and has a minute to come back for its grant."""
    agent = Agent(gateway, "finance")
    with pytest.raises(openai.PermissionDeniedError) as pending:
        agent.transfer(timeout=5.0)
    assert pending.value.response.json()["code"] == "approval_pending"
    approval = waiting(gateway, agent)
    granted = exeat(gateway, "approvals", "grant", approval, "--as", "alice", "--justification", "checked")
    assert granted.returncode == 0, granted.stderr
    made = revoke(gateway, Scope.SUBJECT, agent.name)
    assert waiting(gateway, agent, "withdrawn") == approval
    with pytest.raises(openai.PermissionDeniedError) as refused:
        agent.transfer()
    assert "revoked" in refused.value.response.text
    lifted = exeat(gateway, "identity", "lift", made.id, "--as", "erin", "--reason", "found again")
    assert lifted.returncode == 0, lifted.stderr
    with ThreadPoolExecutor(1) as pool:
        time.sleep(PROMISE_S)
        told = pool.submit(agent.transfer)
        assert waiting(gateway, agent) != approval, "its old grant does not come back"
        revoke(gateway, Scope.SUBJECT, agent.name)
        with pytest.raises(openai.PermissionDeniedError):
            told.result(20)


def test_by_command(gateway: Gateway) -> None:
    agent = Agent(gateway, "research")
    agent.openai().models.list()
    done = exeat(
        gateway, "identity", "revoke", "--agent", agent.name, "--reason", "4711: odd", "--as", "erin", "--json"
    )
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    listed = exeat(gateway, "identity", "revoked", "--as", "carol")
    assert f"{made['id']}  agent {agent.name}" in listed.stdout
    assert "by erin@bank.example: 4711: odd" in listed.stdout
    time.sleep(PROMISE_S)
    with pytest.raises(openai.PermissionDeniedError):
        agent.openai().models.list()
    assert exeat(gateway, "identity", "lift", made["id"], "--reason", "ok", "--as", "erin").returncode == 0
    eventually(lambda: probe(agent), lambda status: status == 200)
    assert made["id"] not in exeat(gateway, "identity", "revoked", "--as", "carol").stdout
    assert "(lifted" in exeat(gateway, "identity", "revoked", "--all", "--as", "carol").stdout
    sql = "SELECT type FROM audit.events WHERE position(body, {id:String}) > 0 AND type LIKE 'identity.%'"
    recorded = eventually(lambda: gateway.sql(sql + " ORDER BY log_index", id=made["id"]), lambda rows: len(rows) == 2)
    assert [row[0] for row in recorded] == ["identity.revoked", "identity.restored"]


def probe(agent: Agent) -> int:
    headers = {"authorization": f"Bearer {agent.token}", "x-exeat-session": agent.session}
    return httpx.get(f"{agent.gateway.url}/openai/v1/models", headers=headers, timeout=5).status_code


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["revoke", "--agent", "a", "--reason", "r", "--as", "alice"], "exeat-admins"),
        (["revoke", "--agent", "a", "--subject", "b", "--reason", "r", "--as", "erin"], "exactly one"),
        (["revoke", "--reason", "r", "--as", "erin"], "exactly one"),
        (["revoke", "--agent", "a", "--as", "erin"], "--reason"),
        (["revoked", "--as", "dave"], "auditor"),
        (["lift", "no-such", "--reason", "r", "--as", "erin"], "no such revocation"),
    ],
)
def test_who_may_not_and_what_is_unclear(gateway: Gateway, arguments: list[str], says: str) -> None:
    refused = exeat(gateway, "identity", *arguments)
    assert refused.returncode in (1, 2)
    assert says in refused.stderr
    assert "Traceback" not in refused.stderr
