"""A mail server that keeps what it is given; as much of SMTP (RFC 5321) as smtplib speaks to it."""

import contextlib
import socketserver
import threading
from collections.abc import Iterator


class _Handler(socketserver.StreamRequestHandler):
    server: "Mailbox"

    def handle(self) -> None:
        self._say("220 kit")
        while line := self.rfile.readline():
            verb = line[:4].upper().strip()
            if verb == b"DATA":
                self._say("354 go on")
                lines = list(iter(self.rfile.readline, b".\r\n"))
                self.server.mails.append(b"".join(lines))
            elif verb == b"QUIT":
                self._say("221 bye")
                return
            address = line.partition(b"<")[2].partition(b">")[0].decode()
            code = self.server.refused.get(address) if verb == b"RCPT" else None
            self._say(f"{code} not for that name" if code else "250 ok")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


class Mailbox(socketserver.ThreadingTCPServer):
    allow_reuse_address, daemon_threads = True, True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.mails: list[bytes] = []
        self.refused: dict[str, int] = {}  # address: with which code

    @property
    def port(self) -> int:
        return int(self.server_address[1])


@contextlib.contextmanager
def mailbox() -> Iterator[Mailbox]:
    with Mailbox() as box:
        thread = threading.Thread(target=box.serve_forever, daemon=True)
        thread.start()
        try:
            yield box
        finally:
            box.shutdown()
            thread.join()
