"""Envoy's route, authz, Rego and the upstream see one and the same request, or nobody sees any.

The real Envoy, authz and engine; extproc passes everything. Requests are bytes that no client library would send.
"""

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

import pytest
from envoy.service.ext_proc.v3 import external_processor_pb2_grpc as proc_grpc

from console.dev.issuer import DevIssuer
from runtime.ids import uuid7
from tests.kit import envoy, raw, stubs
from tests.kit.authz import RunningAuthz, authz, deciding
from tests.kit.serving import free_port

pytestmark = pytest.mark.envoy
Case = TypeVar("Case")
YES = """package exeat

decision := {"effect": "allow", "reasons": [{"rule": "all", "message": "Yes."}], "snapshot": data.snapshot.digest}
"""


@dataclass
class House:
    gateway: RunningAuthz
    envoy: envoy.RunningEnvoy
    one: raw.RawUpstream
    two: raw.RawUpstream

    def send(self, head: bytes, body: bytes = b"", *, token: bool = True) -> tuple[list[int], list[raw.Arrived]]:
        """`head`: request line and headers without the empty line. Statuses, and what of it arrived anywhere."""
        probe = f"probe-{uuid7()}"
        lines = [head, b"user-agent: " + probe.encode(), b"connection: close"]
        if token:
            lines.append(b"authorization: Bearer " + self.gateway.issuer.agent_token("research-agent").encode())
        answer = raw.send(self.port, b"\r\n".join([*lines, b"", b""]) + body)
        return raw.statuses(answer), self.arrived(probe)

    @property
    def port(self) -> int:
        return urlsplit(self.envoy.url).port or 0

    def arrived(self, probe: str) -> list[raw.Arrived]:
        return [found for found in (*self.one.arrived, *self.two.arrived) if ("user-agent", probe) in found.headers]

    def agree(self, arrived: raw.Arrived) -> None:
        """What arrived is what was decided: connection, method, path, bytes."""
        probe = dict(arrived.headers)["user-agent"]
        inputs = [
            (event, self.gateway.frame(event["exchange"])) for event in self.gateway.events() if event["exchange"]
        ]
        ((event, content),) = [found for found in inputs if probe.encode() in found[1]]
        assert event["type"] == "decision.allow"
        assert arrived in {"one": self.one, "two": self.two}[event["connection"]].arrived
        given = json.loads(content)["request"]
        path, _, query = arrived.target.partition("?")
        assert (given["path"], given["method"]) == (path, arrived.method)
        assert bool(given["query"]) == bool(query)
        assert event["data"]["request_digest"] == hashlib.sha256(arrived.body).hexdigest()

    def each(self, cases: Sequence[Case], look: Callable[[Case], None]) -> None:
        """All cases side by side (Envoy takes a second to close each bad connection); names those that fail."""

        def one(case: Case) -> str:
            try:
                look(case)
            except AssertionError as error:
                return f"{case!r}: {error}"
            return ""

        with ThreadPoolExecutor(16) as pool:
            failures = [line for line in pool.map(one, cases) if line]
        assert not failures, "\n".join(failures)
        strays = [found for found in (*self.one.arrived, *self.two.arrived) if "user-agent" not in found.names()]
        assert strays == []


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(envoy.short_folder())
        issuer = stack.enter_context(DevIssuer.serving())
        one, two = stack.enter_context(raw.upstream()), stack.enter_context(raw.upstream())
        declared = (
            f'one: {{kind: http, upstream: "http://127.0.0.1:{one.port}/api"}}\n'
            f'two: {{kind: http, upstream: "http://127.0.0.1:{two.port}"}}\n'
        )
        files = {"p.rego": YES, "data/connections.yaml": declared, "data/roles.yaml": ""}
        files["data/masking.yaml"] = "profiles: {floor: [{detect: pci}]}"
        engine = stack.enter_context(deciding(folder, files))
        listen = f'listen = "127.0.0.1:{free_port()}"'
        gateway = stack.enter_context(authz(folder, engine.url, issuer, gateway=[listen]))
        extproc = stubs.Extproc()

        def register(server: object) -> None:
            proc_grpc.add_ExternalProcessorServicer_to_server(extproc, server)  # type: ignore[no-untyped-call]

        stack.enter_context(stubs.grpc_service(gateway.settings.socket("extproc"), register))
        running = stack.enter_context(envoy.running(gateway.settings, envoy.connections(declared)))
        yield House(gateway, running, one, two)


