"""Two processes of authz and two of extproc behind one Envoy: one house to whoever asks, and one may die."""

import signal
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from approvals.revocations import Scope
from runtime import alive
from runtime.ids import uuid7
from tests.e2e.test_evidence import exeat
from tests.e2e.test_revocation import SLACK_S, Agent, revoke
from tests.e2e.test_usage import MOST, limited
from tests.kit.gateway import Gateway, eventually, running

pytestmark = pytest.mark.timeout(180)
# fifty at once on a busy machine: what is counted is the matter here, not how long the engine takes
SEVERAL = "[gateway]\nauthz_processes = 2\nextproc_processes = 2\n\n[engine]\ndeadline_ms = 5000"
PROBED = {"authz-0", "authz-1", "extproc", "extproc-1"}  # the metrics sockets that deploy/ names in its probes
PARTS = ("authz", "authz-1", "extproc", "extproc-1")


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with running(limited(tmp_path_factory.mktemp("policies")), SEVERAL) as gateway:
        yield gateway


def models(gateway: Gateway) -> int:
    """Each in a session of its own: these policies let a session ask ten times."""
    headers = gateway.headers(session=uuid7())
    with httpx.Client(base_url=gateway.url, headers=headers, timeout=30) as client:
        return client.get("/openai/v1/models").status_code


def answering(gateway: Gateway) -> set[str]:
    return {name for name in PROBED if alive.answers(str(gateway.settings.socket(f"{name}.metrics")))}


def all_serve(gateway: Gateway) -> None:
    """Waits until every process answers and Envoy sends to each: before that, the next to be killed is the last one."""
    eventually(lambda: answering(gateway), lambda found: found == PROBED)
    counts = [f"cluster.{name}.membership_healthy" for name in ("authz", "extproc")]
    eventually(lambda: [gateway.envoy_stat(name) for name in counts], lambda found: found == [2, 2])
    eventually(lambda: {models(gateway) for _ in range(6)}, lambda found: found == {200})


def writers(gateway: Gateway, kind: str) -> set[str]:
    """The parts that wrote events of this type."""
    rows = gateway.sql("SELECT DISTINCT writer FROM audit.events WHERE type = {kind:String}", kind=kind)
    return {str(writer).rpartition(".")[0] for (writer,) in rows}


def test_all_of_them_work_and_record(several: Gateway) -> None:
    all_serve(several)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: models(several), range(60))) == {200}
    several.settled()
    assert writers(several, "decision.allow") == {"authz-0", "authz-1"}
    assert writers(several, "exchange.end") == {"extproc", "extproc-1"}


def test_a_threshold_holds_over_both(several: Gateway) -> None:
    begin = threading.Barrier(50)

    def ask(_: int) -> int:
        headers = several.headers("ledger-agent", "fifty", sub="fifty-agent")
        with httpx.Client(base_url=several.url, headers=headers, timeout=30) as client:
            begin.wait()
            return client.get("/ledger/accounts?limit=0").status_code

    before = len(several.upstream.received)
    with ThreadPoolExecutor(50) as pool:
        assert Counter(pool.map(ask, range(50))) == {200: MOST, 403: 50 - MOST}
    assert len(several.upstream.received) - before == MOST


def test_a_revocation_reaches_both(several: Gateway) -> None:
    agent = Agent(several, "research")

    def ask() -> int:
        headers = {"authorization": f"Bearer {agent.token}", "x-exeat-session": uuid7()}
        with httpx.Client(base_url=several.url, headers=headers, timeout=30) as client:
            return client.get("/openai/v1/models").status_code

    several.serves()
    eventually(lambda: {ask() for _ in range(6)}, lambda found: found == {200})  # one that was killed is back
    revoke(several, Scope.AGENT, agent.name)
    eventually(lambda: {ask() for _ in range(12)}, lambda found: 200 not in found, SLACK_S)


def test_a_probe_sees_the_one_that_hangs(several: Gateway) -> None:
    eventually(lambda: answering(several), lambda found: found == PROBED)
    with several.frozen("authz-1"):
        eventually(lambda: answering(several), lambda found: found == PROBED - {"authz-1"})
    eventually(lambda: answering(several), lambda found: found == PROBED)


@pytest.mark.parametrize("part", PARTS)
def test_while_one_is_dead_the_other_serves(several: Gateway, part: str) -> None:
    """What was in its hands when it died may be refused; Envoy leaves it out until it is back."""
    all_serve(several)
    killed = several.signal(part, signal.SIGKILL)
    found = [models(several) for _ in range(20)]
    assert set(found) <= {200, 503}
    assert found.count(200) >= 15, found
    eventually(lambda: several.supervisor.pid(part), lambda pid: pid not in (None, killed))


def test_the_record_of_all_is_whole(several: Gateway) -> None:
    several.serves()
    several.settled()
    said = exeat(several, "audit", "verify")
    assert said.returncode == 0, said.stdout + said.stderr
