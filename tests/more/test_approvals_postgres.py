"""Approvals on a real PostgreSQL: what the store and the writer promise of one file, they promise of shared tables."""

import asyncio
import contextlib
import json
import os
import signal
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from approvals.authenticators import CounterWentBack
from approvals.book import Book
from approvals.client import ApprovalsClient, HoldsClient
from approvals.errors import ApprovalsDown, Revoked, StoreFailed, UnknownApproval
from approvals.evidence import Change
from approvals.facts import Ask, Card, State, Vote, Voter, Wish
from approvals.follower import Follower
from approvals.machine import fold, request
from approvals.revocations import By, Made, Scope
from approvals.sharing.store import SharedStore
from approvals.signing import Kind as Answer
from approvals.steps import Consume, Grant, Leave, Refuse, Tick, Why
from approvals.store import Store
from approvals.writer import Writer
from audit.write import Draft, Kind
from console.doctor import shared as doctor
from runtime.clock import Clock, FixedClock, SystemClock
from runtime.ids import uuid7
from runtime.settings import Settings, Shared
from snapshot.decision import ApprovalTerms, Bounds
from tests.kit.approvals import Service, ask, running
from tests.kit.postgres import Server, serving
from tests.kit.sharing import Pair
from tests.kit.signatures import Signer
from tests.unit.approvals.test_store import (
    VOTE,
    Make,
    begin,
    bodies,
    go_on,
    test_a_folder_that_is_not_ours,
    test_a_second_process_is_turned_away,
    test_events_chain_over_restarts,
    test_events_span_from_the_request_until_what_they_say,
    test_fact_and_event_are_one_transaction,
    test_finished_ones_come_newest_first,
    test_the_file_is_for_us_alone,
    test_what_ended_long_ago_is_forgotten_and_the_rest_is_kept,
    test_what_is_open_comes_back_after_a_restart,
)
from tests.unit.approvals.test_writer import (
    Stores,
    house,
    test_a_burst_costs_few_commits,
    test_a_client_that_is_there_may_wait_as_long_as_it_takes,
    test_a_client_that_never_comes_counts_as_left,
    test_a_full_spool_refuses_and_comes_back,
    test_a_leaving_that_cannot_be_recorded_is_tried_again,
    test_a_life,
    test_a_revocation_ends_what_it_hits_and_nothing_else,
    test_after_a_restart_clients_are_expected_again,
    test_changed_answers_at_once_when_it_is_late,
    test_leaving_and_coming_back,
    test_one_callers_mistake_is_not_the_others,
    test_one_of_a_hundred_consumers_wins,
    test_time_ends_it_and_wakes_who_waits,
    test_unknown_ones,
    test_watchers_see_every_change,
    test_where_nobody_waits_nobody_is_expected,
)

pytestmark = pytest.mark.more
WAIT_S = 20  # for what another process does; it takes milliseconds
BY = By("people", "rita", "rita@bank.example")
SHORT = ApprovalTerms(any=("ledger-approvers",), expires_s=1)


@pytest.fixture
def make(shared: Shared) -> Make:
    def one(tmp_path: Path, clock: Clock | None = None, **limits: int) -> SharedStore:
        return SharedStore(tmp_path / "state", "exeat-test", clock or FixedClock(), to=shared, **limits)

    return one  # type: ignore[return-value]


@pytest.fixture
def stores(shared: Shared) -> Stores:
    def one(folder: Path, gateway: str, clock: Clock, **limits: int) -> SharedStore:
        return SharedStore(folder, gateway, clock, to=shared, **limits)

    return one  # type: ignore[return-value]


def yes(name: str) -> Vote:
    return Vote(Voter("people", name, f"{name}@bank.example", ("ledger-approvers",)), ask().shown.digest)


