"""A syslog receiver over TLS (RFC 5425) that keeps what it reads; it can also hang up in bad ways."""

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.kit.certificates import Authority


@dataclass
class Receiver:
    """`closing`: properly | bare (without close_notify) | reset (without having read)."""

    listener: socket.socket
    context: ssl.SSLContext
    closing: str = "properly"
    received: list[bytes] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])

    def serve(self) -> None:
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), plain:
                self._read(self.context.wrap_socket(plain, server_side=True, suppress_ragged_eofs=False))

    def _read(self, secure: ssl.SSLSocket) -> None:
        with secure:
            if self.closing == "reset":
                secure.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
            data = b""
            with contextlib.suppress(ssl.SSLZeroReturnError):
                while part := secure.recv(1 << 16):
                    data += part
            self.received += frames(data)
            if self.closing == "properly":
                with contextlib.suppress(OSError):
                    secure.unwrap()


def frames(data: bytes) -> list[bytes]:
    """Octet counting: each message after its length and a space."""
    found = []
    while data:
        length, _, rest = data.partition(b" ")
        found.append(rest[: int(length)])
        data = rest[int(length) :]
    return found


@contextlib.contextmanager
def receiver(authority: Authority) -> Iterator[Receiver]:
    issued = authority.issue("syslog", "localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate, issued.key)
    made = Receiver(socket.create_server(("127.0.0.1", 0)), context)
    thread = threading.Thread(target=made.serve, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.listener.shutdown(socket.SHUT_RDWR)
        made.listener.close()
        thread.join(10)
