"""Callers who are slow, endless, half gone or too many, at the real Envoy: each ends, and takes nothing from others."""

import contextlib
import json
import socket
import threading
import time
from collections import deque
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.component.test_envoy_replies import gateway
from tests.kit import rawhttp, stubs
from tests.kit.envoy import RunningEnvoy

pytestmark = pytest.mark.envoy
PATIENCE = 20.0  # seconds after which something that should have ended hangs
CONNECTIONS = 40
LIMITS = {
    "headers_seconds": 1,
    "request_seconds": 2,
    "max_request_bytes": 1 << 20,
    "max_connections": CONNECTIONS,
    "requests_per_second": 10_000,
    "address_per_second": 10_000,
    "strangers_per_second": 10_000,
}
HEAD = b"POST /anthropic/v1/messages HTTP/1.1\r\nhost: gateway\r\n"


class House:
    def __init__(self, client: httpx.Client, running: RunningEnvoy, received: deque[Any]) -> None:
        self.client, self.running, self.received = client, running, received
        self.port = int(running.url.rpartition(":")[2])

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def serves(self) -> None:
        assert self.client.get("/plain/accounts").status_code == 200


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with gateway(stubs.Authz(stubs.allow), stubs.Extproc(), gateway=LIMITS) as (client, running, upstream):
        yield House(client, running, upstream.received)


def drip(connection: socket.socket, piece: bytes, ended: threading.Event) -> None:
    """One piece after the other, until the gateway has had enough."""
    with contextlib.suppress(OSError):
        while not ended.wait(0.2):
            connection.sendall(piece)


def rest(connection: socket.socket) -> bytes:
    """All that still comes, until the other side closes. A reset is an end, too."""
    found = b""
    with contextlib.suppress(ConnectionResetError):
        while more := connection.recv(65536):
            found += more
    return found


def told(answer: bytes) -> tuple[int, dict[str, Any]]:
    got = rawhttp.read(answer, bodiless=False, seconds=0, closed=True)
    return got.status, json.loads(got.body)


@pytest.mark.parametrize(
    ("begin", "piece"),
    [
        (b"GET /anthropic/x HTTP/1.1\r\nhost: gateway\r\nx-note: ", b"x"),
        (b"GET /anthropic/x HTTP/1.1\r\nhost: gateway\r\n", b"a: b\r\n"),
        (HEAD + b"content-length: 100000\r\n\r\n", b"x"),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    ],
    ids=["a header", "header after header", "a body", "chunk after chunk"],
)
def test_a_slow_request_ends_and_the_others_are_served(house: House, begin: bytes, piece: bytes) -> None:
    before, ended = len(house.received), threading.Event()
    with contextlib.ExitStack() as stack:
        stack.callback(ended.set)
        lines = [stack.enter_context(house.connect()) for _ in range(CONNECTIONS // 2)]
        for line in lines:
            line.sendall(begin)
        for line in lines:
            threading.Thread(target=drip, args=(line, piece, ended), daemon=True).start()
        house.serves()
        began = time.monotonic()
        answers = [rest(line) for line in lines]
        assert time.monotonic() - began < PATIENCE
    for answer in filter(None, answers):  # a reset may overtake it where bytes were still coming
        status, body = told(answer)
        # before the headers are there nobody knows which API it is
        assert (status, body.get("error", body)["code"]) == (408, "request_too_slow")
        assert body.get("type") == ("error" if begin.startswith(HEAD) else "about:blank")
    assert any(answers)
    house.serves()
    assert [found["path"] for found in list(house.received)[before:]] == ["/accounts", "/accounts"]


def test_a_body_without_end_is_413(house: House) -> None:
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    with house.connect() as line:
        line.sendall(HEAD + b"transfer-encoding: chunked\r\n\r\n")
        sent = 0
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            while sent < 64 << 20:
                line.sendall(chunk)
                sent += len(chunk)
        assert sent < 64 << 20, "it would be taken for ever"
        answer = rest(line)
    if answer:
        status, body = told(answer)
        assert (status, body["error"]["type"]) == (413, "request_too_large")
    house.serves()


@pytest.mark.parametrize(
    "begin",
    [
        b"",
        b"GET /plain/x HT",
        b"GET /plain/x HTTP/1.1\r\nhost: gateway\r\n",
        HEAD + b"content-length: 10\r\n\r\nx",
        HEAD + b"transfer-encoding: chunked\r\n\r\n5\r\nx",
    ],
)
def test_who_stops_speaking_is_let_go(house: House, begin: bytes) -> None:
    """A half-closed connection with half a request: no upstream hears of it."""
    before = len(house.received)
    with house.connect() as line:
        line.sendall(begin)
        line.shutdown(socket.SHUT_WR)
        answer = rest(line)
    assert not answer or int(answer.split()[1]) in (400, 408)
    house.serves()
    assert len(house.received) == before + 1


def test_connections_beyond_the_limit_are_closed_and_those_below_are_served(house: House) -> None:
    house.serves()  # its connection is one of them
    with contextlib.ExitStack() as stack:
        lines = [stack.enter_context(house.connect()) for _ in range(CONNECTIONS * 2)]
        house.serves()
        closed = 0
        for line in lines[CONNECTIONS:]:
            line.settimeout(PATIENCE)
            closed += rest(line) == b""
        assert closed == CONNECTIONS
        house.serves()
    house.serves()


def test_headers_beyond_the_limit_are_431_in_the_callers_shape(house: House) -> None:
    with house.connect() as line:
        line.sendall(b"GET /anthropic/x HTTP/1.1\r\nhost: gateway\r\nx-note: " + b"x" * 65_000 + b"\r\n\r\n")
        answer = rest(line)
    if answer:  # a reset may overtake it
        assert (told(answer)[0], told(answer)[1]["code"]) == (431, "headers_too_large")
    house.serves()


SHAPES: dict[str, Any] = {
    "anthropic": lambda body: (body["type"], body["error"]["type"]) == ("error", "rate_limit_error"),
    "openai": lambda body: (body["error"]["type"], body["error"]["code"]) == ("rate_limit_error", "rate_limited"),
    "azure": lambda body: body["error"]["type"] == "rate_limit_error",
    "gemini": lambda body: (body["error"]["code"], body["error"]["status"]) == (429, "RESOURCE_EXHAUSTED"),
    "tools": lambda body: (body["jsonrpc"], body["error"]["data"]["code"]) == ("2.0", "rate_limited"),
    "cluster": lambda body: (body["kind"], body["code"], body["reason"]) == ("Status", 429, "TooManyRequests"),
    "plain": lambda body: (body["status"], body["title"], body["code"]) == (429, "Too Many Requests", "rate_limited"),
}


def test_too_many_requests_are_429_in_the_callers_shape() -> None:
    slow = {"requests_per_second": 1, "address_per_second": 1, "strangers_per_second": 1}
    with gateway(stubs.Authz(stubs.allow), stubs.Extproc(), gateway=slow) as (client, _, upstream):
        for connection, shape in SHAPES.items():
            answers = [client.get(f"/{connection}/accounts") for _ in range(8)]
            refused = [answer for answer in answers if answer.status_code == 429]
            assert refused, [answer.status_code for answer in answers]
            for answer in refused:
                assert shape(answer.json()), answer.text
        assert len(upstream.received) < 8 * len(SHAPES)


def test_a_part_that_is_away_is_overload_to_anthropics_clients() -> None:
    with gateway(None, stubs.Extproc()) as (client, _, _):
        answer = client.post("/anthropic/v1/messages", json={})
        assert (answer.status_code, answer.json()["error"]["type"]) == (503, "overloaded_error")
