"""What a watcher still has to read."""

import asyncio
from collections import deque
from typing import Generic, TypeVar

from approvals.errors import ApprovalsDown
from runtime.serve import pause

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
            await pause(self._wake, wait_s)
        if self._lost:
            raise TooSlow("you read more slowly than approvals change; watch again")
        self._wake.clear()
        changes = list(self._changes)
        self._changes.clear()
        return changes
