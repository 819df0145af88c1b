"""What the serving process holds: one engine, its accounts, its threads, who runs what, and the turnstile."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from audit.store.accounts import Account, Accounts
from audit.store.engine import Duty, Engine

READERS = 4  # threads; each query may hold 1 GiB (execute.READ_CAPS)
WRITERS = 4
MAX_READING = 64  # readers at once, waiting ones included; above it 503


class Turnstile:
    """Many may pass together, or one alone; who wants to be alone goes first. One event loop only."""

    def __init__(self) -> None:
        self._inside = 0
        self._alone = False
        self._opened = asyncio.Event()
        self._emptied = asyncio.Event()

    async def enter(self) -> None:
        while self._alone:
            await self._opened.wait()
        self._inside += 1

    def leave(self) -> None:
        self._inside -= 1
        if self._inside == 0:
            self._emptied.set()

    @contextlib.asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        while self._alone:
            await self._opened.wait()
        self._alone = True
        self._opened.clear()
        try:
            while self._inside:
                self._emptied.clear()
                await self._emptied.wait()
            yield
        finally:
            self._alone = False
            self._opened.set()


@dataclass(slots=True)
class Store:
    engine: Engine
    accounts: Accounts
    reading: int = 0
    running: dict[str, tuple[Account, str]] = field(default_factory=dict)  # query id → who, tag
    turnstile: Turnstile = field(default_factory=Turnstile)
    readers: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(READERS, "reader"))
    writers: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(WRITERS, "writer"))
    killers: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(2, "killer"))

    @contextlib.asynccontextmanager
    async def on(self, duty: Duty) -> AsyncIterator[None]:
        """Runs alone under another duty: every handle closes, the engine opens with other grants, and back."""
        async with self.turnstile.alone():
            await asyncio.to_thread(self._change, duty)
            try:
                yield
            finally:
                await asyncio.to_thread(self._change, Duty.SERVE)

    def _change(self, duty: Duty) -> None:
        self.engine.close()
        self.engine.open(duty)

    def close(self) -> None:
        """Waits for running queries (their clients have had the server's grace), then flushes."""
        for pool in (self.readers, self.writers, self.killers):
            pool.shutdown(cancel_futures=True)
        self.engine.close()