def test_an_ordinary_request(house: House) -> None:
    statuses, arrived = house.send(b"GET /one/accounts?x=1 HTTP/1.1\r\nhost: gateway")
    assert statuses == [200]
    assert [found.target for found in arrived] == ["/api/accounts?x=1"]
    house.agree(arrived[0])


PATHS = [
    "/one/../two/x", "/one/./x", "/one//x", "//one/x", "/one/x/../../two/x", "/one/%2e%2e/two/x", "/one/%2E%2E/two/x",
    "/one/.%2e/two/x", "/one/%252e%252e/two/x", "/one/%2f..%2ftwo/x", "/one%2fx", "/one%2Fx", "/one/a%2fb",
    "/one/a%5cb", "/one/..\\two/x", "/one\\x", "/one/a;b=c", "/one;x/y", "/one/;/../two", "/one/a%3bb", "/one/%00",
    "/one/a%00b", "/one/%0d%0aX: y", "/one/%", "/one/%zz", "/one/%u002e", "/ONE/x", "/One/x", "/one/\xff", "/one/%ff",
    "/one/%c0%ae%c0%ae/", "/one/x#/two/x", "/one/x?y#z", "/one/%23", "/one/a b", "/one", "/", "", "*", "one/x",
    "/three/x", "/one/~x", "/one/%7ex", "/one/%61ccounts", "/one/...", "/one/..;/two/x", "/one/x/.", "/one/x/..",
    "/one/x/%2e", "/%6fne/x", "/two/../one/x", "http://evil.example/one/x", "http://gateway/one/../two/x",
    "https://gateway/two/x", "//evil.example/one/x", "/one/caf%C3%A9", "/one/x?q=/../../two", "/one/x??",
    "/one/x?%00", "/./one/x", "/../one/x", "/one/a|b", "/one/<>", "/one/%2e%2e;/x", "/one/x%20y", "/one/x%09",
    "/one/x%3fy", "/one/x?y%23z",
]  # fmt: skip


def test_one_path_or_none(house: House) -> None:
    def look(path: str) -> None:
        statuses, arrived = house.send(b"GET " + path.encode("latin-1") + b" HTTP/1.1\r\nhost: gateway")
        if not arrived:
            assert all(400 <= status < 500 for status in statuses), statuses
            return
        assert (statuses, len(arrived)) == ([200], 1)
        house.agree(arrived[0])
        plain = arrived[0].target.partition("?")[0].lower() + "/"
        assert not any(mark in plain for mark in ("/../", "/./", "\\", ";", "%2e", "%2f", "%5", "%00")), plain
        assert "//" not in plain[:-1]

    house.each(PATHS, look)


FORGED = [
    b"x-envoy-original-path: /two/x", b"x-envoy-decorator-operation: x", b"x-envoy-upstream-rq-timeout-ms: 1",
    b"x-envoy-auth-partial-body: false", b"x-exeat-decision: e", b"x-exeat-inspected: 1", b"x-exeat-subject: ceo",
    b"x-exeat-session: s", b"x-exeat-justification: j", b"x-original-url: /two/x", b"x-rewrite-url: /two/x",
    b"x-http-method-override: DELETE", b"x-method-override: DELETE", b"x-forwarded-user: ceo",
    b"x-forwarded-host: two", b"x-api-key-2: x", b"cookie: a=b", b"range: bytes=0-1", b"if-range: x",
    b"accept-encoding: gzip", b"forwarded: for=x", b"x-user: ceo", b"proxy-authorization: Basic x", b"te: trailers",
    b"x-forwarded-for: 10.0.0.1", b"x-real-ip: 10.0.0.1",
]  # fmt: skip


def test_forged_headers_end_here(house: House) -> None:
    statuses, arrived = house.send(b"\r\n".join([b"GET /two/x HTTP/1.1", b"host: gateway", *FORGED]))
    assert statuses == [200]
    assert len(arrived) == 1
    house.agree(arrived[0])
    forged = {line.partition(b":")[0].decode() for line in FORGED} | {"authorization"}
    assert not forged & arrived[0].names()


