"""The shipper's process and spools beside the real embedded store."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from audit.store.client import auditor_client
from audit.verify import Report, verify_clickhouse
from audit.write import Caller, Draft, Frame, Kind, open_spool
from tests.kit.store import RunningStore


@dataclass
class LiveLog:
    store: RunningStore
    process: "subprocess.Popen[bytes] | None" = None
    url: str = ""  # where the shipper finds the store, if not at its own address

    @property
    def tiles(self):
        return self.store.folder / "log" / "tiles"

    @property
    def vkey(self) -> str:
        return (self.store.folder / "keys" / "log.vkey").read_text()

    def start(self) -> None:
        env = {"PATH": os.defpath, "EXEAT_CONFIG": os.devnull, "EXEAT_CLICKHOUSE__URL": self.url or self.store.url}
        env["EXEAT_GATEWAY__STATE_DIR"], env["EXEAT_GATEWAY__RUN_DIR"] = str(self.store.folder), str(self.store.run)
        with (self.store.folder / "ship.log").open("ab") as log:
            self.process = subprocess.Popen([sys.executable, "-m", "audit.ship"], env=env, stdout=log, stderr=log)

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(60)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def record(self, count: int, role: str = "authz-0", frame: bytes = b"") -> None:
        asyncio.run(self._record(count, role, frame))

    async def _record(self, count: int, role: str, frame: bytes) -> None:
        frames = (Frame(0, 1_700_000_000_000_000, "input", "application/json", frame),) if frame else ()
        async with open_spool(self.store.settings, role) as spool, asyncio.TaskGroup() as group:
            for number in range(count):
                caller, data = Caller("issuer", "alice", "agent"), {"effect": "allow", "text": f"{role} {number}"}
                draft = Draft(Kind.DECISION, "decision.allow", f"x{number}", "s", "ledger", caller, data, frames)
                group.create_task(spool.record(draft))

    def until(self, count: int, seconds: float = 60) -> None:
        """Waits until ClickHouse holds at least `count` events."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with contextlib.suppress(Exception):
                if self.ask("SELECT count() FROM audit.events")[0][0] >= count:
                    return
            time.sleep(0.1)
        raise AssertionError((self.store.folder / "ship.log").read_text()[-3000:])

    def ask(self, sql: str) -> list[tuple]:
        client = auditor_client(self.store.settings)
        try:
            return list(client.query(sql).result_rows)
        finally:
            client.close()

    def verify(self, *, tiles: bool = True) -> Report:
        client = auditor_client(self.store.settings)
        try:
            return verify_clickhouse(client, [self.vkey], tiles=self.tiles if tiles else None)
        finally:
            client.close()


@contextlib.contextmanager
def shipping(store: RunningStore) -> Iterator[LiveLog]:
    live = LiveLog(store)
    live.start()
    try:
        yield live
    finally:
        if live.process is not None and live.process.poll() is None:
            live.process.send_signal(signal.SIGCONT)
            live.process.kill()
            live.process.wait(10)
