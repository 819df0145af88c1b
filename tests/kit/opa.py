"""A real OPA server: OPA_BIN, else `opa` on PATH, else build/bin/opa (where `make tools` puts it)."""

import contextlib
import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.kit.serving import free_port


def opa_binary() -> str | None:
    built = Path(__file__).resolve().parents[2] / "build" / "bin" / "opa"
    return os.environ.get("OPA_BIN") or shutil.which("opa") or (str(built) if built.exists() else None)  # noqa: TID251


def opa_command(binary: str, address: str, *arguments: str) -> list[str]:
    return [binary, "run", "--server", "--addr", address, "--log-level", "error", "--disable-telemetry", *arguments]


@dataclass
class OpaServer:
    url: str
    process: subprocess.Popen[bytes]

    def ask(
        self, method: str, path: str, body: bytes | None = None, media: str = "application/json"
    ) -> tuple[int, Any]:
        request = urllib.request.Request(self.url + path, data=body, method=method, headers={"content-type": media})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                content = answer.read()
                return answer.status, json.loads(content) if content.strip() else {}
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())


@contextlib.contextmanager
def opa_server(binary: str, *arguments: str, port: int = 0) -> Iterator[OpaServer]:
    """`opa run --server` with these arguments (e.g. `--bundle DIR`), on a free port unless one is given."""
    address = f"127.0.0.1:{port or free_port()}"
    process = subprocess.Popen(
        opa_command(binary, address, *arguments), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    server = OpaServer(f"http://{address}", process)
    try:
        deadline = time.monotonic() + 30
        while True:
            assert process.poll() is None, "opa ended"
            assert time.monotonic() < deadline, "opa did not start"
            with contextlib.suppress(OSError):
                if server.ask("GET", "/health")[0] == 200:
                    break
            time.sleep(0.05)
        yield server
    finally:
        process.terminate()
        process.wait(10)
