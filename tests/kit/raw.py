"""HTTP as bytes: what no library would send, and what really arrived."""

import socket
from collections.abc import Sequence
from dataclasses import dataclass

import h2.config
import h2.connection
import h2.events
import h2.exceptions

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