async def test_what_is_held_at_one_gateway_is_granted_at_the_other(pair: Pair) -> None:
    async with pair.both() as (a, b), asyncio.timeout(WAIT_S):
        with b.watching() as feed:
            held = await a.request(ask())
            assert [card.id for card in await feed.take(WAIT_S)] == [held.id]
        waiting = asyncio.ensure_future(a.changed(held))
        assert await b.listed(finished=False) == [held]
        assert await b.shown(held.id) == ask().shown
        granted, why = await b.step(held.id, lambda at: Grant(at, VOTE))
        assert (granted.state, why) == (State.GRANTED, None)
        assert await waiting == granted
        used, why = await a.step(held.id, lambda at: Consume(at, ask().binding))
        assert (used.state, why) == (State.USED, None)
    assert pair.events() == ["a approval.requested", "a approval.used", "b approval.granted"]


async def test_a_client_that_left_finds_its_grant_at_the_other_gateway(pair: Pair) -> None:
    async with pair.both() as (a, b), asyncio.timeout(WAIT_S):
        held = await a.request(ask())
        await b.step(held.id, lambda at: Grant(at, VOTE))
        await a.step(held.id, lambda at: Leave(at, "exchange-1"))
        found = await b.request(ask(exchange="exchange-2"))
        assert (found.id, found.state) == (held.id, State.GRANTED)


async def test_of_releases_at_both_gateways_one_goes(pair: Pair) -> None:
    async with pair.both() as (a, b), asyncio.timeout(WAIT_S):
        for number in range(10):
            asked = ask(received_digest=f"{number}")
            held = await a.request(asked)
            await b.step(held.id, lambda at: Grant(at, VOTE))
            steps = [each.step(held.id, lambda at, it=asked: Consume(at, it.binding)) for each in (a, b, b, a)]  # type: ignore[misc]
            whys = [why for _, why in await asyncio.gather(*steps)]
            assert (whys.count(None), whys.count(Why.USED)) == (1, 3)
    assert sum(event.endswith("approval.used") for event in pair.events()) == 10


async def test_two_approvers_at_once_are_one_outcome(pair: Pair) -> None:
    async with pair.both() as (a, b), asyncio.timeout(WAIT_S):
        for number in range(10):
            held = await a.request(ask(received_digest=f"{number}"))
            answers = await asyncio.gather(
                a.step(held.id, lambda at: Grant(at, yes("alice"))), b.step(held.id, lambda at: Refuse(at, yes("bob")))
            )
            ends = [(await each.step(held.id, Tick))[0] for each in (a, b)]
            assert {end.state for end in ends} == {State.REFUSED}, "a refusal wins, before or after the grant"
            assert answers[1][1] is None
        both = ApprovalTerms(any=("ledger-approvers",), quorum=2, expires_s=540)
        held = await a.request(ask(received_digest="q", terms=both))
        await asyncio.gather(
            a.step(held.id, lambda at: Grant(at, yes("alice"))), b.step(held.id, lambda at: Grant(at, yes("bob")))
        )
        end = (await asyncio.gather(a.step(held.id, Tick), b.step(held.id, Tick)))[0][0]
        assert (end.state, len(end.votes)) == (State.GRANTED, 2)


async def test_time_ends_it_once_though_both_look(pair: Pair) -> None:
    async with pair.both() as (a, b), asyncio.timeout(WAIT_S):
        held = [await a.request(ask(received_digest=f"{n}", terms=SHORT)) for n in range(20)]
        for writer in (a, b):
            for card in held:
                while (await writer.find(card.id)).state is not State.EXPIRED:
                    await asyncio.sleep(0.01)
    assert sum(event.endswith("approval.expired") for event in pair.events()) == 20


