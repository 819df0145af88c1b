"""The real Envoy binary on a free port, with our rendered configuration."""

import contextlib
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from runtime.settings import Settings
from snapshot.connections import Connection, parse_connections
from snapshot.envoy import envoy_binary, render, render_bootstrap
from tests.kit.serving import free_port


@dataclass(frozen=True)
class RunningEnvoy:
    url: str
    settings: Settings
    process: subprocess.Popen[bytes]

    def admin(self, path: str, method: str = "GET") -> str:
        transport = httpx.HTTPTransport(uds=str(self.settings.socket("envoy-admin")))
        with httpx.Client(transport=transport, base_url="http://envoy") as client:
            return client.request(method, path).text

    def stat(self, name: str) -> int:
        """A counter by its full name, 0 when Envoy has not made it yet."""
        for line in self.admin(f"/stats?filter={name}").splitlines():
            key, _, value = line.partition(": ")
            if key == name:
                return int(value)
        return 0


@contextlib.contextmanager
def short_folder() -> Iterator[Path]:
    """A temporary folder whose sockets fit into sun_path."""
    with tempfile.TemporaryDirectory(prefix="x") as name:
        yield Path(name)


def settings_in(folder: Path, **sections: Any) -> Settings:
    gateway = {"run_dir": folder / "run", "state_dir": folder / "state", "listen": f"127.0.0.1:{free_port()}"}
    gateway |= sections.pop("gateway", {})
    return Settings(gateway=gateway, **sections)  # type: ignore[arg-type]


def connections(text: str) -> dict[str, Connection]:
    return parse_connections(text, "connections.yaml")


@contextlib.contextmanager
def running(settings: Settings, known: Mapping[str, Connection]) -> Iterator[RunningEnvoy]:
    bootstrap = render_bootstrap(settings)
    render(settings, known)
    command = [str(envoy_binary(settings)), "-c", str(bootstrap), "--disable-hot-restart", "--concurrency", "1"]
    command += ["--reject-unknown-dynamic-fields", "--log-level", "warning", "--file-flush-interval-msec", "100"]
    log = settings.gateway.run_dir / "envoy.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    envoy = RunningEnvoy(f"http://{settings.gateway.listen}", settings, process)
    try:
        _until_ready(envoy, log)
        yield envoy
    finally:
        process.terminate()
        process.wait(10)


def _until_ready(envoy: RunningEnvoy, log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if envoy.process.poll() is not None:
            break
        with contextlib.suppress(httpx.HTTPError):
            if envoy.admin("/ready").startswith("LIVE"):
                return
        time.sleep(0.05)
    raise AssertionError(f"Envoy is not ready: {log.read_text()[-2000:]}")
