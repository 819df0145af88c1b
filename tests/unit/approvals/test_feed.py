"""What a watcher still has to read."""

import asyncio

import pytest

from approvals.facts import Card
from approvals.feed import Feed, TooSlow
from approvals.machine import fold, request
from tests.kit.approvals import ask

APPROVAL = fold([request("a1", Card.of(ask()), 0)])


async def test_it_waits_and_then_gives_all() -> None:
    feed = Feed()
    assert await feed.take(0) == []
    taking = asyncio.ensure_future(feed.take(60))
    await asyncio.sleep(0)
    feed.put(APPROVAL)
    feed.put(APPROVAL)
    assert await taking == [APPROVAL, APPROVAL]
    assert await feed.take(0) == []


async def test_who_reads_too_slowly_is_told() -> None:
    feed = Feed(most=1)
    feed.put(APPROVAL)
    feed.put(APPROVAL)
    with pytest.raises(TooSlow):
        await feed.take(0)
