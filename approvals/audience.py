"""Who waits to hear of changes: clients of one approval, watchers of all, followers of revocations. One event loop."""

import asyncio
import contextlib
from collections.abc import Iterator

from approvals.feed import Feed
from approvals.machine import Approval
from approvals.revocations import Revocation


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

    @contextlib.contextmanager
    def watching(self) -> Iterator[Feed[Approval]]:
        """All changes of approvals from now on."""
        feed: Feed[Approval] = Feed()
        self._feeds.add(feed)
        try:
            yield feed
        finally:
            self._feeds.discard(feed)

    @contextlib.contextmanager
    def following(self) -> Iterator[Feed[Revocation]]:
        """All changes of revocations from now on."""
        feed: Feed[Revocation] = Feed()
        self._followers.add(feed)
        try:
            yield feed
        finally:
            self._followers.discard(feed)
