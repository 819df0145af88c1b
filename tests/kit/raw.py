"""HTTP as bytes: a client that sends what no library would, and an upstream that keeps what really arrives."""

import socket
import socketserver
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h11

ANSWER = b'{"ok": true}'


@dataclass(frozen=True)
class Arrived:
    """One request as the upstream read it."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def names(self) -> set[str]:
        return {name for name, _ in self.headers}


@dataclass
class RawUpstream:
    """Answers 200 to everything and keeps it."""

    port: int = 0
    arrived: list[Arrived] = field(default_factory=list)


@contextmanager
def upstream() -> Iterator[RawUpstream]:
    found = RawUpstream()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            _serve(self.request, found.arrived)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Server(("127.0.0.1", 0), Handler) as server:
        found.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join(5)


def _serve(connection: socket.socket, arrived: list[Arrived]) -> None:
    http = h11.Connection(h11.SERVER)
    request, body = None, b""
    while True:
        event: Any = http.next_event()
        if event is h11.NEED_DATA:
            data = connection.recv(65536)
            http.receive_data(data)
            if not data:
                return
        elif isinstance(event, h11.Request):
            request, body = event, b""
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage) and request is not None:
            headers = tuple((name.decode(), value.decode("latin-1")) for name, value in request.headers)
            arrived.append(Arrived(request.method.decode(), request.target.decode("latin-1"), headers, body))
            head = h11.Response(
                status_code=200, headers=[("content-type", "application/json"), ("content-length", str(len(ANSWER)))]
            )
            for part in (head, h11.Data(data=ANSWER), h11.EndOfMessage()):
                connection.sendall(http.send(part) or b"")
            http.start_next_cycle()
        else:
            return


def send(port: int, data: bytes, seconds: float = 2.0) -> bytes:
    """What comes back until the other side closes or says nothing for `seconds`; half-closes after sending."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        connection.sendall(data)
        received = b""
        try:
            while not _last(received) and (chunk := connection.recv(65536)):
                received += chunk
        except (TimeoutError, ConnectionResetError):
            pass
        return received


def _last(answer: bytes) -> bool:
    """Whether it holds a whole answer after which the connection closes (Envoy then waits a second for us to leave)."""
    head, end, body = answer.partition(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
    length = fields.get(b"content-length", b"")
    return bool(end) and fields.get(b"connection") == b"close" and length.isdigit() and len(body) >= int(length)


def statuses(answer: bytes) -> list[int]:
    """The status of each answer in what came back."""
    return [int(line.split()[1]) for line in answer.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]


def http2(port: int, headers: Sequence[tuple[str, str]], seconds: float = 2.0) -> int:
    """The status of one request over HTTP/2 with exactly these headers, 0 when the stream or connection was reset."""
    rules = h2.config.H2Configuration(validate_outbound_headers=False, normalize_outbound_headers=False)
    http = h2.connection.H2Connection(rules)
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        http.initiate_connection()
        http.send_headers(1, headers, end_stream=True)
        connection.sendall(http.data_to_send())
        while True:
            try:
                data = connection.recv(65536)
                events = http.receive_data(data) if data else []
            except (TimeoutError, ConnectionResetError, h2.exceptions.ProtocolError):
                return 0
            for event in events:
                if isinstance(event, h2.events.ResponseReceived):
                    return int(dict(event.headers)[b":status"])
                if isinstance(event, h2.events.StreamReset | h2.events.ConnectionTerminated):
                    return 0
            if not data:
                return 0
            connection.sendall(http.data_to_send())
