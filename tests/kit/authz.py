"""The real authz in its real process on a Unix socket, beside the real engine and the development issuer."""

import contextlib
import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from envoy.service.auth.v3.external_auth_pb2_grpc import AuthorizationStub

from console.dev.issuer import DevIssuer
from runtime.settings import Settings, load
from tests.kit.approvals import Service
from tests.kit.checks import check
from tests.kit.engine import EngineProcess, engine
from tests.kit.envoy import short_folder

POLICIES = Path(__file__).resolve().parents[2] / "policies"
CALL_SECONDS = 30.0


def starter() -> dict[str, str]:
    """The example policy repository."""
    return {
        str(path.relative_to(POLICIES)): path.read_text("utf-8")
        for path in sorted(POLICIES.rglob("*"))
        if path.suffix in (".rego", ".yaml", ".json")
    }


@dataclass
class Answer:
    """What Envoy is told."""

    response: Any

    @property
    def status(self) -> int:
        """0 for a yes, else the HTTP status of the refusal."""
        denied = self.response.WhichOneof("http_response") == "denied_response"
        return int(self.response.denied_response.status.code) if denied else 0

    @property
    def body(self) -> Any:
        return json.loads(self.response.denied_response.body)

    @property
    def metadata(self) -> dict[str, str]:
        return dict(self.response.dynamic_metadata)


@dataclass
class RunningAuthz:
    settings: Settings
    issuer: DevIssuer
    process: subprocess.Popen[bytes]
    channel: grpc.Channel
    log: Path
    approvals: Service

    def stub(self) -> Any:
        return AuthorizationStub(self.channel)  # type: ignore[no-untyped-call]

    def ask(self, path: str, *, agent: str = "research-agent", token: str | None = None, **fields: Any) -> Answer:
        token = self.issuer.agent_token(agent) if token is None else token
        return Answer(self.stub().Check(check(path, token=token, **fields), timeout=CALL_SECONDS))

    def events(self) -> list[dict[str, Any]]:
        """What is durable at this moment, in order."""
        path = self.settings.gateway.state_dir / "spool" / "authz-0.db"
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as spool:
            return [json.loads(row[0]) for row in spool.execute("SELECT body FROM events ORDER BY seq")]

    def event(self, exchange: str) -> dict[str, Any]:
        (found,) = [event for event in self.events() if event["exchange"] == exchange]
        return found

    def frame(self, exchange: str) -> bytes:
        path = self.settings.gateway.state_dir / "spool" / "authz-0.db"
        query = "SELECT content FROM frames WHERE exchange = ? ORDER BY ordinal"
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as spool:
            return b"".join(row[0] for row in spool.execute(query, (exchange,)))


@contextlib.contextmanager
def deciding(folder: Path, files: dict[str, str] | None = None) -> Iterator[EngineProcess]:
    """An engine whose state is `<folder>/state`, as authz's is."""
    state = folder / "state"
    state.mkdir(mode=0o700, exist_ok=True)
    with engine(state, files or starter()) as process:
        yield process


@contextlib.contextmanager
def authz(
    folder: Path,
    engine_url: str,
    issuer: DevIssuer,
    extra: Sequence[str] = (),
    gateway: Sequence[str] = (),
    *,
    deadline_ms: int = 5000,
) -> Iterator[RunningAuthz]:
    """`python -m authz`; `extra`: lines of exeat.toml, `gateway`: of its first section. `deadline_ms`: the engine's."""
    config = folder / "exeat.toml"
    lines = [
        "[gateway]", f'run_dir = "{folder}/run"', f'state_dir = "{folder}/state"', *gateway,
        "[[issuers]]", f'issuer = "{issuer.url}"', "allow_http = true",
        "[people]", f'issuer = "{issuer.url}"', "allow_http = true",
        "[engine]", f'url = "{engine_url}"', f"deadline_ms = {deadline_ms}",
    ]  # fmt: skip
    config.write_text("\n".join([*lines, *secrets(folder), *extra]))
    approvals = Service(folder, issuer)
    approvals.start()
    log = folder / "authz.log"
    environment = {**os.environ, "EXEAT_CONFIG": str(config)}  # noqa: TID251 - a child inherits it
    with log.open("ab") as output:
        process = subprocess.Popen([sys.executable, "-m", "authz"], env=environment, stdout=output, stderr=output)
    settings = load(config)
    try:
        _until_listening(process, settings.socket("authz"), log)
        with grpc.insecure_channel(f"unix:{settings.socket('authz')}") as channel:
            yield RunningAuthz(settings, issuer, process, channel, log, approvals)
    finally:
        approvals.kill()
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def secrets(folder: Path) -> list[str]:
    """The secrets that the example repository's connections name."""
    hosts = {"anthropic": "api.anthropic.com", "openai": "api.openai.com", "ledger": "ledger.internal"}
    return [
        line
        for name, host in hosts.items()
        for line in (f"[secrets.{name}]", f'file = "{folder}/{name}"', f'hosts = ["{host}"]')
    ]


def _until_listening(process: subprocess.Popen[bytes], path: Path, log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(path))
            return
        time.sleep(0.02)
    raise AssertionError(f"authz does not listen: {log.read_text()[-2000:]}")


@contextlib.contextmanager
def house(extra: Sequence[str] = (), *, deadline_ms: int = 5000) -> Iterator[tuple[RunningAuthz, EngineProcess]]:
    with (
        short_folder() as folder,
        DevIssuer.serving() as issuer,
        deciding(folder) as engine_process,
        authz(folder, engine_process.url, issuer, extra, deadline_ms=deadline_ms) as running,
    ):
        yield running, engine_process
