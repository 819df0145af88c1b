"""Two whole gateways on one PostgreSQL, each with an Envoy, issuer and upstream of its own: what one knows, both do.

`make test-pair`: twenty processes on two cores keep their deadlines on a quiet machine alone, so
`make test-more` leaves it out. What they do to each other in the shared database is tested there process by process.
"""

import shutil
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import httpx
import pytest

from approvals.machine import Approval
from approvals.revocations import Scope
from tests.kit import gateway as kit
from tests.kit.approver import Approver
from tests.kit.gateway import POLICIES, Gateway, eventually
from tests.kit.postgres import Server

pytestmark = [pytest.mark.pair, pytest.mark.timeout(400)]
MOST = 10  # requests to one connection in an hour, of all gateways
PACK = f"""package packs.two_gateways_test

import data.exeat.reason

# METADATA
# title: So many requests to this connection
# custom:
#   rule: connection_requests
#   controls: []
deny contains reason(rego.metadata.rule(), "This connection has had its requests.") if {{
	input.connection.name == "openai"
	input.usage.connection.hour.requests > {MOST}
}}
"""
BODY = {"from": "GB82WEST12345698765432", "to": "DE89370400440532013000"}


@pytest.fixture(scope="module")
def pair(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gateway, Gateway]]:
    policies = tmp_path_factory.mktemp("policies") / "policies"
    shutil.copytree(POLICIES, policies)
    (policies / "packs" / "two-gateways-test").mkdir()
    (policies / "packs" / "two-gateways-test" / "two_gateways_test_rules.rego").write_text(PACK)
    extra = f"[engine]\ndeadline_ms = 5000\n\n{server.settings(server.empty())}"
    with kit.running(policies, extra, name="a") as a, kit.running(policies, extra, name="b") as b:
        yield a, b


def transfer(gateway: Gateway, amount: str) -> httpx.Response:
    headers = gateway.headers("ledger-agent") | {"x-exeat-justification": "pays invoice 4711"}
    return httpx.post(f"{gateway.url}/ledger/transfers", json=BODY | {"amount": amount}, headers=headers, timeout=90)


def card(person: Approver, future: "Future[httpx.Response]") -> Approval:
    (found,) = person.expect(future)
    return found


def test_a_hold_of_one_gateway_is_granted_at_the_other(pair: tuple[Gateway, Gateway]) -> None:
    a, b = pair
    alice, before = Approver(b), [len(gateway.upstream.bookings) for gateway in pair]
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(transfer, a, "1.00")
        found = card(alice, asked)
        assert '"1.00"' in alice.view(found).content, "what is held there is shown here"
        alice.grant(found)
        assert asked.result(60).status_code == 201
    assert [len(gateway.upstream.bookings) for gateway in pair] == [before[0] + 1, before[1]]
    a.settled()
    b.settled()
    query = "SELECT type FROM audit.events WHERE position(body, {id:String}) > 0 AND kind = 'approval'"
    story = [sorted(str(row[0]) for row in gateway.sql(query, id=found.id)) for gateway in pair]
    assert story == [["approval.requested", "approval.used"], ["approval.granted"]]


def test_fifty_at_two_gateways_let_exactly_the_allowed_ones_through(pair: tuple[Gateway, Gateway]) -> None:
    def reached() -> int:
        return sum(
            entry["path"].endswith("/v1/models") for gateway in pair for entry in list(gateway.upstream.received)
        )

    begin, before = threading.Barrier(50), reached()

    def ask(number: int) -> int:
        gateway = pair[number % 2]
        headers = gateway.headers("research-agent", f"session-{number}")
        begin.wait()
        return httpx.get(f"{gateway.url}/openai/v1/models", headers=headers, timeout=60).status_code

    with ThreadPoolExecutor(50) as pool:
        answers = Counter(pool.map(ask, range(50)))
    assert answers == {200: MOST, 403: 50 - MOST}
    assert reached() - before == MOST


def test_a_revocation_at_one_gateway_ends_a_stream_at_the_other(pair: tuple[Gateway, Gateway]) -> None:
    a, b = pair
    b.issuer.add_agent("stopped-agent", ("research",), "dave@bank.example")
    asked = {"model": "claude-sonnet-5", "max_tokens": 500, "stream": True}
    asked["messages"] = [{"role": "user", "content": "play: long"}]
    headers = b.headers("stopped-agent") | {"anthropic-version": "2023-06-01"}
    with httpx.stream("POST", f"{b.url}/anthropic/v1/messages", json=asked, headers=headers, timeout=90) as stream:
        assert stream.status_code == 200
        lines = stream.iter_lines()
        assert "message_start" in next(lines)
        Approver(a, "erin").call(lambda client: client.revoke(Scope.AGENT, "stopped-agent", "stolen"))
        rest = "\n".join(lines)
    assert "revoked" in rest
    assert "message_stop" not in rest
    again = httpx.post(f"{b.url}/anthropic/v1/messages", json=asked, headers=headers, timeout=30)
    assert again.status_code == 403, "and nothing new begins"


def test_a_process_that_is_killed_while_its_gateway_holds(pair: tuple[Gateway, Gateway]) -> None:
    a, b = pair
    alice = Approver(b)
    before = len(a.upstream.bookings)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(transfer, a, "2.00")
        found = card(alice, asked)
        killed = a.signal("approvals", signal.SIGKILL)
        assert alice.grant(found).state == "granted"
        assert asked.result(60).status_code == 201
    assert len(a.upstream.bookings) == before + 1
    assert eventually(lambda: a.supervisor.pid("approvals"), bool) != killed


def test_without_the_database_both_refuse_until_it_is_back(pair: tuple[Gateway, Gateway], server: Server) -> None:
    def statuses() -> list[int]:
        asked = {"model": "claude-sonnet-5", "max_tokens": 50, "messages": [{"role": "user", "content": "hello"}]}
        found = []
        for gateway in pair:
            headers = gateway.headers() | {"anthropic-version": "2023-06-01"}
            url = f"{gateway.url}/anthropic/v1/messages"
            found.append(httpx.post(url, json=asked, headers=headers, timeout=30).status_code)
        return found

    eventually(statuses, lambda found: found == [200, 200], 60)
    before = [len(gateway.upstream.received) for gateway in pair]
    server.stop()
    try:
        assert statuses() == [503, 503]
        assert [len(gateway.upstream.received) for gateway in pair] == before
    finally:
        server.start()
    eventually(statuses, lambda found: found == [200, 200], 90)
