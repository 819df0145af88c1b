"""`python -m runtime.alive SOCKET [PATH]`: exits with 0 when a part answers 200 on its Unix socket, for probes.

Each process answers `/metrics` on a socket of its own in `run_dir`: `authz-0.metrics.sock` and `authz-1.metrics.sock`,
`extproc.metrics.sock` and `extproc-1.metrics.sock`; Envoy `/ready` on its admin socket. A socket that is
merely there says nothing: a dead process leaves it behind, a hanging one still takes connections. Standard library
only, because a probe that starts every few seconds must cost little.
"""

import socket
import sys

TIMEOUT_SECONDS = 4.0


def answers(path: str, target: str = "/metrics") -> bool:
    request = f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asked:
        asked.settimeout(TIMEOUT_SECONDS)
        try:
            asked.connect(path)
            asked.sendall(request.encode())
            return asked.makefile("rb").readline(64).split()[1:2] == [b"200"]
        except OSError:
            return False


def main(argv: list[str]) -> int:
    if len(argv) not in (1, 2):
        print("usage: python -m runtime.alive SOCKET [PATH]", file=sys.stderr)
        return 2
    return 0 if answers(*argv) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