async def test_a_standing_grant_is_used_no_more_often_than_it_says(pair: Pair) -> None:
    terms = ApprovalTerms(any=("ledger-approvers",), expires_s=540, standing=Bounds(3, 3600))
    async with pair.both() as (a, b), asyncio.timeout(WAIT_S):
        first = await a.request(ask(terms=terms))
        vote = replace(yes("alice"), wish=Wish(3, 600))
        await b.step(first.id, lambda at: Grant(at, vote))
        asks = [ask(terms=terms, exchange=f"x{n}", received_digest=f"{n}") for n in range(10)]
        cards = await asyncio.gather(*((a if n % 2 else b).request(each) for n, each in enumerate(asks)))
        assert sum(card.state is State.GRANTED for card in cards) == 3
    assert sum(event.endswith("standing.taken") for event in pair.events()) == 3


async def test_a_revocation_at_one_gateway_ends_what_it_hits_at_the_other(pair: Pair) -> None:
    async with pair.both() as (a, b), asyncio.timeout(WAIT_S):
        held = await b.request(ask())
        waiting = asyncio.ensure_future(b.changed(held))
        with b.following() as feed:
            made = await a.revoke(lambda at: Made(1, at, uuid7(), Scope.SUBJECT, "ledger-agent", "", "stolen", BY))
            assert await feed.take(WAIT_S) == [made]
        assert (await waiting).state is State.WITHDRAWN
        with pytest.raises(Revoked):
            await b.request(ask(received_digest="new"))
        await b.lift(made.id, "found", BY)
        assert (await a.request(ask(received_digest="new"))).state is State.REQUESTED
    async with pair.writer("c") as later:
        assert [each.id for each in await later.revocations(lifted=True)] == [made.id]


async def test_clients_of_a_gateway_that_is_away_count_as_left(pair: Pair, server: Server, shared: Shared) -> None:
    clock = FixedClock(SystemClock().now_us())
    async with pair.writer("b", clock) as b:
        async with pair.writer("a") as a:
            held = await a.request(ask())
        clock.advance(120_000_000)  # longer than a client of its own would be waited for
        with contextlib.suppress(UnknownApproval):
            await b.step("nothing", Tick)
        assert (await b.find(held.id)).waiting == ("exchange-1",), "its gateway alone knows whether it is there"
        server.sql(shared, "UPDATE gateways SET seen = now() - interval '2 minutes' WHERE id = 'a'")
        clock.advance(31_000_000)
        async with asyncio.timeout(WAIT_S):
            while (await b.find(held.id)).waiting:
                with contextlib.suppress(UnknownApproval):
                    await b.step("nothing", Tick)
        clock.advance(60_000_000)
        with contextlib.suppress(UnknownApproval):
            await b.step("nothing", Tick)
        assert (await b.find(held.id)).state is State.WITHDRAWN


async def test_a_database_that_goes_away_ends_the_process(pair: Pair, server: Server) -> None:
    store = pair.store("a")
    writer = Writer(store, SystemClock(), most=10)
    await writer.open()
    running = asyncio.ensure_future(writer.run())
    assert writer.fresh
    await asyncio.to_thread(server.stop)
    try:
        with pytest.raises(ApprovalsDown):
            async with asyncio.timeout(WAIT_S):
                await running
        with pytest.raises(ApprovalsDown):
            await writer.request(ask())
        await writer.close()
        with pytest.raises(ApprovalsDown, match="cannot be shared"):
            pair.store("b").open()
    finally:
        await asyncio.to_thread(server.start)
    async with pair.writer("a") as again:
        assert (await again.request(ask())).state is State.REQUESTED


async def test_a_database_that_stands_still_is_cut_off(pair: Pair, server: Server, shared: Shared) -> None:
    store = pair.store("a")
    writer = Writer(store, SystemClock(), most=10)
    await writer.open()
    store.patience_s = 1.0
    pids = server.sql(shared, "SELECT pid FROM pg_stat_activity WHERE application_name = 'exeat approvals a'")
    for pid in pids:
        os.kill(pid[0], signal.SIGSTOP)
    try:
        with pytest.raises(ApprovalsDown, match="no answer within"):
            async with asyncio.timeout(WAIT_S):
                await writer.run()
        async with asyncio.timeout(WAIT_S):
            while writer.fresh:
                await asyncio.sleep(0.05)
    finally:
        for pid in pids:
            os.kill(pid[0], signal.SIGCONT)
    await writer.close()


