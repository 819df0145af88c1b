"""A relay before the store that is slow, answers errors, or loses replies, as networks and overloaded servers do."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nX-ClickHouse-Exception-Code: 202\r\nConnection: close\r\n"
    b"Content-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s"
)
TEXT = b"Code: 202. DB::Exception: Too many simultaneous queries. (TOO_MANY_SIMULTANEOUS_QUERIES)\n"


@dataclass
class BadStore:
    """`delay`: seconds before each part of a reply. `erring`: every request is refused as busy. `losing`: the request
    arrives, its reply does not. They count what they did."""

    port: int
    delay: float = 0.0
    erring: bool = False
    losing: bool = False
    delayed: int = 0
    refused: int = 0
    lost: int = 0
    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    stopped: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def serve(self) -> None:
        while not self.stopped.is_set():
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._relay, args=(client,), daemon=True).start()

    def _relay(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)) as store:
            back = threading.Thread(target=self._replies, args=(store, client), daemon=True)
            back.start()
            while data := client.recv(1 << 16):
                if self.erring:
                    self.refused += 1
                    client.sendall(BUSY % (len(TEXT), TEXT))
                    break
                store.sendall(data)
            for end in (client, store):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            back.join(10)

    def _replies(self, store: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := store.recv(1 << 16):
                if self.losing:
                    self.lost += 1
                    break
                if self.delay:
                    self.delayed += 1
                    self.stopped.wait(self.delay)
                client.sendall(data)
            client.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def bad_store(port: int) -> Iterator[BadStore]:
    relay = BadStore(port)
    thread = threading.Thread(target=relay.serve, daemon=True)
    thread.start()
    try:
        yield relay
    finally:
        relay.stopped.set()
        relay.listener.shutdown(socket.SHUT_RDWR)
        relay.listener.close()
        thread.join(10)
