"""Requests for approval to vary, and the approvals service as a real process on real sockets."""

import asyncio
import contextlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc

from approvals.facts import Ask, Shown, target
from approvals.writer import Writer
from console.dev.issuer import DevIssuer
from snapshot.decision import ApprovalTerms
from tests.kit.engine import publish

TERMS = ApprovalTerms(any=("ledger-approvers",), expires_s=540)
POLICY = {
    "data/connections.yaml": "{}\n",
    "data/masking.yaml": "profiles:\n  floor:\n    - detect: us_ssn\n",
    "data/roles.yaml": "{}\n",
}
START_S = 20.0


@contextlib.asynccontextmanager
async def serving(server: grpc.aio.Server, socket: Path, writer: Writer) -> AsyncIterator[None]:
    """Services in this process, and the writer behind them, which is open; both are ended."""
    server.add_insecure_port(f"unix:{socket}")
    await server.start()
    running = asyncio.ensure_future(writer.run())
    try:
        yield
    finally:
        await server.stop(0)
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        await writer.close()


def ask(**changed: Any) -> Ask:
    """ledger-agent, which acts for dave, wants to book; `changed` replaces fields."""
    fields: dict[str, Any] = {
        "exchange": "exchange-1",
        "connection": "ledger",
        "upstream": "https://ledger.internal",
        "received_digest": "a" * 64,
        "forwarded_digest": "b" * 64,
        "issuer": "https://issuer.example",
        "subject": "ledger-agent",
        "agent": "ledger-agent",
        "snapshot": "sha256:" + "c" * 64,
        "target": target("POST", "/ledger/transfers", "application/json"),
        "action": "POST /ledger/transfers",
        "terms": TERMS,
        "shown": Shown("application/json", b'{"amount":4711}'),
        "owner": "dave@bank.example",
        "session": "session-1",
        "rule": "ledger_write",
        "message": "Writes to the ledger need approval.",
    }
    return Ask(**{**fields, **changed})


@dataclass
class Service:
    """`python -m approvals`; `start`, `kill` (SIGKILL) and `stop` (SIGTERM) as often as a test likes."""

    folder: Path
    issuer: DevIssuer
    process: "subprocess.Popen[bytes] | None" = field(default=None)

    @property
    def holds(self) -> Path:
        return self.folder / "run" / "holds.sock"

    @property
    def people(self) -> Path:
        return self.folder / "run" / "approvals.sock"

    @property
    def database(self) -> Path:
        return self.folder / "state" / "approvals.db"

    def start(self) -> None:
        for path in (self.holds, self.people):
            path.unlink(missing_ok=True)
        command = ["env", f"EXEAT_CONFIG={self.folder}/exeat.toml", sys.executable, "-m", "approvals"]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + START_S
        while not (self.holds.exists() and self.people.exists()):
            assert self.process.poll() is None, "the approvals service ended at once"
            assert time.monotonic() < deadline, "the approvals service does not listen"
            time.sleep(0.02)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        return self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(10)


@contextlib.contextmanager
def running(extra: str = "", gateway: str = "exeat") -> Iterator[Service]:
    """A service with a development issuer; `extra`: further settings. Ended, and its folder removed, when left."""
    folder = Path(tempfile.mkdtemp(prefix="xa"))
    try:
        with DevIssuer.serving() as issuer:
            (folder / "exeat.toml").write_text(f"{_settings(folder, issuer.url, gateway)}\n{extra}\n")
            publish(folder / "state", POLICY)
            service = Service(folder, issuer)
            service.start()
            try:
                yield service
            finally:
                if service.process is not None and service.process.poll() is None:
                    service.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _settings(folder: Path, issuer: str, gateway: str) -> str:
    return f"""
[gateway]
id = "{gateway}"
run_dir = "{folder}/run"
state_dir = "{folder}/state"

[[issuers]]
issuer = "{issuer}"
allow_http = true

[people]
issuer = "{issuer}"
allow_http = true
"""
