"""One trace through Envoy, authz, extproc and approvals, at a real OTLP endpoint; nothing of a caller in it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.e2e.test_holds import answer, held, transfer
from tests.kit.collector import Collector, Seen, collector
from tests.kit.gateway import Gateway, eventually, running

pytestmark = pytest.mark.timeout(120)
PLANTED = "planted-words-of-a-caller"
FORGED = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture(scope="module")
def seen() -> Iterator[Collector]:
    with collector() as found:
        yield found


@pytest.fixture(scope="module")
def traced(seen: Collector) -> Iterator[Gateway]:
    with running(extra=f'[tracing]\nendpoint = "{seen.url}"\n') as gateway:
        yield gateway


def spans(seen: Collector, exchange: str, names: set[str]) -> list[Seen]:
    """Of the exchange's trace, once these are there, and above each of them what it names as its parent."""

    def found() -> list[Seen]:
        traces = {span.trace for span in seen.spans if span.attributes.get("exeat.exchange") == exchange}
        return [span for trace in traces for span in seen.of(trace)]

    def whole(spans: list[Seen]) -> bool:
        parents = {span.parent for span in spans} - {""}
        return names <= {span.name for span in spans} and parents <= {span.id for span in spans}

    return eventually(found, whole, 60)


def test_one_trace_from_envoy_to_approvals(traced: Gateway, seen: Collector) -> None:
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(transfer, traced, "7.00")
        assert answer(traced, "grant", held(traced, future)).returncode == 0
        response = future.result(30)
    assert response.status_code == 201
    names = {
        *("authz.check", "authz.decide", "authz.record"),
        *("extproc.exchange", "extproc.ask", "extproc.wait", "extproc.consume"),
        *("approvals.request", "approvals.consume"),
    }
    found = spans(seen, response.headers["x-exeat-decision"], names)
    assert {span.trace for span in found} == {found[0].trace}
    by_id, by_name = {span.id: span for span in found}, {span.name: span for span in found}
    assert {span.service for span in found} >= {"exeat-envoy", "exeat-authz", "exeat-extproc", "exeat-approvals"}

    def above(name: str) -> Seen:
        return by_id[by_name[name].parent]

    assert above("authz.check").service == above("extproc.exchange").service == "exeat-envoy"
    assert above("authz.record").name == "authz.check"
    assert above("approvals.request").name == "extproc.ask"
    assert above("approvals.consume").name == "extproc.consume"
    assert above("extproc.wait").name == "extproc.exchange"
    assert by_name["authz.record"].attributes["exeat.effect"] == "hold"


def test_nothing_of_a_caller_is_in_it(traced: Gateway, seen: Collector) -> None:
    headers = traced.headers() | {
        "user-agent": f"agent {PLANTED}",
        "x-request-id": PLANTED,
        "traceparent": f"00-{FORGED}-b7ad6b7169203331-01",
        "tracestate": f"a={PLANTED}",
    }
    with httpx.Client(base_url=traced.url, headers=headers, timeout=30) as client:
        answer = client.get(f"/openai/v1/models?note={PLANTED}")
    assert answer.status_code == 200
    arrived = traced.upstream.received[-1]
    assert not {"traceparent", "tracestate"} & {name.lower() for name in arrived["headers"]}
    exchange = str(eventually(lambda: traced.sql("SELECT max(exchange) FROM audit.events"), bool)[0][0])
    spans(seen, exchange, {"authz.check", "authz.decide", "authz.record", "extproc.exchange"})
    whole = b"".join(seen.bodies)
    assert PLANTED.encode() not in whole
    assert bytes.fromhex(FORGED) not in whole
    assert b"/openai/v1" not in whole
