"""Attacks on the whole gateway, from both sides: callers who send what no library would, upstreams that lie.

Nothing arrives at an upstream that was not decided as exactly that; no secret comes back in any coat; every refusal
speaks the API's language; nothing hangs. Each table runs side by side once (Envoy takes a second to close a bad
connection), then each row is a test of its own.
"""

import contextlib
import gzip
import hashlib
import json
import re
import socket
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import h2.config
import h2.connection
import pytest
import yaml

from runtime.ids import uuid7
from tests.kit import raw, rawhttp, streams
from tests.kit.gateway import POLICIES, Gateway, eventually
from tests.kit.gateway import running as gateway_running
from tests.kit.rawhttp import Got

pytestmark = pytest.mark.envoy
CARD, SSN, MAIL = "4111111111111111", "536-22-1234", "ada.lovell@customer.example"
SECRETS = (CARD, SSN, MAIL, "4111 1111 1111 1111", "GB82WEST12345698765432")
NEVER_TOLD = (b"Traceback", b"Exception", b"Error(", b"grpc", b".py", b"0x7f", b"127.0.0.1:")
# what Envoy itself says to an upstream; everything else must have been decided
ENVOYS = {"host", "content-length", "transfer-encoding", "x-forwarded-proto", "x-request-id"}


@dataclass(frozen=True)
class Tried:
    """One attack: the answer, what arrived upstream, and what was decided (event's type, connection, data, input)."""

    got: Got
    arrived: list[raw.Arrived]
    decided: list[tuple[str, str, dict[str, Any], dict[str, Any]]]
    mark: str


@dataclass
class Field:
    gateway: Gateway
    upstream: rawhttp.Hostile
    tried: dict[str, list[Tried]] = field(default_factory=dict)

    @property
    def port(self) -> int:
        return self.gateway.house.ports["gateway"]

    def credential(self) -> bytes:
        return b"authorization: Bearer " + self.gateway.issuer.agent_token("research-agent").encode()

    def table(self, name: str, cases: Sequence[Any], send: Callable[[Any, str], Got]) -> list[Tried]:
        """`send(case, mark)` sends one case; `mark` is its user agent."""
        if name not in self.tried:
            marks = [f"probe-{uuid7()}" for _ in cases]
            with ThreadPoolExecutor(24) as pool:
                answers = list(pool.map(send, cases, marks))
            self.gateway.settled()
            decided = self.decided()
            found = zip(answers, marks, strict=True)
            self.tried[name] = [Tried(got, self.upstream.of(mark), decided.get(mark, []), mark) for got, mark in found]
        return self.tried[name]

    def decided(self) -> dict[str, list[tuple[str, str, dict[str, Any], dict[str, Any]]]]:
        query = (
            "SELECT e.type, e.connection, e.body, f.content FROM audit.events e JOIN audit.frames f"
            " ON e.exchange = f.exchange WHERE e.kind = 'decision' AND f.direction = 'input'"
        )
        found: dict[str, list[tuple[str, str, dict[str, Any], dict[str, Any]]]] = {}
        for type_, connection, body, content in self.gateway.sql(query):
            given = json.loads(content)
            mark = given["request"]["headers"].get("user-agent", "")
            found.setdefault(mark, []).append((type_, connection, json.loads(body)["data"], given))
        return found


PLAYS: dict[str, tuple[bytes, ...]] = {}


@pytest.fixture(scope="module")
def place() -> Iterator[Field]:
    with contextlib.ExitStack() as stack:
        upstream = stack.enter_context(rawhttp.hostile(PLAYS))
        gateway = stack.enter_context(gateway_running(POLICIES))
        at = f"http://127.0.0.1:{upstream.port}"
        _inventoried(gateway)
        _declare(gateway, {
            "one": {"kind": "http", "upstream": f"{at}/api", "credential": "ledger", "risk": "low"},
            "two": {"kind": "http", "upstream": at, "risk": "low"},
            "claude": {"kind": "anthropic", "upstream": at, "credential": "anthropic", "risk": "standard"},
            "gpt": {"kind": "openai", "upstream": f"{at}/v1", "credential": "openai", "risk": "standard"},
        })  # fmt: skip
        with gateway.client() as client:
            for path in ("/two/x", "/gpt/models"):
                eventually(lambda path=path: client.get(path).text, lambda text: text == raw.ANSWER.decode())
        yield Field(gateway, upstream)
        assert gateway.envoy_stat("http.ingress.ext_proc.server_half_closed") == 0
        assert [sentence for sentence in gateway.said if "starting it again" in sentence] == []


def _declare(gateway: Gateway, more: dict[str, dict[str, str]]) -> None:
    data = gateway.house.folder / "policies" / "data"
    for name, added in (
        ("connections", more),
        ("roles", {"attackers": {"groups": ["research"], "connections": sorted(more), "models": ["standard"]}}),
    ):
        path = data / f"{name}.yaml"
        path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | added, sort_keys=False))


def _inventoried(gateway: Gateway) -> None:
    """Model providers must be known to the house."""
    path = gateway.house.folder / "policies" / "packs" / "ffiec" / "data" / "inventory.yaml"
    line = "{owner: third-party-risk@bank.example, review_due: 2099-12-31}"
    path.write_text(path.read_text() + f"gpt: {line}\nclaude: {line}\n")


def names(cases: Sequence[Any]) -> list[str]:
    return [re.sub(r"[^ -~]|\s+", "_", repr(case))[:60] for case in cases]


# what must hold of every attack


def fair(tried: Tried, upstream: rawhttp.Hostile) -> None:
    """An end, one shape, and at most one arrival, which is the one that was decided."""
    got = tried.got
    assert got.seconds < rawhttp.LONGEST, "it hangs"
    for hint in NEVER_TOLD:
        assert hint not in got.raw, hint
    statuses = raw.statuses(got.raw)
    assert len(tried.arrived) <= 1
    if not tried.arrived:
        assert all(status in (100, 426) or 400 <= status < 600 for status in statuses), statuses
        if got.status >= 400 and got.raw:  # of HTTP/2 only the status is read
            shaped(got)
        return
    agree(tried, upstream)