TWO_MEANINGS = [
    [b"x_exeat_session: s"], [b"anthropic_version: 1"], [b"x-exeat-session: a", b"x-exeat-session: b"],
    [b"x-api-key: other"], [b"authorization: Bearer other"], [b"cookie: access_token=x"],
    [b"content-type: a/b", b"content-type: c/d"], [b"x-exeat-session: " + b"x" * 300], [b"accept: a\x00b"],
    [b"accept : a"], [b" accept: a"], [b"accept\t: a"], [b"a\x01b: c"], [b": c"], [b"authorization: Basic dTpw"],
    [b"x-exeat-justification: " + b"x" * 600], [b"accept: caf\xe9"],
]  # fmt: skip


def test_headers_of_two_meanings(house: House) -> None:
    def look(lines: list[bytes]) -> None:
        statuses, arrived = house.send(b"\r\n".join([b"GET /one/x HTTP/1.1", b"host: gateway", *lines]))
        assert arrived == []
        assert all(400 <= status < 500 for status in statuses), statuses

    house.each(TWO_MEANINGS, look)


CHUNKED = b"2\r\n{}\r\n0\r\n\r\n"
FRAMING = [
    ([b"content-length: 2", b"transfer-encoding: chunked"], CHUNKED),
    ([b"transfer-encoding: chunked", b"content-length: 100"], CHUNKED),
    ([b"content-length: 2", b"content-length: 3"], b"{}x"),
    ([b"content-length: 2, 2"], b"{}"),
    ([b"content-length: +2"], b"{}"),
    ([b"content-length: 0x2"], b"{}"),
    ([b"content-length: 2 "], b"{}"),
    ([b"content-length: -1"], b"{}"),
    ([b"content-length: 2"], b"{}GET /two/x HTTP/1.1\r\nhost: g\r\n\r\n"),
    ([b"content-length: 0"], b"GET /two/x HTTP/1.1\r\nhost: g\r\n\r\n"),
    ([b"transfer-encoding: xchunked"], CHUNKED),
    ([b"transfer-encoding : chunked"], CHUNKED),
    ([b"transfer-encoding: chunked, identity"], CHUNKED),
    ([b"transfer-encoding: identity, chunked"], CHUNKED),
    ([b"transfer-encoding: chunked", b"transfer-encoding: identity"], CHUNKED),
    ([b"transfer-encoding: \x0bchunked"], CHUNKED),
    ([b"transfer-encoding:\n chunked"], CHUNKED),
    ([b"transfer-encoding: CHUNKED"], CHUNKED),
    ([b"transfer-encoding: chunked"], CHUNKED + b"GET /two/x HTTP/1.1\r\nhost: g\r\n\r\n"),
    ([b"transfer-encoding: chunked"], b"2;x=y\r\n{}\r\n0\r\n\r\n"),
    ([b"transfer-encoding: chunked"], b"02\r\n{}\r\n0\r\nx-exeat-session: s\r\n\r\n"),
    ([b"transfer-encoding: chunked"], b"0x2\r\n{}\r\n0\r\n\r\n"),
    ([b"transfer-encoding: chunked"], b"2\n{}\n0\n\n"),
    ([b"transfer-encoding: chunked"], b"2\r\n{}x\r\n0\r\n\r\n"),
    ([b"transfer-encoding: chunked"], b"fffffffffffffffff\r\n{}\r\n0\r\n\r\n"),
    ([b"content-encoding: gzip", b"content-length: 2"], b"\x1f\x8b"),
    ([b"expect: 100-continue", b"content-length: 2"], b"{}"),
    ([b"upgrade: websocket", b"connection: upgrade", b"content-length: 2"], b"{}"),
    ([b"upgrade: h2c", b"http2-settings: AAMAAABkAAQAAP__", b"content-length: 2"], b"{}"),
]


def test_one_body_or_none(house: House) -> None:
    def look(case: tuple[list[bytes], bytes]) -> None:
        head = [b"POST /one/x HTTP/1.1", b"host: gateway", b"content-type: application/json", *case[0]]
        statuses, arrived = house.send(b"\r\n".join(head), case[1])
        assert len(arrived) <= 1
        for found in arrived:
            assert found.target == "/api/x"
            house.agree(found)
        if not arrived:
            assert all(400 <= status < 500 for status in statuses), statuses

    house.each(FRAMING, look)


def test_methods(house: House) -> None:
    def look(method: bytes) -> None:
        statuses, arrived = house.send(method + b" /one/x HTTP/1.1\r\nhost: gateway")
        assert arrived == []
        assert all(400 <= status < 500 for status in statuses), statuses

    house.each([b"TRACE", b"CONNECT", b"PROPFIND", b"get", b"P\xf6ST"], look)


