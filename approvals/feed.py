"""What a watcher still has to read."""

import asyncio
import contextlib
from collections import deque
from typing import Generic, TypeVar

from approvals.errors import ApprovalsDown

Item = TypeVar("Item")
MOST = 20_000  # changes that a watcher may lag behind: two bursts of ten thousand


class TooSlow(ApprovalsDown):
    """The watcher reads more slowly than things change; it must begin anew."""


class Feed(Generic[Item]):
    def __init__(self, most: int = MOST) -> None:
        self._changes: deque[Item] = deque()
        self._wake = asyncio.Event()
        self._most, self._lost = most, False

    def put(self, item: Item) -> None:
        self._lost = self._lost or len(self._changes) >= self._most
        if not self._lost:
            self._changes.append(item)
        self._wake.set()

    async def take(self, wait_s: float) -> list[Item]:
        """What has changed since; waits up to `wait_s` for something. Raises TooSlow when changes were lost."""
        if not self._changes:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._wake.wait()
        if self._lost:
            raise TooSlow("you read more slowly than approvals change; watch again")
        self._wake.clear()
        changes = list(self._changes)
        self._changes.clear()
        return changes