def shaped(got: Got) -> None:
    document = json.loads(got.body)
    error = document.get("error", document)
    assert error.get("code"), document
    assert error.get("message", error.get("detail")), document


def agree(tried: Tried, upstream: rawhttp.Hostile) -> None:
    (arrived,) = tried.arrived
    ((type_, connection, data, given),) = tried.decided
    assert type_ == "decision.allow"
    assert given["connection"]["name"] == connection
    path, _, query = arrived.target.partition("?")
    assert given["request"]["path"] == path
    assert given["request"]["method"] == arrived.method
    assert bool(given["request"]["query"]) == bool(query)
    assert data["request_digest"] == hashlib.sha256(arrived.body).hexdigest()
    shown = given["request"]["headers"]
    key = {"one": "authorization", "gpt": "authorization", "claude": "x-api-key"}.get(connection, "")
    for name in arrived.names() - ENVOYS - {key}:
        values = [value for each, value in arrived.headers if each == name]
        assert shown.get(name) == ", ".join(values).replace("\t", " "), name
    headers = dict(arrived.headers)
    assert headers["host"] == f"127.0.0.1:{upstream.port}"
    assert headers["x-forwarded-proto"] == "http"
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", headers["x-request-id"])
    assert "forged" not in json.dumps(arrived.headers)


# 1: headers

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
    [b"x-api-key: other"],
    [b"authorization: Bearer other"],
    [b"Authorization: Bearer other", b"X-Api-Key: third"],
    [b"cookie: access_token=x"],
    [b"cookie: a=b"],
    [b"proxy-authorization: Basic forged"],
    [b"content-type: a/b", b"content-type: c/d"],
    [b"content-type: application/json, text/plain"],
    [b"host: two"],
    [b"Host: forged.example"],
    [b"x_exeat_session: s"],
    [b"content_type: text/plain"],
    [b"accept: a", b" accept: b"],
    [b"accept: a", b"\tfolded: b"],
    [b"accept : a"],
    [b"accept\t: a"],
    [b"accept: a\x00b"],
    [b"a\x00b: c"],
    [b"accept: a\rb"],
    [b"accept: a\nforged: b"],
    [b"accept: a\x0bb"],
    [b"accept: a\x7fb"],
    [b"accept: caf\xc3\xa9"],
    [b"accept: \xff"],
    [b"a\xffb: c"],
    [b": empty"],
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
    [b"x-exeat-session: a", b"x-exeat-session: b"],
    [b"x-exeat-session: " + b"s" * 300],
    [b"x-exeat-justification: \xff\xfe"],
    [b"content-length: 0", b"content-encoding: gzip"],
    [b"transfer-encoding: identity"],
]


def head(mark: str, place: Field, line: bytes, *lines: bytes, token: bool = True) -> bytes:
    given = [line, *([] if any(each.lower().startswith(b"host:") for each in lines) else [b"host: gateway"])]
    given += [b"user-agent: " + mark.encode(), *lines, *([place.credential()] if token else [])]
    return b"\r\n".join([*given, b"", b""])


@pytest.mark.parametrize("number", range(len(HEADERS)), ids=names(HEADERS))
def test_headers(place: Field, number: int) -> None:
    def send(lines: list[bytes], mark: str) -> Got:
        return rawhttp.ask(place.port, head(mark, place, b"GET /one/x HTTP/1.1", *lines))

    fair(place.table("headers", HEADERS, send)[number], place.upstream)


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


# 2: paths

PATHS = [
    "/one/../two/x", "/one/./x", "/one//x", "//one/x", "/one/x/../../two/x", "/one/%2e%2e/two/x", "/one/%2E%2E/two/x",
    "/one/.%2e/two/x", "/one/%252e%252e/two/x", "/one/%2f..%2ftwo/x", "/one%2fx", "/one/a%2Fb", "/one/a%5cb",
    "/one/a%5Cb", "/one/..\\two/x", "/one\\x", "/one/a;b=c", "/one;x/y", "/one/..;/two/x", "/one/a%3bb", "/one/%00",
    "/one/a\x00b", "/one/%0d%0aX:%20y", "/one/%", "/one/%zz", "/one/%u002e", "/ONE/x", "/One/x", "/one/\xff",
    "/one/%ff", "/one/%c0%ae%c0%ae/", "/one/caf\xe9", "/one/caf%C3%A9", "/one/\xe2\x80\xae", "/one/x#/two/x",
    "/one/x?y#z", "/one/%23", "/one/a b", "/one", "/", "", "*", "one/x", "/onex/x", "/one-x/x", "/one.x/x", "/on/x",
    "/three/x", "/one/~x", "/one/%7ex", "/one/%61", "/one/...", "/one/x/.", "/one/x/..", "/one/x/%2e", "/%6fne/x",
    "/two/../one/x", "http://forged.example/one/x", "http://gateway/one/../two/x", "https://gateway/two/x",
    "http://forged.example:99999/one/x", "http://u:p@gateway/one/x", "ftp://gateway/one/x", "//forged.example/one/x",
    "///one/x", "/one/x?q=/../../two", "/one/x??", "/one/x?", "/one/x?%00", "/one/x?a=%zz", "/one/x?\xff", "/./one/x",
    "/../one/x", "/one/a|b", "/one/<>", "/one/x%20y", "/one/x%09", "/one/x%3fy", "/one/x?y%23z", "/one/" + "a" * 7000,
    "/one/" + "a" * 9000, "/one/" + "a" * 70_000, "/one/" + "a/" * 3000, "/one/x?" + "a" * 9000, "/one/x?a&" * 200,
    "/anthropic/../one/x", "/one/../nowhere/x", "/one/x?access_token=t", "/one/x?api_key=t",
    "/one/x?a=eyJhbGciOiJub25lIn0.eyJzdWIiOiIxMjM0In0.", "/one/%EF%BC%8F..%EF%BC%8Ftwo", "/one/x?a=b;c=d",
    "/one/x?a=b&a=c", "/one/@two", "/one/:x", "/one/x=y", "/one/x,y", "/one/(x)", "/one/x!$'*+",
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(PATHS)), ids=names(PATHS))
def test_paths(place: Field, number: int) -> None:
    def send(path: str, mark: str) -> Got:
        return rawhttp.ask(place.port, head(mark, place, b"GET " + path.encode("latin-1") + b" HTTP/1.1"))

    tried = place.table("paths", PATHS, send)[number]
    fair(tried, place.upstream)
    for arrived in tried.arrived:
        plain = arrived.target.partition("?")[0].lower()
        assert not any(mark in plain for mark in ("\\", ";", "%2e", "%2f", "%5c", "%00", "//")), plain
        assert not {".", ".."} & set(plain.split("/"))


