"""Who waits to hear of changes: clients of one approval, watchers of all, followers of revocations. One event loop."""

import asyncio
import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import TypeVar

from approvals.feed import Feed
from approvals.machine import Approval
from approvals.revocations import Revocation

T = TypeVar("T")


class Audience:
    def __init__(self) -> None:
        self._waiters: dict[str, set[asyncio.Future[Approval]]] = {}
        self._feeds: set[Feed[Approval]] = set()
        self._followers: set[Feed[Revocation]] = set()

    def tell(self, approval: Approval) -> None:
        for future in self._waiters.pop(approval.id, ()):
            if not future.done():
                future.set_result(approval)
        for feed in self._feeds:
            feed.put(approval)

    def tell_revoked(self, revocation: Revocation) -> None:
        for follower in self._followers:
            follower.put(revocation)

    async def next(self, approval_id: str) -> Approval:
        """The approval once it has changed."""
        future: asyncio.Future[Approval] = asyncio.get_running_loop().create_future()
        waiters = self._waiters.setdefault(approval_id, set())
        waiters.add(future)
        try:
            return await future
        finally:
            waiters.discard(future)

    def watching(self) -> AbstractContextManager[Feed[Approval]]:
        """All changes of approvals from now on."""
        return _fed(self._feeds)

    def following(self) -> AbstractContextManager[Feed[Revocation]]:
        """All changes of revocations from now on."""
        return _fed(self._followers)


@contextlib.contextmanager
def _fed(feeds: set[Feed[T]]) -> Iterator[Feed[T]]:
    feed: Feed[T] = Feed()
    feeds.add(feed)
    try:
        yield feed
    finally:
        feeds.discard(feed)
