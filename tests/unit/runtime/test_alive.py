"""A probe says yes to an answer of 200, and to nothing else."""

import socket
import threading
from pathlib import Path

import pytest

from runtime import alive


def serve_once(path: Path, answer: bytes) -> threading.Thread:
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(path))
    listening.listen()

    def serve() -> None:
        with listening:
            asked, _ = listening.accept()
            with asked:
                asked.recv(1000)
                asked.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    return thread


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n# metrics", 0),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", 1),
        (b"HTTP/1.1 2000\r\n\r\n", 1),
        (b"hello\r\n", 1),
        (b"", 1),
    ],
)
def test_answers(tmp_path: Path, answer: bytes, code: int) -> None:
    serving = serve_once(tmp_path / "s", answer)
    assert alive.main([str(tmp_path / "s")]) == code
    serving.join(10)


def test_one_does_not_answer_for_another(tmp_path: Path) -> None:
    serving = serve_once(tmp_path / "authz-1.metrics.sock", b"HTTP/1.1 200 OK\r\n\r\n")
    assert alive.main([str(tmp_path / "authz*.metrics.sock")]) == 1
    assert alive.main([str(tmp_path / "authz-1.metrics.sock")]) == 0
    serving.join(10)


def test_nobody_there(tmp_path: Path) -> None:
    assert alive.main([str(tmp_path / "none")]) == 1
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(tmp_path / "left"))
    left.close()  # what a dead process leaves behind
    assert alive.main([str(tmp_path / "left")]) == 1
    assert alive.main([]) == 2