# what the floor masks stands in no record, however a path or a query spells it
TELLING = [
    f"/one/{CARD}", "/one/4111%201111%201111%201111", f"/one/x?q={MAIL}", f"/one/x?q={MAIL.replace('@', '%40')}",
    f"/one/{MAIL.replace('@', '%40')}", f"/one/x?{CARD}=1", "/one/x?q=4111+1111+1111+1111", f"/one/{SSN}/x",
    f"/one/a%20{SSN}%20b", "/one/x?q=%34%31%31%31111111111111", "/one/GB82%20WEST%201234%205698%207654%2032",
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(TELLING)), ids=names(TELLING))
def test_secrets_in_paths_are_found(place: Field, number: int) -> None:
    def send(path: str, mark: str) -> Got:
        return rawhttp.ask(place.port, head(mark, place, b"GET " + path.encode() + b" HTTP/1.1"))

    tried = place.table("telling", TELLING, send)[number]
    ((_, _, _, given),) = tried.decided
    assert given["findings"]
    text = json.dumps(given)
    assert not any(secret in unquote(text).replace("+", " ") for secret in SECRETS)


# 3: bodies

CHUNKED = b"2\r\n{}\r\n0\r\n\r\n"
JSON = b"content-type: application/json"
NEXT = b"GET /two/forged HTTP/1.1\r\nhost: g\r\n\r\n"
FRAMINGS: list[tuple[list[bytes], bytes]] = [
    ([JSON, b"content-length: 2", b"transfer-encoding: chunked"], CHUNKED),
    ([JSON, b"transfer-encoding: chunked", b"content-length: 100"], CHUNKED),
    ([JSON, b"content-length: 2", b"content-length: 3"], b"{}x"),
    ([JSON, b"content-length: 2", b"content-length: 2"], b"{}"),
    ([JSON, b"content-length: 2, 2"], b"{}"),
    ([JSON, b"content-length: +2"], b"{}"),
    ([JSON, b"content-length: 0x2"], b"{}"),
    ([JSON, b"content-length: -1"], b"{}"),
    ([JSON, b"content-length: 99999999999999999999999"], b"{}"),
    ([JSON, b"content-length: 2"], b"{}" + NEXT),
    ([JSON, b"content-length: 0"], NEXT),
    ([JSON], NEXT),
    ([JSON, b"transfer-encoding: xchunked"], CHUNKED),
    ([JSON, b"transfer-encoding : chunked"], CHUNKED),
    ([JSON, b"transfer-encoding: chunked, identity"], CHUNKED),
    ([JSON, b"transfer-encoding: gzip, chunked"], CHUNKED),
    ([JSON, b"transfer-encoding: chunked", b"transfer-encoding: identity"], CHUNKED),
    ([JSON, b"transfer-encoding: \x0bchunked"], CHUNKED),
    ([JSON, b"transfer-encoding: CHUNKED"], CHUNKED),
    ([JSON, b"transfer-encoding: chunked"], CHUNKED + NEXT),
    ([JSON, b"transfer-encoding: chunked"], b'2;x="\r\nforged"\r\n{}\r\n0\r\n\r\n'),
    ([JSON, b"transfer-encoding: chunked"], b"2;forged=y\r\n{}\r\n0\r\n\r\n"),
    ([JSON, b"transfer-encoding: chunked"], b"2;" + b"x" * 70_000 + b"\r\n{}\r\n0\r\n\r\n"),
    ([JSON, b"transfer-encoding: chunked"], b"2\r\n{}\r\n0\r\nx-exeat-session: forged\r\n\r\n"),
    (
        [JSON, b"transfer-encoding: chunked", b"trailer: authorization"],
        b"2\r\n{}\r\n0\r\nauthorization: forged\r\n\r\n",
    ),
    ([JSON, b"transfer-encoding: chunked"], b"0x2\r\n{}\r\n0\r\n\r\n"),
    ([JSON, b"transfer-encoding: chunked"], b"2\n{}\n0\n\n"),
    ([JSON, b"transfer-encoding: chunked"], b"2\r\n{}x\r\n0\r\n\r\n"),
    ([JSON, b"transfer-encoding: chunked"], b"fffffffffffffffff\r\n{}\r\n0\r\n\r\n"),
    ([JSON, b"content-encoding: gzip"], gzip.compress(b"{}")),
    ([JSON, b"content-encoding: identity, gzip"], gzip.compress(b"{}")),
    ([JSON, b"content-encoding: "], b"{}"),
    ([JSON, b"content-encoding: IDENTITY"], b"{}"),
    ([JSON, b"content-encoding: identity", b"content-encoding: gzip"], gzip.compress(b"{}")),
    ([JSON, b"expect: 100-continue"], b"{}"),
    ([JSON, b"expect: forged"], b"{}"),
]
BODIES: list[tuple[str, bytes, bytes]] = [  # connection's path, content type, body
    (path, media, body)
    for path in ("/one/x", "/claude/v1/messages")
    for media, body in [
        (b"application/json; charset=utf-16", '{"a": 1}'.encode("utf-16")),
        (b'application/json; charset="utf-8"; charset=utf-7', b'{"a": 1}'),
        (b"application/json; charset=ibm037", '{"a": 1}'.encode("cp037")),
        (b"application/json", '{"a": 1}'.encode("utf-16")),
        (b"application/json", '{"a": 1}'.encode("utf-16-le")),
        (b"application/json", '{"a": 1}'.encode("utf-32")),
        (b"application/json", b"\xef\xbb\xbf{}"),
        (b"application/json", b'{"a": 1, "a": 2}'),
        (b"application/json", b'{"a": 1, "\\u0061": 2}'),
        (b"application/json", b'{"x": {"model": 1, "model": 2}}'),
        (b"application/json", b"[" * 101 + b"]" * 101),
        (b"application/json", b"[" * 100_000),
        (b"application/json", b'{"a":' * 50_000 + b"1" + b"}" * 50_000),
        (b"application/json", b'{"a": NaN}'),
        (b"application/json", b'{"a": -Infinity}'),
        (b"application/json", b'{"a": 1e999}'),
        (b"application/json", b'{"a": -1e999}'),
        (b"application/json", b'{"a": ' + b"9" * 5000 + b"}"),
        (b"application/json", b'{"a": "\xff"}'),
        (b"application/json", b'{"a": "\xc0\xaf"}'),
        (b"application/json", b'{"a": "\xed\xa0\x80"}'),
        (b"application/json", b'{"a": "\\ud800"}'),
        (b"application/json", b'{"\\udc00": 1}'),
        (b"application/json", b'{"a": 1} x'),
        (b"application/json", b'{"a": 1}{"a": 2}'),
        (b"application/json", b'{"a": 1}\x00'),
        (b"application/json", b'{"a": "\x00"}'),
        (b"application/json", b'{"a": 1,}'),
        (b"application/json", b"{'a': 1}"),
        (b"application/json", b'{"a": 1 /* x */}'),
        (b"application/json", b'{"a": 01}'),
        (b"application/json", b" "),
        (b"application/json", b'{"a": "\t"}'),
        (b"application/json", b'{"a": 1'),
        (b"application/json, application/json", b"{}"),
        (b"application/json\tx", b"{}"),
        (b"text/plain; charset=utf-16", '{"a": 1}'.encode("utf-16")),
        (b"text/plain", f"card {CARD}".encode("utf-16")),
        (b"text/plain; charset=utf-7", b"+ADQ-111"),
        (b"application/octet-stream", b"\x00\x01\x02"),
        (b"application/x-protobuf", b"\x08\x01"),
        (b"image/png", b'{"a": 1}'),
        (b"multipart/byteranges; boundary=x", b"--x--"),
    ]
]
ONLY_JSON: list[tuple[bytes, bytes]] = [  # to an LLM connection nothing but JSON goes
    (b"", b'{"model": "simulated", "messages": []}'),
    (b"text/plain", b'{"model": "simulated", "messages": []}'),
    (b"application/x-www-form-urlencoded", b"model=simulated"),
    (b"multipart/form-data; boundary=x", b'--x\r\ncontent-disposition: form-data; name="model"\r\n\r\nx\r\n--x--\r\n'),
    (b"application/x-ndjson", b'{"model": "simulated"}\n{}'),
    (b"application/jsonx", b"{}"),
    (b"application/json", b""),
    (b"application/json", b"[]"),
    (b"application/json", b"null"),
    (b"application/json", b'"x"'),
    (b"application/json", b"{}"),
    (b"application/json", b'{"model": null, "messages": []}'),
    (b"application/json", b'{"model": ["simulated"], "messages": []}'),
    (b"application/json", b'{"model": "claude-opus-9", "messages": []}'),
    (b"application/json", b'{"Model": "simulated", "messages": []}'),
    (b"application/json", b'{"model": "simulated\\u0000", "messages": []}'),
    (b"application/json", b'{"model": "simulated", "messages": "x", "stream": "yes"}'),
]
GENERATING = ["/claude/v1/messages", "/gpt/chat/completions", "/gpt/responses"]
ONLY = [(path, media, body) for path in GENERATING for media, body in ONLY_JSON]


