"""Usage counters of several gateways on a real PostgreSQL: the steps of one file, and places in one line for all."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from runtime import postgres
from runtime.clock import FixedClock
from runtime.settings import Shared
from tests.kit.counting import EACH, PROCESSES, places
from tests.kit.postgres import Server, serving
from tests.unit.usage.test_book import (  # the same tests, with the fixtures of this module
    LEASE_US,
    ONE,
    US,
    WHO,
    read,
    reserve,
    step,
    test_a_denied_one_gives_everything_back,
    test_a_failed_step_leaves_nothing,
    test_a_lease_that_is_renewed_stays,
    test_a_lease_that_nobody_renews_is_given_back_if_nothing_left,
    test_an_upstream_that_says_any_number_stops_nobody,
    test_each_sees_those_before_it_and_itself,
    test_the_same_end_twice_counts_once,
    test_usage_leaves_the_windows,
    test_values_are_distinct_in_each_window,
    test_what_ended_is_open_no_more,
    test_what_ended_is_remembered_without_its_names_and_for_a_while,
    test_what_left_and_was_lost_is_charged_told_once_and_settled_late,
    test_what_was_used_takes_the_place_of_what_was_reserved,
)
from tests.unit.usage.test_counters import (
    test_a_call_that_fails_fails_alone,
    test_a_release_is_seen_by_whoever_asks_next,
)
from usage import Amounts, Counters, Reservation, UsageDown
from usage.counters import TURN_SECONDS
from usage.shared import SharedBook

pytestmark = pytest.mark.more
MOST = 10
WAIT_S = 30


@pytest.fixture
def book(shared: Shared) -> Iterator[SharedBook]:
    with contextlib.closing(SharedBook(shared, "a")) as found:
        yield found


@pytest.fixture
async def counters(shared: Shared) -> AsyncIterator[Counters]:
    async with Counters(SharedBook(shared, "a"), FixedClock(), keeper=True) as found:
        await answers(found)
        yield found


async def answers(counters: Counters) -> None:
    """Waits until they do: to connect may take longer on a busy machine than a caller waits."""
    async with asyncio.timeout(WAIT_S):
        while True:
            with contextlib.suppress(UsageDown):
                await counters.read(WHO)
                return


def test_fifty_at_two_gateways_at_a_threshold_let_exactly_the_allowed_ones_through(shared: Shared) -> None:
    seen = places(str(shared.url), MOST)
    assert len(seen) == PROCESSES * EACH
    assert sorted(number for number in seen if number <= MOST) == list(range(1, MOST + 1))


def test_gateways_share_windows_and_each_tells_its_own_losses(book: SharedBook, shared: Shared) -> None:
    with contextlib.closing(SharedBook(shared, "b")) as other:
        assert reserve(book, "e1").requests == 1
        assert reserve(other, "e2").requests == 2
        step(book, lambda: book.renew({"e1": True, "e2": True}, US))
        step(other, lambda: other.expire(US + LEASE_US))
        assert read(book, US + LEASE_US).requests == 2
        assert [each.exchange for each in step(book, book.untold)] == ["e1"]
        assert [each.exchange for each in step(other, other.untold)] == ["e2"]


def test_what_no_window_reaches_is_dropped_here_too(book: SharedBook, server: Server, shared: Shared) -> None:
    step(book, lambda: book.settle("e1", WHO, ONE, [b"one"], US))
    step(book, lambda: book.purge(US + 33 * 86_400 * 1_000_000))
    for table in ("cells", "sightings"):
        assert server.sql(shared, f"SELECT count(*) FROM exeat.{table}") == [(0,)], table


async def test_a_server_that_is_away_closes_and_comes_back(counters: Counters, server: Server) -> None:
    await counters.reserve(Reservation("e1", WHO, ONE))
    await asyncio.to_thread(server.stop)
    try:
        with pytest.raises(UsageDown):
            await counters.reserve(Reservation("e2", WHO, ONE))
    finally:
        await asyncio.to_thread(server.start)
    await answers(counters)
    found = await counters.reserve(Reservation("e3", WHO, ONE))
    assert found.used["agent"]["day"].requests == 2


async def test_a_server_that_stands_still_closes_and_holds_up_no_end(server: Server, shared: Shared) -> None:
    counters = await Counters(SharedBook(shared, "a"), FixedClock()).__aenter__()
    await answers(counters)
    await counters.reserve(Reservation("e1", WHO, Amounts(requests=1)))
    rows = server.sql(shared, "SELECT pid FROM pg_stat_activity WHERE application_name = 'exeat usage a'")
    for (pid,) in rows:
        os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(UsageDown, match="too slow"):
            await counters.reserve(Reservation("e2", WHO, ONE))
        async with asyncio.timeout(WAIT_S):
            await counters.__aexit__(None, None, None)
    finally:
        for (pid,) in rows:
            os.kill(pid, signal.SIGCONT)


async def test_a_connection_that_stands_still_is_replaced(server: Server, shared: Shared) -> None:
    clock = FixedClock()
    async with Counters(SharedBook(shared, "a"), clock) as counters:
        await answers(counters)
        rows = server.sql(shared, "SELECT pid FROM pg_stat_activity WHERE application_name = 'exeat usage a'")
        for (pid,) in rows:
            os.kill(pid, signal.SIGSTOP)
        try:
            with pytest.raises(UsageDown, match="too slow"):
                await counters.reserve(Reservation("e1", WHO, ONE))
            clock.advance(int(TURN_SECONDS * 1e6))
            await answers(counters)
        finally:
            for (pid,) in rows:
                os.kill(pid, signal.SIGCONT)


def test_it_can_be_cut_before_it_has_joined(server: Server, shared: Shared, book: SharedBook) -> None:
    """Somebody else migrates, and does not go on."""
    failed: list[UsageDown] = []

    def join() -> None:
        try:
            step(book, lambda: None)
        except UsageDown as error:
            failed.append(error)

    joining = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'exeat usage a' AND wait_event_type = 'Lock'"
    with contextlib.closing(postgres.connect(shared, "test")) as other:
        other.execute("SELECT pg_advisory_lock(hashtextextended('exeat migrations', 0))")
        thread = threading.Thread(target=join)
        thread.start()
        ends = time.monotonic() + WAIT_S
        while thread.is_alive() and not server.sql(shared, joining):
            assert time.monotonic() < ends
        book.cut()
        thread.join(WAIT_S)
    assert len(failed) == 1
    assert failed[0].message.endswith("OperationalError"), "an end of ours, none that the server gave a state"
