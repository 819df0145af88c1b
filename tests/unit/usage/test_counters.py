"""The shell: calls share commits in their order, and a file that fails says so to each of them."""

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from runtime.clock import FixedClock
from usage import Amounts, Counters, Numbers, Reservation, UsageDown, Who
from usage import counters as module
from usage.book import Book

WHO = Who("https://issuer", "bot", "runner", "s-1", "ledger")
ONE = Amounts(requests=1)


class Silent(Book):
    """As on a server that takes what is said and says nothing, until it is cut."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.waits, self.ends = threading.Event(), threading.Event()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        if not self.ends.is_set():
            self.waits.set()
            self.ends.wait(60)
            raise UsageDown("cut")
        with super().transaction():
            yield

    def cut(self) -> None:
        self.ends.set()


@pytest.fixture
async def counters(tmp_path: Path) -> AsyncIterator[Counters]:
    async with Counters(tmp_path / "usage.db", FixedClock(), keeper=True) as counters:
        yield counters


async def test_fifty_at_once_get_fifty_places(counters: Counters, tmp_path: Path) -> None:
    """Also through two processes' worth of counters."""
    async with Counters(tmp_path / "usage.db", FixedClock()) as other:
        each = [counters if number % 2 else other for number in range(50)]
        found = await asyncio.gather(
            *[one.reserve(Reservation(f"e{number}", WHO, ONE)) for number, one in enumerate(each)]
        )
    assert sorted(numbers.used["agent"]["minute"].requests for numbers in found) == list(range(1, 51))


async def test_a_release_is_seen_by_whoever_asks_next(counters: Counters) -> None:
    await counters.reserve(Reservation("e1", WHO, ONE))
    counters.release("e1", denied=True)
    used = (await counters.reserve(Reservation("e2", WHO, ONE))).used["session"]["day"]
    assert used == Amounts(requests=1, denied=1)


async def test_it_survives_a_restart(tmp_path: Path) -> None:
    for number in range(2):
        async with Counters(tmp_path / "usage.db", FixedClock()) as counters:
            await counters.settle(f"e{number}", WHO, ONE, [b"token"])
            found = (await counters.read(WHO)).used["identity"]["month"]
    assert (found.requests, found.values) == (2, 1)


async def test_a_lock_that_is_not_given_up_closes(counters: Counters, tmp_path: Path) -> None:
    await counters.reserve(Reservation("e1", WHO, ONE))
    blocker = sqlite3.connect(tmp_path / "usage.db", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(UsageDown):
        await counters.reserve(Reservation("e2", WHO, ONE))
    blocker.execute("ROLLBACK")
    blocker.close()
    assert (await counters.reserve(Reservation("e3", WHO, ONE))).used["agent"]["day"].requests == 2


async def test_a_file_that_cannot_be_opened_fails_calls_not_the_start(tmp_path: Path) -> None:
    (tmp_path / "usage.db").mkdir()
    async with Counters(tmp_path / "usage.db", FixedClock()) as counters:
        with pytest.raises(UsageDown):
            await counters.reserve(Reservation("e1", WHO, ONE))
        (tmp_path / "usage.db").rmdir()
        assert (await counters.reserve(Reservation("e2", WHO, ONE))).used["agent"]["day"] == ONE


async def test_a_call_that_fails_fails_alone(counters: Counters) -> None:
    """All of them wait for one step, so they share the next transaction."""
    await counters.reserve(Reservation("e0", WHO, ONE))
    gate = threading.Event()
    counters._post(lambda book: gate.wait(30))
    counters.release("e0", denied=True)
    too_large = counters.reserve(Reservation("e1", WHO, Amounts(output_tokens=1 << 63)))
    waiting = asyncio.gather(
        counters.reserve(Reservation("e2", WHO, ONE)),
        too_large,
        counters.look("unknown"),
        counters.reserve(Reservation("e3", WHO, ONE)),
        return_exceptions=True,
    )
    await asyncio.sleep(0)
    gate.set()
    first, failed, unknown, last = await waiting
    assert isinstance(failed, UsageDown)
    assert isinstance(unknown, UsageDown)
    assert isinstance(first, Numbers)
    assert isinstance(last, Numbers)
    assert first.used["agent"]["day"] == Amounts(requests=1, denied=1)
    assert last.used["agent"]["day"] == Amounts(requests=2, denied=1)


async def test_what_hangs_is_cut_by_whoever_comes_later(tmp_path: Path) -> None:
    clock, book = FixedClock(), Silent(tmp_path / "usage.db")
    async with Counters(book, clock) as counters:
        counters.release("e1")
        assert await asyncio.to_thread(book.waits.wait, 60)
        clock.advance(int(module.TURN_SECONDS * 1e6) - 1)
        counters.release("e1")
        assert not book.ends.is_set()
        clock.advance(1)
        assert (await counters.reserve(Reservation("e2", WHO, ONE))).used["agent"]["day"] == ONE


async def test_a_bounded_number_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 3)
    book = Silent(tmp_path / "usage.db")
    async with Counters(book, FixedClock()) as counters:
        counters.release("e0")
        assert await asyncio.to_thread(book.waits.wait, 60)
        for number in range(4):
            counters.release(f"e{number}")
        with pytest.raises(UsageDown, match="too many"):
            await counters.reserve(Reservation("e5", WHO, ONE))
        book.cut()


async def test_an_end_does_not_wait_for_what_cannot_be_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CALL_SECONDS", 0.05)

    class Deaf(Silent):
        def cut(self) -> None:
            return

    book = Deaf(tmp_path / "usage.db")
    counters = await Counters(book, FixedClock()).__aenter__()
    try:
        counters.release("e1")
        assert await asyncio.to_thread(book.waits.wait, 60)
        async with asyncio.timeout(30):
            await counters.__aexit__(None, None, None)
    finally:
        book.ends.set()