@pytest.mark.parametrize("number", range(len(FRAMINGS)), ids=names(FRAMINGS))
def test_framings(place: Field, number: int) -> None:
    def send(case: tuple[list[bytes], bytes], mark: str) -> Got:
        lines, body = case
        framed = any(b"length" in line or b"transfer" in line for line in lines) or body == NEXT
        lines = lines if framed else [*lines, b"content-length: %d" % len(body)]
        return rawhttp.ask(place.port, head(mark, place, b"POST /one/x HTTP/1.1", *lines) + body)

    fair(place.table("framings", FRAMINGS, send)[number], place.upstream)
    assert not [arrived for arrived in place.upstream.arrived if "forged" in arrived.target]


def post(place: Field, mark: str, case: tuple[str, bytes, bytes]) -> Got:
    path, media, body = case
    lines = [b"content-length: %d" % len(body), *([b"content-type: " + media] if media else [])]
    line = b"POST " + path.encode() + b" HTTP/1.1"
    return rawhttp.ask(place.port, head(mark, place, line, *lines) + body)


@pytest.mark.parametrize("number", range(len(BODIES)), ids=names(BODIES))
def test_bodies_of_two_meanings(place: Field, number: int) -> None:
    tried = place.table("bodies", BODIES, lambda case, mark: post(place, mark, case))[number]
    assert tried.arrived == []
    assert tried.got.status in (400, 415)
    shaped(tried.got)
    fair(tried, place.upstream)


@pytest.mark.parametrize("number", range(len(ONLY)), ids=names(ONLY))
def test_bodies_of_models(place: Field, number: int) -> None:
    tried = place.table("only", ONLY, lambda case, mark: post(place, mark, case))[number]
    assert tried.arrived == []
    assert tried.got.status in (400, 403, 415)
    fair(tried, place.upstream)
    document = json.loads(tried.got.body)
    assert set(document["error"]) >= {"type", "message", "code"}
    assert ("claude" in ONLY[number][0]) == (document.get("type") == "error")


# 4: HTTP/2

