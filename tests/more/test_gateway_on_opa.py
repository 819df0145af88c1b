"""The whole gateway with a real OPA server in the place of the embedded engine: one URL changes, nothing else.

OPA follows `<state_dir>/opa/bundle.tar.gz`, as docker-compose.yml runs it.
"""

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import openai
import pytest

from console.parts import parts
from snapshot import layout
from tests.e2e.test_holds import answer, held, transfer
from tests.kit import gateway as kit
from tests.kit import more
from tests.kit.gateway import Gateway, eventually
from tests.kit.opa import OpaServer, opa_server

pytestmark = pytest.mark.more
MODEL = "gpt-5"


class House:
    """A gateway, and the OPA server that decides for it; `stack` ends whichever server runs last."""

    def __init__(self, gateway: Gateway, stack: contextlib.ExitStack) -> None:
        self.gateway, self._stack = gateway, stack
        self.archive = gateway.settings.gateway.state_dir / "opa" / "bundle.tar.gz"
        eventually(self.archive.exists, bool)
        self.start()

    def start(self) -> None:
        port = self.gateway.house.ports["engine"]
        server = opa_server(more.opa(), "--watch", "--bundle", str(self.archive), port=port)
        self.opa: OpaServer = self._stack.enter_context(server)
        self.gateway.serves()

    def digest(self) -> str:
        found: str = self.opa.ask("GET", "/v1/data/snapshot/digest")[1]["result"]
        return found

    def kill(self) -> None:
        self.opa.process.kill()
        self.opa.process.wait()


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    more.opa()  # before the gateway is started in vain
    with kit.running(extra="[engine]\nembedded = false") as gateway, contextlib.ExitStack() as stack:
        yield House(gateway, stack)


@pytest.fixture
def gateway(house: House) -> Gateway:
    return house.gateway


def client(gateway: Gateway, agent: str = "research-agent") -> openai.OpenAI:
    key = gateway.issuer.agent_token(agent)
    return openai.OpenAI(base_url=f"{gateway.url}/openai/v1", api_key=key, max_retries=0)


def said(gateway: Gateway, text: str, agent: str = "research-agent", model: str = MODEL) -> str:
    messages = [{"role": "user", "content": text}]
    whole = client(gateway, agent).chat.completions.create(model=model, messages=messages)  # type: ignore[arg-type]
    return whole.choices[0].message.content or ""


def test_no_engine_of_ours_runs(gateway: Gateway) -> None:
    assert "engine" not in [part.name for part in parts(gateway.settings, gateway.house.config)]


def test_allow(gateway: Gateway) -> None:
    answered = client(gateway).chat.completions.with_raw_response.create(
        model=MODEL, messages=[{"role": "user", "content": "hello"}]
    )
    exchange = answered.headers["x-exeat-decision"]
    events = eventually(lambda: gateway.events(exchange), lambda found: "exchange.end" in found)
    assert events[0] == "decision.allow"


def snapshot_of(gateway: Gateway) -> str:
    """The digest that the record of one more exchange names."""
    with gateway.client() as http:
        exchange = http.get("/openai/v1/models").headers["x-exeat-decision"]
    eventually(lambda: gateway.events(exchange), lambda found: "exchange.end" in found)
    ((digest,),) = gateway.sql("SELECT snapshot FROM audit.decisions WHERE exchange = {e:String}", e=exchange)
    return str(digest)


def test_opa_follows_the_snapshots_and_the_record_names_them(house: House) -> None:
    gateway = house.gateway
    first = snapshot_of(gateway)
    assert first == house.digest() == layout.current(gateway.settings.gateway.state_dir)
    (gateway.house.folder / "policies" / "data" / "more.yaml").write_text("more: true\n")
    second = eventually(house.digest, lambda found: found != first)
    assert snapshot_of(gateway) == second == layout.current(gateway.settings.gateway.state_dir)


def test_mask(gateway: Gateway) -> None:
    text = said(gateway, "play: customer")
    assert "Ada Lovell" in text
    for secret in ("4111", "536-22-1234", "GB82WEST12345698765432"):
        assert secret not in text


def test_deny(gateway: Gateway) -> None:
    with pytest.raises(openai.PermissionDeniedError) as denied:
        said(gateway, "hello", agent="intern-agent")
    assert denied.value.response.headers["x-exeat-decision"] in str(denied.value)


def test_hold_and_grant(gateway: Gateway) -> None:
    before = len(gateway.upstream.bookings)
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(transfer, gateway, "7.00")
        card = held(gateway, future)
        assert len(gateway.upstream.bookings) == before
        assert answer(gateway, "grant", card).returncode == 0
        response = future.result(30)
    assert response.status_code == 201, response.text
    assert len(gateway.upstream.bookings) == before + 1


def test_without_opa_nothing_is_decided_and_nothing_passes(house: House) -> None:
    gateway = house.gateway
    before = len(gateway.upstream.received)
    house.kill()
    for path in ("/openai/v1/models", "/ledger/accounts"):
        refused = httpx.get(gateway.url + path, headers=gateway.headers(), timeout=30)
        assert refused.status_code == 503, refused.text
    with pytest.raises(openai.InternalServerError) as failed:
        said(gateway, "hello")
    assert failed.value.status_code == 503
    assert len(gateway.upstream.received) == before
    house.start()
    said(gateway, "hello")
