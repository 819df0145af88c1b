"""Who is revoked stays revoked, whatever is killed: the fact is on disk before anybody is told of it."""

import signal

import pytest

from approvals.revocations import Scope
from tests.e2e.test_evidence import exeat
from tests.e2e.test_revocation import Agent, probe, revoke
from tests.kit.gateway import Gateway, eventually

pytestmark = pytest.mark.timeout(180)


@pytest.mark.parametrize("killed", [("approvals",), ("authz", "extproc"), ("approvals", "authz", "extproc")])
def test_a_revocation_survives(gateway: Gateway, killed: tuple[str, ...]) -> None:
    gateway.serves()
    agent = Agent(gateway, "research")
    assert probe(agent) == 200
    eventually(lambda: exeat(gateway, "identity", "revoked", "--as", "erin").returncode, lambda code: code == 0)
    revoke(gateway, Scope.AGENT, agent.name)
    eventually(lambda: probe(agent), lambda status: status == 403)
    for part in killed:
        before = gateway.signal(part, signal.SIGKILL)
        eventually(lambda part=part: gateway.supervisor.pid(part), lambda pid, gone=before: pid not in (None, gone))
    seen = {probe(agent)}  # while parts come back: refused one way or the other, never served
    gateway.serves()
    seen |= {probe(agent) for _ in range(5)}
    assert seen <= {403, 503, 0}
    assert probe(agent) == 403
