"""HTTP/2: tricks with pseudo-headers, floods of frames, rapid reset."""

import contextlib
import re
import socket
import time

import h2.config
import h2.connection
import pytest

from runtime.ids import uuid7
from tests.kit import raw, rawhttp
from tests.kit.attacks import Field, fair, names
from tests.kit.lies import SETTINGS_FRAME, frame
from tests.kit.rawhttp import Got

pytestmark = pytest.mark.envoy
PLAIN = [(":method", "GET"), (":scheme", "http"), (":authority", "gateway"), (":path", "/one/x")]
HTTP2: list[list[tuple[str, str]]] = [
    PLAIN,
    PLAIN[::-1],
    [*PLAIN[:3], (":path", "/one/x"), (":path", "/two/x")],
    [*PLAIN, ("x", "y"), (":path", "/two/x")],
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
    [*PLAIN, ("host", "two")],
    [*PLAIN, (":authority", "forged")],
    [*PLAIN, (":authority", "two")],
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
    ours = {"x-exeat-session", "cookie", "connection", "te"}
    assert not any(ours & arrived.names() for arrived in tried.arrived)
    assert tried.got.status in ((200,) if tried.arrived else (0, *range(400, 500)))
    assert tried.arrived or number > 0


HEADERS_FRAME, PING_FRAME, CONTINUATION_FRAME = 1, 6, 9
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
