"""A hostile upstream, and a client that reads an answer without believing any of it.

What the upstream answers is bytes, chosen by the caller's `user-agent: play-NAME`; what arrives is kept as it came.
"""

import contextlib
import socket
import socketserver
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import h11

from tests.kit.raw import ANSWER, Arrived

OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(ANSWER) + ANSWER
KEY = b"@KEY@"  # in a piece: the value of the credential that the gateway added
PAUSE = 0.03  # seconds between two pieces, so that each is a TCP segment of its own
LONGEST = 10.0  # seconds after which an answer that does not end is a hang


@dataclass
class Hostile:
    """`plays`: name → pieces of an answer, after which the connection closes."""

    port: int
    plays: Mapping[str, tuple[bytes, ...]]
    arrived: list[Arrived] = field(default_factory=list)

    def of(self, agent: str) -> list[Arrived]:
        return [found for found in self.arrived if ("user-agent", agent) in found.headers]


@contextlib.contextmanager
def hostile(plays: Mapping[str, tuple[bytes, ...]]) -> Iterator[Hostile]:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                _serve(self.request, found)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Server(("127.0.0.1", 0), Handler) as server:
        found = Hostile(server.server_address[1], plays)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join(5)


def _serve(connection: socket.socket, found: Hostile) -> None:
    while (arrived := _request(connection)) is not None:
        found.arrived.append(arrived)
        agent = dict(arrived.headers).get("user-agent", "")
        pieces = found.plays.get(agent.removeprefix("play-")) if agent.startswith("play-") else None
        if pieces is None:
            connection.sendall(OK)
            continue
        key = next((value for name, value in arrived.headers if name in ("authorization", "x-api-key")), "").encode()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            connection.sendall(piece.replace(KEY, key))
            time.sleep(PAUSE)
        return


def _request(connection: socket.socket) -> Arrived | None:
    http = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    request, body = None, b""
    while True:
        event: Any = http.next_event()
        if event is h11.NEED_DATA:
            data = connection.recv(65536)
            if not data:
                return None
            http.receive_data(data)
        elif isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage) and request is not None:
            headers = tuple((name.decode(), value.decode("latin-1")) for name, value in request.headers)
            return Arrived(request.method.decode(), request.target.decode("latin-1"), headers, body)
        else:
            return None


@dataclass(frozen=True)
class Got:
    """`raw`: every byte. `whole`: the answer ended as HTTP says it must. `seconds`: until then, or its end."""

    raw: bytes
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    whole: bool
    seconds: float

    def first(self, name: str) -> str:
        return next((value for key, value in self.headers if key == name), "")


def ask(port: int, data: bytes, bodiless: bool = False) -> Got:
    """Sends bytes as they are and reads one answer (`bodiless`: to HEAD); seconds >= LONGEST: it came to no end."""
    began, raw = time.monotonic(), b""
    with socket.create_connection(("127.0.0.1", port), timeout=LONGEST) as connection:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(data)
        while True:
            got = read(raw, bodiless, time.monotonic() - began)
            if got.whole or got.seconds >= LONGEST:
                return got
            connection.settimeout(max(0.01, LONGEST - got.seconds))
            try:
                more = connection.recv(65536)
            except TimeoutError:
                continue
            except ConnectionResetError:
                return got
            if not more:
                return read(raw, bodiless, time.monotonic() - began, closed=True)
            raw += more


def read(raw: bytes, bodiless: bool, seconds: float, *, closed: bool = False) -> Got:
    http = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 22)
    http.send(h11.Request(method="HEAD" if bodiless else "GET", target="/", headers=[("host", "x")]))
    http.send(h11.EndOfMessage())
    status, headers, body, whole = 0, (), b"", False
    with contextlib.suppress(h11.RemoteProtocolError):
        http.receive_data(raw)
        if closed:
            http.receive_data(b"")
        while True:
            event: Any = http.next_event()
            if isinstance(event, h11.Response):
                status = event.status_code
                headers = tuple((name.decode(), value.decode("latin-1")) for name, value in event.headers)
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                trailers = tuple((name.decode(), value.decode("latin-1")) for name, value in event.headers)
                headers, whole = (*headers, *trailers), True
                break
            elif not isinstance(event, h11.InformationalResponse):
                break
    return Got(raw, status, headers, body, whole, seconds)