async def test_one_of_all_tells_people(pair: Pair) -> None:
    async with pair.writer("b") as b:
        async with pair.writer("a") as a:
            assert await a.leads()
            assert not await b.leads()
        async with asyncio.timeout(WAIT_S):
            while not await b.leads():
                await asyncio.sleep(0.02)
        await b.told(Draft(Kind.APPROVAL, "notification.delivered"), ("slack", "n1"))
        async with pair.writer("a") as a:
            assert await a.delivered() == {("slack", "n1")}


async def test_a_step_without_a_round_is_refused(pair: Pair) -> None:
    store = pair.store("a")
    store.open()
    fact = request("a1", Card.of(ask()), 1)
    with pytest.raises(StoreFailed, match="without a round"):
        store.commit([Change(fold([fact]), fact, ask().shown)])
    store.close()


async def test_doctor_says_what_is_wrong_with_it(server: Server, shared: Shared, pair: Pair) -> None:
    settings = Settings(shared=shared)
    async with pair.writer("a"):
        pass
    server.sql(shared, "UPDATE exeat.gateways SET seen = now() - interval '2 minutes'")
    found = [f"{each.level}: {each.what}" for each in await doctor.shared(settings, SystemClock())]
    assert found[0].startswith("ok: PostgreSQL ")
    assert [each.split(":")[1].split()[0] for each in found[1:]] == ["fsync", "the", "the"]
    assert "approvals process of a is away" in found[-1]
    nowhere = Settings(shared=Shared(url="postgresql://exeat@127.0.0.1:1/exeat"))
    (finding,) = await doctor.shared(nowhere, SystemClock())
    assert (str(finding.level), finding.what) == ("fail", "PostgreSQL at 127.0.0.1:1/exeat: OperationalError")
    assert await doctor.shared(Settings(), SystemClock()) == []


async def test_an_authenticator_of_one_gateway_signs_at_the_other_and_its_counter_goes_up_at_both(
    tmp_path: Path, shared: Shared
) -> None:
    pair, signer = Pair(tmp_path, shared), Signer()
    terms = ApprovalTerms(any=("ledger-approvers",), signature=True)
    async with pair.both() as (one, other):
        key = await one.enrol(signer.register())
        first = await other.request(ask(terms=terms))
        (known,) = other.authenticators("people", "alice")
        vote = Vote(Voter("people", "alice", "alice@bank.example", ("ledger-approvers",)), ask().shown.digest)
        now_us = SystemClock().now_us()
        signed = signer.sign(first.id, Answer.GRANT, vote, known, now_us)
        after, why = await other.step(first.id, lambda at_us: Grant(at_us, signed))
        assert (known, after.state, why) == (key, State.GRANTED, None)
        second = await one.request(ask(exchange="exchange-2", received_digest="2" * 64, terms=terms))
        signer.device.count = 0  # a copy of the key, at the gateway that did not see it used
        copied = signer.sign(second.id, Answer.GRANT, vote, known, now_us)
        with pytest.raises(CounterWentBack):
            await one.step(second.id, lambda at_us: Grant(at_us, copied))
        await one.dismiss(key.id, "people", "alice")
        third = await other.request(ask(exchange="exchange-3", received_digest="3" * 64, terms=terms))
        assert (await other.find(third.id)).state is State.REQUESTED
        assert other.authenticators("people", "alice") == []
    assert [each for each in pair.events() if "authenticator" in each] == [
        "a person.authenticator_added", "a person.authenticator_removed",
    ]  # fmt: skip
    async with pair.writer("b") as again:
        assert again.authenticators("people", "alice") == []
