"""Gateways that share approvals in one PostgreSQL, without their processes."""

import asyncio
import contextlib
import json
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

from approvals.errors import ApprovalsDown
from approvals.sharing.store import SharedStore
from approvals.writer import Writer
from runtime.clock import Clock, SystemClock
from runtime.settings import Shared


class Pair:
    """Two gateways, a and b, each with a folder of its own, on one database."""

    def __init__(self, folder: Path, shared: Shared) -> None:
        self._folder, self._shared = folder, shared

    def store(self, gateway: str, clock: Clock | None = None) -> SharedStore:
        return SharedStore(self._folder / gateway, gateway, clock or SystemClock(), to=self._shared)

    @contextlib.asynccontextmanager
    async def writer(
        self,
        gateway: str,
        clock: Clock | None = None,
        store: SharedStore | None = None,
        pause_s: float = Writer.longest_pause_s,
    ) -> AsyncIterator[Writer]:
        store = store or self.store(gateway, clock)
        writer = Writer(store, clock or SystemClock(), most=10_000)
        writer.longest_pause_s = pause_s
        await writer.open()
        task = asyncio.ensure_future(writer.run())
        try:
            yield writer
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, ApprovalsDown):
                await task
            await writer.close()

    @contextlib.asynccontextmanager
    async def both(self) -> AsyncIterator[tuple[Writer, Writer]]:
        async with self.writer("a") as one, self.writer("b") as other:
            yield one, other

    def events(self) -> list[str]:
        """`gateway type` of all that both have recorded of approvals."""
        found = []
        for gateway in ("a", "b"):
            with contextlib.closing(sqlite3.connect(self._folder / gateway / "approvals.db")) as conn:
                rows = conn.execute("SELECT body FROM events ORDER BY seq").fetchall()
            types = [json.loads(row[0])["type"] for row in rows]
            found += [f"{gateway} {name}" for name in types if not name.startswith("lifecycle.")]
        return found