PLAIN = [(":method", "GET"), (":scheme", "http"), (":authority", "gateway"), (":path", "/one/x")]
HTTP2: list[list[tuple[str, str]]] = [
    PLAIN,
    PLAIN[::-1],
    [*PLAIN[:3], (":path", "/one/x"), (":path", "/two/x")],
    [("accept", "a"), *PLAIN],
    [*PLAIN[:2], ("accept", "a"), *PLAIN[2:]],
    PLAIN[:3],
    PLAIN[1:],
    [*PLAIN[:1], *PLAIN[2:]],
    [*PLAIN[:1], (":scheme", "forged"), *PLAIN[2:]],
    [*PLAIN[:1], (":scheme", "https"), *PLAIN[2:]],
    [*PLAIN[:2], *PLAIN[3:]],
    [*PLAIN[:2], *PLAIN[3:], ("host", "gateway")],
    [*PLAIN, ("host", "forged")],
    [*PLAIN, (":authority", "forged")],
    [*PLAIN[:2], (":authority", "forged@gateway"), *PLAIN[3:]],
    [*PLAIN[:2], (":authority", "a b"), *PLAIN[3:]],
    [*PLAIN[:2], (":authority", ""), *PLAIN[3:]],
    [*PLAIN[:3], (":path", "")],
    [*PLAIN[:3], (":path", "one/x")],
    [*PLAIN[:3], (":path", "*")],
    [*PLAIN[:3], (":path", "/one/x HTTP/1.1\r\nhost: two\r\n\r\nGET /two/x")],
    [*PLAIN[:3], (":path", "/one/../two/x")],
    [*PLAIN[:3], (":path", "/one/%2e%2e/two/x")],
    [*PLAIN[:3], (":path", "/one/x#/two")],
    [*PLAIN[:3], (":path", "/one/\u00e9")],
    [*PLAIN[:3], (":path", "http://two/one/x")],
    [(":method", "GET /two/x HTTP/1.1\r\nx: y\r\n\r\nGET"), *PLAIN[1:]],
    [(":method", ""), *PLAIN[1:]],
    [(":method", "CONNECT"), *PLAIN[1:]],
    [(":method", "CONNECT"), PLAIN[2]],
    [(":method", "CONNECT"), (":protocol", "websocket"), *PLAIN[1:]],
    [(":method", "GET"), (":method", "POST"), *PLAIN[1:]],
    [*PLAIN, (":status", "200")],
    [*PLAIN, (":odd", "1")],
    [*PLAIN, (":protocol", "websocket")],
    [*PLAIN, ("X-Exeat-Session", "s")],
    [*PLAIN, ("Authorization", "Bearer x")],
    [*PLAIN, ("Expect", "forged")],
    [*PLAIN, ("expect", "forged")],
    [*PLAIN, ("x-request-id", "forged")],
    [*PLAIN, ("connection", "x-api-key")],
    [*PLAIN, ("keep-alive", "forged")],
    [*PLAIN, ("upgrade", "websocket")],
    [*PLAIN, ("transfer-encoding", "chunked")],
    [*PLAIN, ("content-length", "5")],
    [*PLAIN, ("content-length", "0"), ("content-length", "5")],
    [*PLAIN, ("te", "gzip")],
    [*PLAIN, ("a", "b\r\nx-exeat-session: s")],
    [*PLAIN, ("a\r\nb", "c")],
    [*PLAIN, ("a", "b\0c")],
    [*PLAIN, ("", "x")],
    [*PLAIN, ("a b", "x")],
    [*PLAIN, ("x_exeat_session", "s")],
    [*PLAIN, ("cookie", "a=b"), ("cookie", "access_token=x")],
    [*PLAIN, ("x-api-key", "other")],
    [*PLAIN, *[(f"a{number}", "b") for number in range(101)]],
    [*PLAIN, ("a", "b" * 70_000)],
]


@pytest.mark.parametrize("number", range(len(HTTP2)), ids=names(HTTP2))
def test_http2(place: Field, number: int) -> None:
    def send(headers: list[tuple[str, str]], mark: str) -> Got:
        began = time.monotonic()
        name, _, value = place.credential().decode().partition(": ")
        status = raw.http2(place.port, [*headers, ("user-agent", mark), (name, value)], rawhttp.LONGEST)
        return Got(b"", status, (), b"", True, time.monotonic() - began)

    tried = place.table("http2", HTTP2, send)[number]
    fair(tried, place.upstream)
    assert tried.got.status in ((200,) if tried.arrived else (0, *range(400, 500)))
    assert tried.arrived or number > 0


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """RFC 9113 §4.1."""
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


HEADERS_FRAME, RESET_FRAME, SETTINGS_FRAME, PING_FRAME, CONTINUATION_FRAME = 1, 3, 4, 6, 9
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS_FRAME, 0, 0, b"")
# literal field without indexing, new name: one octet of name, 16,000 of value (RFC 7541 §6.2.2)
BULK = b"\x00\x01a\x7f" + (16_000 - 127 & 0x7F | 0x80).to_bytes(1, "big") + bytes([16_000 - 127 >> 7]) + b"b" * 16_000
FLOODS = {
    "continuation": frame(HEADERS_FRAME, 0, 1, b"")
    + b"".join(frame(CONTINUATION_FRAME, 0, 1, BULK) for _ in range(40)),
    "empty continuation": frame(HEADERS_FRAME, 0, 1, b"") + frame(CONTINUATION_FRAME, 0, 1, b"") * 2000,
    "continuation of nothing": frame(CONTINUATION_FRAME, 4, 1, b""),
    "ping": frame(PING_FRAME, 0, 0, b"12345678") * 20_000,
    "settings": frame(SETTINGS_FRAME, 0, 0, b"") * 20_000,
}


@pytest.mark.parametrize("flood", FLOODS)
def test_http2_floods_end_the_stream_or_the_connection(place: Field, flood: str) -> None:
    with socket.create_connection(("127.0.0.1", place.port), timeout=rawhttp.LONGEST) as connection:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(PREFACE + FLOODS[flood])
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while not re.search(rb"\x00\x00\x04\x03.\x00\x00\x00\x01", answer) and (more := connection.recv(65536)):
                answer += more
        assert len(answer) < 1 << 20
    place.gateway.serves()


def test_http2_rapid_reset_is_bounded_and_decided(place: Field) -> None:
    mark = f"probe-{uuid7()}"
    rules = h2.config.H2Configuration(validate_outbound_headers=False)
    http = h2.connection.H2Connection(rules)
    name, _, value = place.credential().decode().partition(": ")
    with socket.create_connection(("127.0.0.1", place.port), timeout=rawhttp.LONGEST) as connection:
        http.initiate_connection()
        for stream in range(1, 401, 2):
            http.send_headers(stream, [*PLAIN, ("user-agent", mark), (name, value)], end_stream=True)
            http.reset_stream(stream)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(http.data_to_send())
            time.sleep(1)
    place.gateway.serves()
    place.gateway.settled()
    allowed = [found for found in place.decided().get(mark, []) if found[0] == "decision.allow"]
    assert len(place.upstream.of(mark)) <= len(allowed)


