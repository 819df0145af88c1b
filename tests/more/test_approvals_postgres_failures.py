"""Gateways that share approvals while something goes wrong: at the database, at another gateway, in between."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pytest

from approvals.errors import ApprovalsDown, StoreFailed
from approvals.evidence import Change
from approvals.facts import Card, State, Vote, Voter, Wish
from approvals.machine import fold, request
from approvals.sharing.store import MANY
from approvals.signing import Kind as Answer
from approvals.steps import Consume, Grant
from approvals.writer import Writer
from runtime.clock import SystemClock
from runtime.settings import Shared
from snapshot.decision import ApprovalTerms, Bounds
from tests.kit.approvals import ask
from tests.kit.postgres import Server
from tests.kit.sharing import Pair
from tests.kit.signatures import Signer

pytestmark = pytest.mark.more
WAIT_S = 30  # for what takes milliseconds, or the few seconds after which a server gives up
STANDING = ApprovalTerms(any=("ledger-approvers",), expires_s=540, standing=Bounds(3, 3600))
WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'exeat approvals {}' AND wait_event_type = 'Lock'"
)

CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'exeat approvals a'"


def test_one_that_stands_still_holds_up_nobody_else(pair: Pair, server: Server, shared: Shared) -> None:
    """Three: one steps, one gets the lock after it and stands still, and one waited all that time."""
    stores = [pair.store(name) for name in ("a", "b", "c")]
    for store in stores:
        store.open()
    a, still, c = stores
    a.begin()
    with ThreadPoolExecutor(2) as threads:
        waits = []
        for name, store in (("b", still), ("c", c)):
            waits.append(threads.submit(store.begin))
            while server.sql(shared, WAITING.format(name)) == [(0,)]:
                a._still_there(MANY + 1)  # it must not be thrown out itself
        a.abandon()
        for wait in waits:
            assert wait.result(WAIT_S) == []
    with pytest.raises(StoreFailed):
        still.commit(())
    c.abandon()
    for store in stores:
        store.close()


async def test_who_asks_while_the_database_goes_has_an_answer(pair: Pair, server: Server, shared: Shared) -> None:
    """The connections die, and what was asked just then is answered, though the round never began."""
    writer = Writer(pair.store("a"), SystemClock(), most=10)
    await writer.open()
    asked = [asyncio.ensure_future(writer.request(ask(received_digest=f"{n}"))) for n in range(3)]
    await asyncio.sleep(0)  # they are in line
    server.sql(
        shared, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'exeat approvals a'"
    )
    with pytest.raises(ApprovalsDown):
        await writer.run()
    async with asyncio.timeout(WAIT_S):
        answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(each) for each in answers] == [ApprovalsDown] * 3
    await writer.close()


async def test_a_fact_of_a_newer_version_ends_the_process_with_a_sentence(
    pair: Pair, server: Server, shared: Shared
) -> None:
    writer = Writer(pair.store("a"), SystemClock(), most=10)
    await writer.open()
    novel = "INSERT INTO exeat.log VALUES (1, 'b', 'sketch', 's1', 1, '', '{\"by\":\"alice@bank.example\"}')"
    server.sql(shared, f"{novel}; UPDATE exeat.house SET pos = 1")
    with pytest.raises(ApprovalsDown, match="sketch s1, fact 1: this version of Exeat does not know it") as caught:
        async with asyncio.timeout(WAIT_S):
            await writer.run()
    assert "alice" not in str(caught.value)
    await writer.close()


@pytest.mark.parametrize(
    "ask_it",
    [Writer.leads, Writer.delivered, lambda it: it.find("a1"), lambda it: it.shown("a1"),
     lambda it: it.listed(finished=True), lambda it: it.standings(ended=True), lambda it: it.revocations(lifted=True)],
)  # fmt: skip
async def test_whoever_asks_a_store_that_failed_has_one_sentence(
    pair: Pair, server: Server, shared: Shared, ask_it: Callable[[Writer], Awaitable[object]]
) -> None:
    writer = Writer(pair.store("a"), SystemClock(), most=10)
    await writer.open()
    server.sql(shared, CUT)
    with pytest.raises(ApprovalsDown, match="the shared approvals store failed"):
        await ask_it(writer)
    await writer.close()


@dataclass
class TwoClocks:
    """The wall clock of one is set, the other one never."""

    wall_us: int
    steady_us: int = 0

    def now_us(self) -> int:
        return self.wall_us

    def monotonic_us(self) -> int:
        return self.steady_us


async def test_a_wall_clock_that_is_set_back_makes_nobody_away(pair: Pair, server: Server, shared: Shared) -> None:
    clock = TwoClocks(SystemClock().now_us())
    async with pair.writer("a", clock) as a, asyncio.timeout(WAIT_S):
        await a.request(ask())  # the first look after the house is over
        while server.sql(shared, "SELECT 1 FROM exeat.gateways WHERE seen > now() - interval '1 minute'") == []:
            await asyncio.sleep(0.02)
        server.sql(shared, "UPDATE exeat.gateways SET seen = now() - interval '2 minutes'")
        clock.wall_us -= 3_600_000_000
        clock.steady_us += 31_000_000
        while server.sql(shared, "SELECT 1 FROM exeat.gateways WHERE seen > now() - interval '1 minute'") == []:
            await asyncio.sleep(0.02)


async def test_what_ends_elsewhere_leaves_no_trace_in_memory(pair: Pair) -> None:
    store = pair.store("a")
    async with pair.writer("a", store=store) as a, pair.writer("b") as b, asyncio.timeout(WAIT_S):
        held = await a.request(ask(terms=STANDING))
        vote = Vote(Voter("people", "ann", "ann@bank.example", ("ledger-approvers",)), ask().shown.digest)
        await a.step(held.id, lambda at: Grant(at, replace(vote, wish=Wish(3, 600))))
        (standing,) = await a.standings()
        assert len(store._began) == 2
        await b.step(held.id, lambda at: Consume(at, ask().binding))
        await b.revoke_standing(standing.id, vote.voter, "no more")
        while (await a.find(held.id)).state is not State.USED or await a.standings():
            await asyncio.sleep(0.02)
        assert len(store._began) == 0


async def test_others_are_heard_at_once_and_not_only_looked_at(pair: Pair) -> None:
    """Who looks once an hour by itself hears of each commit all the same."""
    async with pair.writer("a") as a, pair.writer("b", pause_s=3600) as b, asyncio.timeout(WAIT_S):
        for number in range(3):  # the first one may be seen as it begins
            held = await a.request(ask(received_digest=f"{number}"))
            while held not in await b.listed(finished=False):
                await asyncio.sleep(0.01)


async def test_one_that_hears_of_nobody_any_more_ends(pair: Pair, server: Server, shared: Shared) -> None:
    writer = Writer(pair.store("a"), SystemClock(), most=10)
    await writer.open()
    server.sql(shared, f"{CUT} AND query LIKE 'LISTEN%'")
    with pytest.raises(ApprovalsDown, match="the connection that hears of others is gone"):
        async with asyncio.timeout(WAIT_S):
            await writer.run()
    await writer.close()


async def test_a_clean_stop_leaves_nothing_waiting(pair: Pair, server: Server, shared: Shared) -> None:
    async with pair.writer("a") as a:
        await a.request(ask())
    assert server.sql(shared, "SELECT drained, marked FROM exeat.gateways") == [(1, 1)]


async def test_of_an_authenticator_the_last_fact_is_kept(pair: Pair, server: Server, shared: Shared) -> None:
    store, signer = pair.store("a"), Signer()
    terms = ApprovalTerms(any=("ledger-approvers",), signature=True)
    vote = Vote(Voter("people", "alice", "alice@bank.example", ("ledger-approvers",)), ask().shown.digest)
    async with pair.writer("a", store=store) as a:
        known = await a.enrol(signer.register())
        for number in range(3):
            held = await a.request(ask(exchange=f"x{number}", received_digest=f"{number}", terms=terms))
            signed = signer.sign(held.id, Answer.GRANT, vote, known, SystemClock().now_us())
            after, why = await a.step(held.id, lambda at, it=signed: Grant(at, it))  # type: ignore[misc]
            assert (after.state, why) == (State.GRANTED, None)
            (known,) = a.authenticators("people", "alice")
    store = pair.store("b")
    store.open()
    store.forget(0)
    query = "SELECT n FROM exeat.log WHERE kind = 'authenticator'"
    assert server.sql(shared, query) == [(known.facts,)]
    assert store.authenticators() == [known]
    store.close()


def test_what_takes_long_to_write_does_not_count_as_standing_still(pair: Pair, server: Server, shared: Shared) -> None:
    """A revocation that ends many cards says between its parts that it goes on."""
    store = pair.store("a")
    store.open()
    began = (
        "SELECT state_change FROM pg_stat_activity WHERE application_name = 'exeat approvals a' AND xact_start < now()"
    )
    cards = [request(f"a{n}", Card.of(ask(received_digest=f"{n}")), 1) for n in range(MANY + 1)]
    changes = [Change(fold([fact]), fact, ask().shown) for fact in cards]
    store.begin()
    (before,) = server.sql(shared, began)
    store._still_there(1)
    assert server.sql(shared, began) == [before], "few are not worth the way to the server"
    store._still_there(MANY + 1)
    assert server.sql(shared, began) > [before]
    store.commit(changes)
    store.close()
    store = pair.store("a")
    assert len(store.open()) == MANY + 1
    store.close()
