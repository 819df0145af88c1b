"""The one thread in which a store is used, and what its failures become."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from approvals.errors import ApprovalsDown, StoreFailed
from approvals.sharing.store import SharedStore
from approvals.store import Store

Result = TypeVar("Result")


class Disk:
    def __init__(self, store: Store | SharedStore) -> None:
        self._store = store
        self._thread = ThreadPoolExecutor(1, "approvals-disk")
        self._failed = False

    async def open(self, work: Callable[[], Result]) -> Result:
        """Like `ask`, with the longer patience of a start."""
        return await self.ask(work, self._store.opening_s)

    async def ask(self, work: Callable[[], Result], patience_s: float | None = None) -> Result:
        """Outside of rounds. Raises ApprovalsDown, whatever of the store failed."""
        try:
            return await self.do(work, patience_s)
        except (sqlite3.Error, StoreFailed) as error:
            raise self.down(error) from None

    async def do(self, work: Callable[[], Result], patience_s: float | None = None) -> Result:
        """Raises StoreFailed when it takes longer than this, or the store's patience: then the store is cut off."""
        patience_s = patience_s or self._store.patience_s
        try:
            async with asyncio.timeout(patience_s):
                return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except TimeoutError:
            self._store.cut()
            raise StoreFailed(f"no answer within {patience_s} s") from None

    def down(self, error: sqlite3.Error | StoreFailed) -> ApprovalsDown:
        """By SQLite's name for it (SQLITE_FULL and the like): its texts may quote values."""
        self._failed = True
        if isinstance(error, StoreFailed):
            return ApprovalsDown(f"the shared approvals store failed: {error}")
        return ApprovalsDown(f"the approvals store failed ({getattr(error, 'sqlite_errorname', 'unknown')})")

    async def close(self) -> None:
        """A clean stop, unless something failed: then the next start reports that this epoch just ended."""
        try:
            await self.ask(lambda: self._store.close(clean=not self._failed))
        finally:
            self._thread.shutdown()