# 5: upstreams that lie

SECRET = f'{{"note": "card {CARD}, {MAIL}, {SSN}"}}'.encode()
TEXT = f"card {CARD}, {MAIL}, {SSN}".encode()
SSE = b"content-type: text/event-stream"


def says(body: bytes, *lines: bytes, status: bytes = b"200 OK") -> tuple[bytes, ...]:
    length = b"content-length: %d" % len(body)
    return (b"\r\n".join([b"HTTP/1.1 " + status, *lines, length, b"", b""]) + body,)


def chunks(
    *pieces: bytes, lines: Sequence[bytes] = (JSON,), trailers: bytes = b"", end: bool = True
) -> tuple[bytes, ...]:
    head = b"\r\n".join([b"HTTP/1.1 200 OK", *lines, b"transfer-encoding: chunked", b"", b""])
    last = (b"0\r\n" + trailers + b"\r\n",) if end else ()
    return (head, *(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces), *last)


def until_close(*pieces: bytes, lines: Sequence[bytes] = (JSON,), version: bytes = b"HTTP/1.0") -> tuple[bytes, ...]:
    return (b"\r\n".join([version + b" 200 OK", *lines, b"", b""]), *pieces)


CHAT = streams.chat_stream(f"One card is {CARD}, that is all.")  # cut in the middle of the card
CHATTED = b"".join(CHAT)
REFUSED, MASKED, CUT, ANY = "refused", "masked", "cut", "any"
LIES: dict[str, tuple[str, tuple[bytes, ...]]] = {
    "json": (MASKED, says(SECRET, JSON)),
    "json as png": (REFUSED, says(SECRET, b"content-type: image/png")),
    "json as octets": (MASKED, says(SECRET, b"content-type: application/octet-stream")),
    "json without type": (MASKED, says(SECRET)),
    "json of empty type": (MASKED, says(SECRET, b"content-type: ")),
    "json of odd type": (MASKED, says(SECRET, b"content-type: json")),
    "json as html": (MASKED, says(SECRET, b"content-type: text/html")),
    "json as javascript": (MASKED, says(SECRET, b"content-type: application/javascript")),
    "json as form": (MASKED, says(SECRET, b"content-type: application/x-www-form-urlencoded")),
    "json as table": (MASKED, says(SECRET, b"content-type: text/csv")),
    "table": (MASKED, says(b"a,b\n1," + CARD.encode() + b"\n", b"content-type: text/csv")),
    "table with odd quotes": (MASKED, says(b'a,b\n1,"4111"111111111111\n', b"content-type: text/csv")),
    "parts": (MASKED, says(b"--x\r\n\r\n" + TEXT + b"\r\n--x--", b"content-type: multipart/mixed; boundary=x")),
    "parts without boundary": (REFUSED, says(b"--x\r\n\r\n" + TEXT, b"content-type: multipart/mixed")),
    "json as stream": (MASKED, says(SECRET, SSE)),
    "json of two types": (REFUSED, says(SECRET, JSON, b"content-type: image/png")),
    "json in utf-16": (REFUSED, says(SECRET.decode().encode("utf-16"), JSON)),
    "json in utf-16-be": (REFUSED, says(SECRET.decode().encode("utf-16-be"), JSON)),
    "json in utf-32": (REFUSED, says(SECRET.decode().encode("utf-32"), JSON)),
    "json said to be utf-16": (REFUSED, says(SECRET.decode().encode("utf-16"), JSON + b"; charset=utf-16")),
    "json in ebcdic": (REFUSED, says(SECRET.decode().encode("cp037"), JSON + b"; charset=ibm037")),
    "json in utf-7": (REFUSED, says(SECRET.decode().encode("utf-7"), JSON + b'; charset="UTF-7"')),
    "text in utf-16": (REFUSED, says(TEXT.decode().encode("utf-16"), b"content-type: text/plain")),
    "text in utf-16-le": (REFUSED, says(TEXT.decode().encode("utf-16-le"), b"content-type: text/html")),
    "text said to be utf-16": (REFUSED, says(TEXT.decode().encode("utf-16"), b"content-type: text/csv; charset=utf-16")),
    "text in ebcdic": (REFUSED, says(TEXT.decode().encode("cp037"), b"content-type: text/plain; charset=cp037")),
    "text in latin-1": (MASKED, says(b"caf\xe9 " + TEXT, b"content-type: text/plain; charset=ISO-8859-1")),
    "stream in utf-16": (REFUSED, says(CHATTED.decode().encode("utf-16"), SSE)),
    "form in utf-16": (REFUSED, says(TEXT.decode().encode("utf-16"), b"content-type: application/x-www-form-urlencoded")),
    "gzip": (MASKED, says(gzip.compress(SECRET), JSON, b"content-encoding: gzip")),
    "x-gzip": (MASKED, says(gzip.compress(SECRET), JSON, b"content-encoding: x-gzip")),
    "deflate after identity": (MASKED, says(zlib.compress(SECRET), JSON, b"content-encoding: identity, deflate")),
    "gzip in a second header": (MASKED, says(gzip.compress(SECRET), JSON, b"content-encoding: identity", b"content-encoding: gzip")),
    "gzip cut off": (ANY, says(gzip.compress(SECRET)[:-9], JSON, b"content-encoding: gzip")),
    "bomb": (REFUSED, says(gzip.compress(b" " * (64 << 20)), JSON, b"content-encoding: gzip")),
    "another encoding": (REFUSED, says(SECRET, JSON, b"content-encoding: compress")),
    "encoding unheard of": (REFUSED, says(SECRET, JSON, b"content-encoding: identity;q=1")),
    "gzip unsaid": (REFUSED, says(gzip.compress(SECRET), JSON)),
    "gzip unsaid as text": (REFUSED, says(gzip.compress(SECRET), b"content-type: text/plain")),
    "gzip as transfer": (REFUSED, (b"HTTP/1.1 200 OK\r\n" + JSON + b"\r\ntransfer-encoding: gzip, chunked\r\n\r\n" + b"%x\r\n%s\r\n0\r\n\r\n" % (len(gzip.compress(SECRET)), gzip.compress(SECRET)),)),
    "206": (REFUSED, says(SECRET, JSON, b"content-range: bytes 0-9/99", status=b"206 Partial Content")),
    "byteranges": (REFUSED, says(b"--x\r\n\r\n" + SECRET, b"content-type: multipart/byteranges; boundary=x")),
    "replace": (REFUSED, says(b"--x\r\n\r\n" + SECRET, b"content-type: multipart/x-mixed-replace; boundary=x")),
    "range in 200": (MASKED, says(SECRET, JSON, b"content-range: bytes 0-9/99")),
    "longer than said": (ANY, (b"HTTP/1.1 200 OK\r\n" + JSON + b"\r\ncontent-length: 10\r\n\r\n" + SECRET,)),
    "shorter than said": (CUT, (b"HTTP/1.1 200 OK\r\n" + JSON + b"\r\ncontent-length: 9999\r\n\r\n" + SECRET,)),
    "two lengths": (REFUSED, says(SECRET, JSON, b"content-length: 3")),
    "length and chunks": (ANY, says(SECRET, JSON, b"transfer-encoding: chunked")),
    "header": (MASKED, says(b"{}", JSON, b"x-note: " + TEXT)),
    "header name": (ANY, says(b"{}", JSON, b"x-" + CARD.encode() + b": y")),
    "header in pieces": (ANY, says(b"{}", JSON, b"x-note: 4111 1111", b"x-note: 1111 1111")),
    "folded header": (ANY, says(b"{}", JSON, b"x-note: 4111 1111\r\n 1111 1111")),
    "header of utf-16": (ANY, says(b"{}", JSON, b"x-note: " + TEXT.decode().encode("utf-16"))),
    "cookie": (MASKED, says(b"{}", JSON, b"set-cookie: a=" + CARD.encode(), b"set-cookie: b=" + MAIL.encode())),
    "location": (MASKED, says(b"", b"location: /x?card=" + CARD.encode(), status=b"302 Found")),
    "encoded location": (MASKED, says(b"", b"location: /x?c=4111%201111%201111%201111", status=b"302 Found")),
    "encoded mail in location": (MASKED, says(b"", b"location: /x?c=" + MAIL.replace("@", "%40").encode(), status=b"307 T")),
    "type's parameter": (MASKED, says(b"{}", JSON + b"; note=" + CARD.encode())),
    "reason": (ANY, says(b"{}", JSON, status=b"200 " + CARD.encode())),
    "envoy's own header": (ANY, says(b"{}", JSON, b"x-envoy-note: " + CARD.encode())),
    "our own header": (ANY, says(b"{}", JSON, b"x-exeat-decision: forged", b"x-exeat-reply: forged", b"x-exeat-inspected: forged")),
    "trailer": (MASKED, chunks(b"{}", trailers=b"x-note: " + TEXT + b"\r\n")),
    "early hints": (ANY, (b"HTTP/1.1 103 Early Hints\r\nlink: </" + CARD.encode() + b">\r\n\r\n", *says(b"{}", JSON))),
    "continue": (ANY, (b"HTTP/1.1 100 " + CARD.encode() + b"\r\nx-note: " + TEXT + b"\r\n\r\n", *says(b"{}", JSON))),
    "processing for ever": (REFUSED, (b"HTTP/1.1 102 Processing\r\n\r\n",) * 20),
    "switching": (REFUSED, (b"HTTP/1.1 101 Switching\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n" + TEXT,)),
    "204 with a body": (ANY, says(SECRET, JSON, status=b"204 No Content")),
    "304 with a body": (ANY, says(SECRET, JSON, status=b"304 Not Modified")),
    "status 99": (REFUSED, says(SECRET, JSON, status=b"99 x")),
    "status 600": (ANY, says(SECRET, JSON, status=b"600 x")),
    "status of words": (REFUSED, says(SECRET, JSON, status=b"OK")),
    "error page": (ANY, says(SECRET, b"content-type: text/html", status=b"500 x")),
    "close delimited": (MASKED, until_close(SECRET)),
    "close delimited 1.1": (MASKED, until_close(SECRET, version=b"HTTP/1.1")),
    "http/0.9": (REFUSED, (TEXT,)),
    "another protocol": (REFUSED, (b"220 mail ready " + TEXT + b"\r\n",)),
    "http/2 unasked": (REFUSED, (frame(SETTINGS_FRAME, 0, 0, b"") + TEXT,)),
    "nothing": (REFUSED, ()),
    "half a head": (REFUSED, (b"HTTP/1.1 200 OK\r\nx-note: " + TEXT,)),
    "endless header": (REFUSED, (b"HTTP/1.1 200 OK\r\nx-note: ", *(b"x" * 60_000 for _ in range(20)))),
    "many headers": (REFUSED, says(SECRET, JSON, *(b"a%d: b" % number for number in range(2000)))),
    "bytes one by one": (MASKED, chunks(b'{"pan": "', *(bytes([byte]) for byte in CARD.encode()), b'"}')),
    "segments": (MASKED, until_close(*(SECRET[at : at + 5] for at in range(0, len(SECRET), 5)))),
    "escapes": (MASKED, says(b'{"pan": "' + b"".join(b"\\u%04x" % byte for byte in CARD.encode()) + b'"}', JSON)),
    "number": (MASKED, says(b'{"pan": ' + CARD.encode() + b"}", JSON)),
    "doubled key": (MASKED, says(b'{"a": 1, "a": "' + CARD.encode() + b'"}', JSON)),
    "after the end": (MASKED, says(b"{}\n\n" + TEXT, JSON)),
    "mark in front": (MASKED, says(b"\xef\xbb\xbf" + SECRET, JSON)),
    "junk in front": (MASKED, says(b")]}',\n" + SECRET, JSON)),
    "cut in a card": (ANY, until_close(b'{"pan": "411111111111111')),
    "cut in a card, chunked": (CUT, chunks(b'{"pan": "411111111111111', end=False)),
    "cut in a card as text": (ANY, until_close(b"pan 411111111111111", lines=[b"content-type: text/plain"])),
    "cut in a mail": (ANY, until_close(b'{"mail": "ada.lovell@customer.exampl')),
    "stream": (MASKED, chunks(*CHAT, lines=[SSE])),
    "stream as text": (MASKED, chunks(*CHAT, lines=[b"content-type: text/plain"])),
    "stream as json": (ANY, chunks(*CHAT, lines=[JSON])),
    "stream as octets": (MASKED, chunks(*CHAT, lines=[b"content-type: application/octet-stream"])),
    "stream without type": (MASKED, chunks(*CHAT, lines=[])),
    "stream with CR": (MASKED, chunks(*(piece.replace(b"\n", b"\r") for piece in CHAT), lines=[SSE])),
    "stream with CRLF": (MASKED, chunks(*(piece.replace(b"\n", b"\r\n") for piece in CHAT), lines=[SSE])),
    "stream with a mark": (MASKED, chunks(b"\xef\xbb\xbf", *CHAT, lines=[SSE])),
    "stream with a comment": (MASKED, chunks(b": " + TEXT + b"\n\n", lines=[SSE])),
    "stream with an id": (MASKED, chunks(b"id: " + CARD.encode() + b"\ndata: {}\n\n", lines=[SSE])),
    "stream with a name": (MASKED, chunks(b"event: " + CARD.encode() + b"\ndata: {}\n\n", lines=[SSE])),
    "stream with an odd field": (MASKED, chunks(CARD.encode() + b": x\ndata: {}\n\n", lines=[SSE])),
    "stream of a long line": (MASKED, chunks(b"data: " + b"x" * (1 << 20) + b" " + TEXT + b"\n\n", lines=[SSE])),
    "stream without an end": (ANY, until_close(b"data: " + TEXT, lines=[SSE])),
    "stream cut in an event": (CUT, chunks(*CHAT[:2], CHAT[2][:-5], lines=[SSE], end=False)),
    "key in a header": (MASKED, says(b"{}", JSON, b"x-echo: @KEY@")),
    "key as a cookie": (MASKED, says(b"{}", JSON, b"set-cookie: k=@KEY@; path=/")),
    "key in a trailer": (MASKED, chunks(b"{}", trailers=b"x-echo: @KEY@\r\n")),
    "key in json": (MASKED, until_close(b'{"echo": "@KEY@"}')),
    "key in text": (MASKED, until_close(b"echo @KEY@", lines=[b"content-type: text/plain"])),
    "key in html": (MASKED, until_close(b"<b>@KEY@</b>", lines=[b"content-type: text/html"])),
    "key in a stream": (MASKED, until_close(b'data: {"x": "@KEY@"}\n\n', lines=[SSE])),
    "key in an error": (MASKED, (b"HTTP/1.1 401 No\r\nwww-authenticate: Bearer @KEY@\r\nconnection: close\r\n\r\n@KEY@",)),
}  # fmt: skip
PLAYS.update({name.replace(" ", "-"): pieces for name, (_, pieces) in LIES.items()})
WAYS = [("one", name) for name in LIES] + [
    (kind, name) for kind in ("gpt", "claude") for name in LIES if "stream" in name or "key" in name or "utf-16" in name
]


