"""Header smuggling, methods, request lines: what has two meanings ends here, what is forged goes no further."""

import pytest

from tests.kit import raw, rawhttp
from tests.kit.attacks import Field, fair, head, names
from tests.kit.rawhttp import Got

pytestmark = pytest.mark.envoy
HEADERS: list[list[bytes]] = [
    [b"x-request-id: forged"],
    [b"x-request-id: 11111111-2222-3333-4444-forged000000"],
    [b"x-forwarded-proto: forged"],
    [b"x-forwarded-proto: https"],
    [b"x-forwarded-for: 10.0.0.1", b"x-request-id: forged"],
    [b"x-envoy-internal: true", b"x-request-id: forged"],
    [b"x-envoy-force-trace: 1", b"x-client-trace-id: forged"],
    [b"x-envoy-original-path: /two/x", b"x-envoy-decorator-operation: forged"],
    [b"x-envoy-upstream-rq-timeout-ms: 1", b"x-envoy-retry-on: 5xx", b"x-envoy-max-retries: 9"],
    [b"x-envoy-hedge-on-per-try-timeout: true", b"x-envoy-upstream-alt-stat-name: forged"],
    [b"x-envoy-auth-partial-body: false"],
    [b"x-envoy-auth-partial-body: true"],
    [b"X-EXEAT-INSPECTED: forged", b"X-Exeat-Reply: forged", b"X-Exeat-Decision: forged"],
    [b"x-exeat-subject: forged", b"x-exeat-groups: forged"],
    [b"x-forwarded-host: forged", b"x-forwarded-port: 1", b"x-forwarded-prefix: /forged", b"forwarded: host=forged"],
    [b"x-forwarded-client-cert: By=forged", b"x-real-ip: 10.0.0.1", b"true-client-ip: 10.0.0.1"],
    [b"x-http-method-override: DELETE"],
    [b"X-HTTP-Method: DELETE", b"x-method-override: DELETE"],
    [b"x-original-url: /two/forged", b"x-rewrite-url: /two/forged"],
    [b"expect: forged"],
    [b"expect: 100-continue"],
    [b"expect: 200-ok"],
    [b"expect: 100-continue, forged"],
    [b"connection: authorization"],
    [b"connection: accept, close", b"accept: a"],
    [b"connection: x-exeat-session", b"x-exeat-session: s"],
    [b"connection: content-length"],
    [b"connection: te", b"te: trailers, forged"],
    [b"connection: upgrade, http2-settings", b"upgrade: h2c", b"http2-settings: AAMAAABkAAQAAP__"],
    [b"connection: upgrade", b"upgrade: websocket", b"sec-websocket-key: Zm9yZ2Vk", b"sec-websocket-version: 13"],
    [b"keep-alive: forged"],
    [b"proxy-connection: forged"],
    [b"trailer: forged"],
    [b"via: forged", b"max-forwards: 0", b"cdn-loop: forged"],
    [b"traceparent: 00-forged", b"tracestate: forged", b"b3: forged", b"x-b3-traceid: forged", b"x-ot-span-context: f"],
    [b"grpc-timeout: 1n", b"content-type: application/grpc"],
    [b"cookie: a=b"],
    [b"proxy-authorization: Basic forged"],
    [b"content-type: application/json, text/plain"],
    [b"host: two"],
    [b"Host: forged.example"],
    [b"accept: a", b" accept: b"],
    [b"accept: a", b"\tfolded: b"],
    [b"accept: a\rb"],
    [b"accept: a\nforged: b"],
    [b"accept: a\x0bb"],
    [b"accept: a\x7fb"],
    [b"accept: caf\xc3\xa9"],
    [b"accept: \xff"],
    [b"a\xffb: c"],
    [b"no colon"],
    [b"accept-encoding: gzip, br, zstd"],
    [b"range: bytes=0-1", b"if-range: forged"],
    [b"if-none-match: x", b"if-modified-since: Thu, 01 Jan 1970 00:00:00 GMT"],
    [b"accept: " + b"x" * 70_000],
    [b"accept: " + b"x" * 50_000],
    [b"x-stuff: " + b"x" * 59_000],
    [b"a%d: b" % number for number in range(101)],
    [b"accept: b"] * 101,
    [b"accept: text/a", b"accept: text/b"],
    [b"content-length: 0", b"content-encoding: gzip"],
    [b"transfer-encoding: identity"],
]


