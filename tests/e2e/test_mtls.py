"""Agents that come with certificates: the SPIFFE ID is the agent, from handshake to record and revocation."""

import json
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.test_evidence import exeat
from tests.kit import gateway as kit
from tests.kit.certificates import Authority, Issued
from tests.kit.gateway import Gateway, eventually

pytestmark = pytest.mark.envoy
RESEARCH, PLANNER = "spiffe://bank.example/agents/research", "spiffe://bank.example/agents/planner"


@dataclass
class House:
    gateway: Gateway
    ca: Authority
    research: Issued
    planner: Issued

    def ask(self, client: Issued | None, **claims: Any) -> httpx.Response:
        context = ssl.create_default_context(cafile=str(self.ca.file))
        if client is not None:
            context.load_cert_chain(client.certificate, client.key)
        url = self.gateway.url.replace("http:", "https:")
        headers = self.gateway.headers(**claims)
        return httpx.get(f"{url}/openai/v1/models", headers=headers, verify=context, timeout=30)

    def recorded(self, answer: httpx.Response) -> dict[str, Any]:
        """The event of the decision."""
        exchange = answer.headers["x-exeat-decision"]
        sql = "SELECT body FROM audit.events WHERE exchange = {e:String} AND kind = 'decision'"
        ((body,),) = eventually(lambda: self.gateway.sql(sql, e=exchange), lambda rows: len(rows) == 1)
        event: dict[str, Any] = json.loads(body)
        return event


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder: Path = tmp_path_factory.mktemp("certificates")
    ca = Authority(folder)
    server = ca.issue("gateway", "127.0.0.1", "localhost")
    tls = {"certificate": server.certificate, "key": server.key, "client_ca": ca.file}
    lines = [f'{name} = "{path}"' for name, path in tls.items()]
    extra = "\n".join(["[gateway.tls]", *lines, 'client_ids = ["spiffe://bank.example/agents/"]'])
    with kit.running(extra=extra) as gateway:
        yield House(gateway, ca, ca.issue("research", RESEARCH), ca.issue("planner", PLANNER))


def test_the_certificate_says_which_agent_it_is(house: House) -> None:
    answer = house.ask(house.research)
    assert answer.status_code == 200, answer.text
    event = house.recorded(answer)
    assert event["caller"] == {"issuer": house.gateway.issuer.url, "subject": "research-agent", "agent": RESEARCH}
    frames = "SELECT content FROM audit.frames WHERE exchange = {e:String} AND direction = 'input'"
    ((given,),) = house.gateway.sql(frames, e=event["exchange"])
    assert json.loads(given)["identity"]["agent"] == RESEARCH, "policies see it, too"


def test_without_a_certificate_nobody_gets_as_far_as_a_request(house: House) -> None:
    with pytest.raises((httpx.ReadError, httpx.ConnectError)):
        house.ask(None)


def test_a_bound_token_opens_nothing_with_another_certificate(house: House) -> None:
    """RFC 8705 §3: `cnf` names the certificate; a stolen token is worth nothing without its key."""
    bound = {"cnf": {"x5t#S256": house.research.thumbprint}, "jti": "bound"}
    assert house.ask(house.research, **bound).status_code == 200
    stolen = house.ask(house.planner, **bound)
    assert (stolen.status_code, stolen.headers["x-should-retry"]) == (401, "false")
    assert "certificate" in stolen.json()["error"]["message"]
    sql = "SELECT count() FROM audit.events WHERE type = 'decision.refused' AND position(body, 'token_bound') > 0"
    eventually(lambda: house.gateway.sql(sql)[0][0], lambda count: count >= 1)


def test_an_agent_is_stopped_by_its_spiffe_id(house: House) -> None:
    assert house.ask(house.planner).status_code == 200
    said = exeat(house.gateway, "identity", "revoke", "--agent", PLANNER, "--reason", "lost key", "--as", "erin")
    assert said.returncode == 0, said.stderr
    refused = eventually(lambda: house.ask(house.planner), lambda answer: answer.status_code == 403)
    assert "revoked" in refused.json()["error"]["message"]
    assert house.ask(house.research).status_code == 200, "the same token, another agent"