def coats(data: bytes) -> str:
    """The bytes in every way a client may read them."""
    text = data.decode("utf-8", "replace")
    deltas = []
    for line in re.split(r"\r\n|\r|\n", text):
        if line.startswith("data:"):
            with contextlib.suppress(ValueError, KeyError, IndexError, TypeError):
                deltas.append(json.loads(line[5:])["choices"][0]["delta"].get("content") or "")
    more = [text, unquote(text), "".join(deltas), text.replace("\r", "").replace("\ndata: ", " ")]
    more += [data.decode(coding, "replace") for coding in ("utf-16-le", "utf-16-be", "utf-32-le", "cp037", "utf-7")]
    more += [data[1:].decode("utf-16-le", "replace"), re.sub(r"\\u([0-9a-f]{4})", lambda m: chr(int(m[1], 16)), text)]
    for window in (31, 15, -15):
        with contextlib.suppress(zlib.error):
            more.append(zlib.decompress(data, window).decode("utf-8", "replace"))
    return "\n".join(more)


@pytest.mark.parametrize("number", range(len(WAYS)), ids=[f"{way}: {name}" for way, name in WAYS])
def test_lies(place: Field, number: int) -> None:
    body = b'{"model": "simulated", "max_tokens": 9, "stream": true, "messages": [], "input": ""}'

    def send(way: tuple[str, str], _: str) -> Got:
        connection, name = way
        mark = f"play-{name.replace(' ', '-')}"
        if connection == "one":
            return rawhttp.ask(place.port, head(mark, place, b"GET /one/x HTTP/1.1"))
        path = {"gpt": b"/gpt/chat/completions", "claude": b"/claude/v1/messages"}[connection]
        lines = [JSON, b"content-length: %d" % len(body)]
        return rawhttp.ask(place.port, head(mark, place, b"POST " + path + b" HTTP/1.1", *lines) + body)

    got = place.table("lies", WAYS, send)[number].got
    assert got.seconds < rawhttp.LONGEST, "it hangs"
    read = coats(got.raw) + coats(got.body) + str(got.headers)
    for secret in (*SECRETS, CARD[:15], MAIL[:-1], '1111 1111", "1111 1111'):
        assert secret not in read, secret
    assert "forged" not in read
    for key in ("ldg_", "sk-ant-", "sk-proj-"):
        assert key not in read
    expected = LIES[WAYS[number][1]][0]
    if expected == REFUSED:
        assert got.status in (502, 503)
    if got.status in (502, 503):
        assert got.whole
        shaped(got)
    elif expected == MASKED:
        assert got.whole
        assert got.status in (200, 302, 307, 401)
        assert "[" in read
    elif expected == CUT:
        assert not got.whole or b"error" in got.body