TWO_MEANINGS: list[list[bytes]] = [
    [b"x_exeat_session: s"],
    [b"anthropic_version: 1"],
    [b"content_type: text/plain"],
    [b"x-exeat-session: a", b"x-exeat-session: b"],
    [b"x-exeat-session: " + b"s" * 300],
    [b"x-exeat-justification: " + b"x" * 600],
    [b"x-exeat-justification: \xff\xfe"],
    [b"x-api-key: other"],
    [b"authorization: Bearer other"],
    [b"authorization: Basic dTpw"],
    [b"Authorization: Bearer other", b"X-Api-Key: third"],
    [b"cookie: access_token=x"],
    [b"content-type: a/b", b"content-type: c/d"],
    [b"host: gateway", b" accept: a"],
    [b"accept : a"],
    [b"accept\t: a"],
    [b"accept: a\x00b"],
    [b"a\x00b: c"],
    [b"a\x01b: c"],
    [b": c"],
    [b": empty"],
    [b"accept: caf\xe9"],
]
FORGED = [
    b"x-envoy-original-path: /two/y", b"x-envoy-decorator-operation: x", b"x-envoy-upstream-rq-timeout-ms: 1",
    b"x-envoy-auth-partial-body: false", b"x-exeat-decision: e", b"x-exeat-inspected: 1", b"x-exeat-subject: ceo",
    b"x-exeat-session: s", b"x-exeat-justification: j", b"x-original-url: /two/y", b"x-rewrite-url: /two/y",
    b"x-http-method-override: DELETE", b"x-method-override: DELETE", b"x-forwarded-user: ceo",
    b"x-forwarded-host: two", b"x-api-key-2: x", b"cookie: a=b", b"range: bytes=0-1", b"if-range: x",
    b"accept-encoding: gzip", b"forwarded: for=x", b"x-user: ceo", b"proxy-authorization: Basic x", b"te: trailers",
    b"x-forwarded-for: 10.0.0.1", b"x-real-ip: 10.0.0.1",
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(HEADERS)), ids=names(HEADERS))
def test_headers(place: Field, number: int) -> None:
    def send(lines: list[bytes], mark: str) -> Got:
        return rawhttp.ask(place.port, head(mark, place, b"GET /one/x HTTP/1.1", *lines))

    fair(place.table("headers", HEADERS, send)[number], place.upstream)


@pytest.mark.parametrize("number", range(len(TWO_MEANINGS)), ids=names(TWO_MEANINGS))
def test_headers_of_two_meanings(place: Field, number: int) -> None:
    def send(lines: list[bytes], mark: str) -> Got:
        return rawhttp.ask(place.port, head(mark, place, b"GET /one/x HTTP/1.1", *lines))

    tried = place.table("two meanings", TWO_MEANINGS, send)[number]
    fair(tried, place.upstream)
    assert tried.arrived == []


def test_forged_headers_end_here(place: Field) -> None:
    """All at once, with a request that is in order: it arrives, and they do not."""

    def send(lines: list[bytes], mark: str) -> Got:
        return rawhttp.ask(place.port, head(mark, place, b"GET /two/x HTTP/1.1", *lines))

    (tried,) = place.table("forged", [FORGED], send)
    fair(tried, place.upstream)
    (arrived,) = tried.arrived
    assert not {line.partition(b":")[0].decode() for line in FORGED} & arrived.names()
    assert "authorization" not in arrived.names(), "this connection has no key"


def test_a_request_that_is_in_order_arrives(place: Field) -> None:
    def send(line: bytes, mark: str) -> Got:
        return rawhttp.ask(place.port, head(mark, place, line))

    (tried,) = place.table("order", [b"GET /one/a?b=c HTTP/1.1"], send)
    assert tried.arrived[0].target == "/api/a?b=c"
    fair(tried, place.upstream)


METHODS = [
    b"TRACE", b"CONNECT", b"PROPFIND", b"get", b"GeT", b"OPTIONS", b"HEAD", b"DELETE", b"P\xf6ST", b"QUERY", b"PURGE",
    b"X" * 300, b"PRI", b"M-SEARCH",
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(METHODS)), ids=names(METHODS))
def test_methods(place: Field, number: int) -> None:
    def send(method: bytes, mark: str) -> Got:
        return rawhttp.ask(place.port, head(mark, place, method + b" /one/x HTTP/1.1"), method == b"HEAD")

    tried = place.table("methods", METHODS, send)[number]
    if METHODS[number] in (b"OPTIONS", b"HEAD", b"DELETE"):
        fair(tried, place.upstream)
    else:
        assert tried.arrived == []
        assert all(400 <= status < 500 for status in raw.statuses(tried.got.raw))


LINES = [
    b"GET /one/x HTTP/1.0", b"GET /one/x HTTP/0.9", b"GET /one/x", b"GET /one/x HTTP/1.1 x", b"GET  /one/x HTTP/1.1",
    b"GET\t/one/x HTTP/1.1", b"GET\t /one/x HTTP/1.1", b"\r\nGET /one/x HTTP/1.1", b"GET /one/x\x0bHTTP/1.1",
    b"GET /one/x HTTP/1.1\r\nhost: two", b"GET http://two/one/x HTTP/1.1",
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(LINES)), ids=names(LINES))
def test_other_request_lines(place: Field, number: int) -> None:
    def send(line: bytes, mark: str) -> Got:
        return rawhttp.ask(place.port, head(mark, place, line))

    tried = place.table("lines", LINES, send)[number]
    fair(tried, place.upstream)
    assert all(arrived.target == "/api/x" for arrived in tried.arrived)


NOWHERE = [b"/one/x", b"/nowhere", b"/one/../two/x"]


@pytest.mark.parametrize("number", range(len(NOWHERE)), ids=names(NOWHERE))
def test_strangers_reach_nothing(place: Field, number: int) -> None:
    def send(path: bytes, mark: str) -> Got:
        return rawhttp.ask(place.port, head(mark, place, b"GET " + path + b" HTTP/1.1", token=False))

    tried = place.table("strangers", NOWHERE, send)[number]
    fair(tried, place.upstream)
    assert tried.arrived == []
    assert 400 <= tried.got.status < 500