LINES = [
    b"GET /one/x HTTP/1.0", b"GET /one/x HTTP/0.9", b"GET /one/x", b"GET /one/x HTTP/1.1 x", b"GET  /one/x HTTP/1.1",
    b"GET\t/one/x HTTP/1.1", b"GET\t /one/x HTTP/1.1", b"\r\nGET /one/x HTTP/1.1", b"GET /one/x\x0bHTTP/1.1",
    b"GET /one/x HTTP/1.1\r\nhost: two", b"GET http://two/one/x HTTP/1.1",
]  # fmt: skip


def test_other_request_lines(house: House) -> None:
    def look(line: bytes) -> None:
        _, arrived = house.send(line + b"\r\nhost: gateway")
        assert len(arrived) <= 1
        for found in arrived:
            house.agree(found)
            assert dict(found.headers)["host"] == f"127.0.0.1:{house.one.port}"

    house.each(LINES, look)


PLAIN = [(":method", "GET"), (":scheme", "http"), (":authority", "gateway"), (":path", "/one/x")]
HTTP2: list[list[tuple[str, str]]] = [
    PLAIN,
    [*PLAIN[:3], (":path", "/one/x"), (":path", "/two/x")],
    [*PLAIN, ("x", "y"), (":path", "/two/x")],
    PLAIN[:3],
    [*PLAIN[:3], (":path", "")],
    [*PLAIN[:3], (":path", "one/x")],
    [*PLAIN[:3], (":path", "*")],
    [*PLAIN[:3], (":path", "/one/x HTTP/1.1\r\nhost: two\r\n\r\nGET /two/x")],
    [*PLAIN[:3], (":path", "/one/../two/x")],
    [*PLAIN[:3], (":path", "/one/%2e%2e/two/x")],
    [*PLAIN[:3], (":path", "http://two/one/x")],
    [(":method", "GET /two/x HTTP/1.1\r\nx: y\r\n\r\nGET"), *PLAIN[1:]],
    [(":method", "CONNECT"), *PLAIN[1:]],
    [(":method", "CONNECT"), (":protocol", "websocket"), *PLAIN[1:]],
    [(":method", "GET"), (":method", "POST"), *PLAIN[1:]],
    [*PLAIN, ("host", "two")],
    [*PLAIN, (":authority", "two")],
    [*PLAIN, (":status", "200")],
    [*PLAIN, (":odd", "1")],
    [*PLAIN, ("X-Exeat-Session", "s")],
    [*PLAIN, ("Authorization", "Bearer x")],
    [*PLAIN, ("connection", "x-api-key")],
    [*PLAIN, ("transfer-encoding", "chunked")],
    [*PLAIN, ("content-length", "5")],
    [*PLAIN, ("content-length", "0"), ("content-length", "5")],
    [*PLAIN, ("te", "gzip")],
    [*PLAIN, ("a", "b\r\nx-exeat-session: s")],
    [*PLAIN, ("a\r\nb", "c")],
    [*PLAIN, ("a", "b\0c")],
    [*PLAIN, ("", "x")],
    [*PLAIN, ("x_exeat_session", "s")],
    [*PLAIN, ("cookie", "a=b"), ("cookie", "access_token=x")],
]


def test_http2(house: House) -> None:
    def look(headers: list[tuple[str, str]]) -> None:
        probe = f"probe-{uuid7()}"
        credential = ("authorization", f"Bearer {house.gateway.issuer.agent_token('research-agent')}")
        status = raw.http2(house.port, [*headers, ("user-agent", probe), credential])
        arrived = house.arrived(probe)
        assert len(arrived) <= 1
        for found in arrived:
            assert status == 200
            house.agree(found)
            assert not {"x-exeat-session", "authorization", "cookie", "connection", "te"} & found.names()
        assert arrived or status == 0 or 400 <= status < 500, status
        assert arrived or headers != PLAIN

    house.each(HTTP2, look)


def test_strangers_reach_nothing(house: House) -> None:
    for path in (b"/one/x", b"/nowhere", b"/one/../two/x"):
        statuses, arrived = house.send(b"GET " + path + b" HTTP/1.1\r\nhost: gateway", token=False)
        assert arrived == []
        assert all(400 <= status < 500 for status in statuses)
