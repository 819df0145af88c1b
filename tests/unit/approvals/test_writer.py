"""One writer: groups, deadlines, who is expected, what happens when the disk fails. The clock stands unless moved."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from approvals.attendance import ATTEND_US
from approvals.errors import ApprovalsDown, AskInvalid, Revoked, UnknownApproval
from approvals.facts import Shown, State, Vote, Voter
from approvals.machine import Approval
from approvals.revocations import By, Made, Scope
from approvals.steps import Consume, Grant, Leave, Return, Tick, Why
from approvals.store import Store
from approvals.writer import Writer
from audit.write import SpoolFull
from runtime.clock import FixedClock
from snapshot.decision import ApprovalTerms
from tests.kit.approvals import ask

VOTE = Vote(Voter("people", "alice", "alice@bank.example", ("ledger-approvers",)), ask().shown.digest)
SECOND = 1_000_000
BY = By("people", "rita", "rita@bank.example")


Stores = Callable[..., Store]  # as Store itself; tests/more runs what is here on PostgreSQL, too


@pytest.fixture
def stores() -> Stores:
    return Store


class House:
    def __init__(self, folder: Path, stores: Stores, **options: Any) -> None:
        self.clock = FixedClock()
        self.store = stores(folder, "exeat-test", self.clock, **options)
        self.writer = Writer(self.store, self.clock, most=10_000)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Writer]:
        await self.writer.open()
        task = asyncio.ensure_future(self.writer.run())
        try:
            yield self.writer
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, ApprovalsDown):
                await task
            await self.writer.close()

    async def advance(self, us: int) -> None:
        """Moves the clock and has the writer look at it."""
        self.clock.advance(us)
        for _ in range(3):  # what one round brings may be due in the next
            with contextlib.suppress(UnknownApproval, SpoolFull):
                await self.writer.step("nothing", Tick)

    async def sql(self, statement: str) -> None:
        """In the writer's own thread: SQLite's connection belongs to it."""
        await self.writer._disk.do(lambda: self.store.conn.execute(statement))

    async def state(self, approval: Approval) -> State:
        return (await self.writer.find(approval.id)).state


@pytest.fixture
def house(tmp_path: Path, stores: Stores) -> House:
    return House(tmp_path, stores)


async def test_a_life(house: House) -> None:
    async with house.running() as writer:
        approval = await writer.request(ask())
        assert (await writer.listed(finished=False), await writer.shown(approval.id)) == ([approval], ask().shown)
        granted, why = await writer.step(approval.id, lambda at: Grant(at, VOTE))
        assert (granted.state, why) == (State.GRANTED, None)
        used, why = await writer.step(approval.id, lambda at: Consume(at, ask().binding))
        assert (used.state, why) == (State.USED, None)
        assert await writer.step(approval.id, lambda at: Consume(at, ask().binding)) == (used, Why.USED)
        assert await writer.listed(finished=False) == []
        assert await writer.listed(finished=True) == [used]


async def test_a_burst_costs_few_commits(house: House) -> None:
    async with house.running() as writer:
        commits = 0
        commit = house.store.commit

        def counting(*group: Any) -> None:
            nonlocal commits
            commits += 1
            commit(*group)

        house.store.commit = counting  # type: ignore[method-assign]
        many = await asyncio.gather(*(writer.request(ask(received_digest=f"{n}")) for n in range(1000)))
        assert len({approval.id for approval in many}) == 1000
        assert commits < 10


async def test_one_of_a_hundred_consumers_wins(house: House) -> None:
    async with house.running() as writer:
        approval = await writer.request(ask())
        await writer.step(approval.id, lambda at: Grant(at, VOTE))
        consumers = (writer.step(approval.id, lambda at: Consume(at, ask().binding)) for _ in range(100))
        whys = [why for _, why in await asyncio.gather(*consumers)]
        assert (whys.count(None), whys.count(Why.USED)) == (1, 99)


async def test_time_ends_it_and_wakes_who_waits(house: House) -> None:
    async with house.running() as writer:
        approval = await writer.request(ask(terms=ApprovalTerms(any=("a",), expires_s=20)))
        waiting = asyncio.ensure_future(writer.changed(approval))
        await house.advance(20 * SECOND - 1)
        assert not waiting.done()
        await house.advance(1)
        assert (await waiting).state is State.EXPIRED


async def test_a_client_that_never_comes_counts_as_left(house: House) -> None:
    async with house.running() as writer:
        approval = await writer.request(ask())
        await house.advance(ATTEND_US)
        assert (await writer.find(approval.id)).grace_until_us == house.clock.us + 60 * SECOND
        await house.advance(60 * SECOND)
        assert await house.state(approval) is State.WITHDRAWN


async def test_a_client_that_is_there_may_wait_as_long_as_it_takes(house: House) -> None:
    async with house.running() as writer:
        approval = await writer.request(ask())
        with writer.attending((approval.id, "exchange-1")), writer.attending((approval.id, "exchange-1")):
            await house.advance(500 * SECOND)
            assert (await writer.find(approval.id)).waiting == ("exchange-1",)
        await house.advance(ATTEND_US - 1)
        assert (await writer.find(approval.id)).waiting == ("exchange-1",)
        await house.advance(1)
        assert (await writer.find(approval.id)).waiting == ()


async def test_where_nobody_waits_nobody_is_expected(house: House) -> None:
    async with house.running() as writer:
        approval = await writer.request(ask(terms=ApprovalTerms(any=("a",), expires_s=600, wait="respond")))
        await house.advance(500 * SECOND)
        assert await house.state(approval) is State.REQUESTED


async def test_after_a_restart_clients_are_expected_again(house: House, tmp_path: Path, stores: Stores) -> None:
    async with house.running() as writer:
        approval = await writer.request(ask())
        await writer.step(approval.id, lambda at: Grant(at, VOTE))
    again = House(tmp_path, stores)
    async with again.running() as writer:
        await again.advance(ATTEND_US - 1)
        used, why = await writer.step(approval.id, lambda at: Consume(at, ask().binding))
        assert (used.state, why) == (State.USED, None)


async def test_leaving_and_coming_back(house: House) -> None:
    async with house.running() as writer:
        approval = await writer.request(ask())
        await writer.step(approval.id, lambda at: Leave(at, "exchange-1"))
        await house.advance(59 * SECOND)
        again = await writer.request(ask(exchange="exchange-2"))
        assert (again.id, again.grace_until_us) == (approval.id, None)
        await writer.step(approval.id, lambda at: Return(at, "exchange-1"))
        assert (await writer.find(approval.id)).waiting == ("exchange-2", "exchange-1")


async def test_one_callers_mistake_is_not_the_others(house: House) -> None:
    async with house.running() as writer:
        asks = [ask(received_digest=f"{n}", subject="" if n == 1 else "x") for n in range(3)]
        results = await asyncio.gather(*(writer.request(asked) for asked in asks), return_exceptions=True)
        assert [type(result) for result in results] == [Approval, AskInvalid, Approval]


async def test_a_full_spool_refuses_and_comes_back(tmp_path: Path, stores: Stores) -> None:
    house = House(tmp_path, stores, max_bytes=8_000)
    async with house.running() as writer:
        approval = await writer.request(ask(terms=ApprovalTerms(any=("a",), expires_s=60)))
        with pytest.raises(SpoolFull):
            await writer.request(ask(received_digest="x", shown=Shown("text/plain", b"x" * 9_000)))
        await house.sql("UPDATE meta SET value = 100 WHERE key = 'max_bytes'")
        with pytest.raises(SpoolFull):
            await writer.step(approval.id, lambda at: Grant(at, VOTE))
        await house.advance(60 * SECOND)
        assert await house.state(approval) is State.REQUESTED, "what cannot be recorded has not happened"
        await house.sql("UPDATE meta SET value = 8000 WHERE key = 'max_bytes'")
        await house.advance(SECOND)
        assert await house.state(approval) is State.EXPIRED


async def test_a_leaving_that_cannot_be_recorded_is_tried_again(tmp_path: Path, stores: Stores) -> None:
    house = House(tmp_path, stores, max_bytes=8_000)
    async with house.running() as writer:
        approval = await writer.request(ask())
        await house.sql("UPDATE meta SET value = 100 WHERE key = 'max_bytes'")
        await house.advance(ATTEND_US)
        assert (await writer.find(approval.id)).waiting == ("exchange-1",)
        await house.sql("UPDATE meta SET value = 8000 WHERE key = 'max_bytes'")
        await house.advance(SECOND)
        assert (await writer.find(approval.id)).waiting == ()


async def test_a_disk_that_fails_ends_the_writer(house: House) -> None:
    await house.writer.open()
    running = asyncio.ensure_future(house.writer.run())
    approval = await house.writer.request(ask())
    await house.sql("DROP TABLE facts")
    with pytest.raises(ApprovalsDown):
        await house.writer.step(approval.id, lambda at: Grant(at, VOTE))
    with pytest.raises(ApprovalsDown):
        await running
    await house.writer.close()


async def test_watchers_see_every_change(house: House) -> None:
    async with house.running() as writer:
        with writer.watching() as feed:
            approval = await writer.request(ask())
            await writer.step(approval.id, lambda at: Grant(at, VOTE))
            assert [at.state for at in await feed.take(0)] == [State.REQUESTED, State.GRANTED]


async def test_changed_answers_at_once_when_it_is_late(house: House) -> None:
    async with house.running() as writer:
        seen = await writer.request(ask())
        await writer.step(seen.id, lambda at: Grant(at, VOTE))
        assert (await writer.changed(seen)).state is State.GRANTED
        await writer.step(seen.id, lambda at: Consume(at, ask().binding))
        assert (await writer.changed(seen)).state is State.USED


async def test_unknown_ones(house: House) -> None:
    async with house.running() as writer:
        for asked in (writer.find("x"), writer.shown("x"), writer.step("x", Tick)):
            with pytest.raises(UnknownApproval):
                await asked


async def test_a_revocation_ends_what_it_hits_and_nothing_else(house: House, tmp_path: Path, stores: Stores) -> None:
    async with house.running() as writer:
        hit = await writer.request(ask())
        granted = await writer.request(ask(received_digest="g"))
        await writer.step(granted.id, lambda at: Grant(at, VOTE))
        other = await writer.request(ask(subject="intern-agent"))
        with writer.following() as feed:
            made = await writer.revoke(lambda at: Made(1, at, "r1", Scope.SUBJECT, "ledger-agent", "", "stolen", BY))
            assert await feed.take(0) == [made]
        assert (await house.state(hit), await house.state(granted)) == (State.WITHDRAWN, State.WITHDRAWN)
        assert await house.state(other) is State.REQUESTED
        with pytest.raises(Revoked):
            await writer.request(ask())
        again = await writer.revoke(lambda at: Made(1, at, "r2", Scope.SUBJECT, "ledger-agent", "", "again", BY))
        assert again == made, "twice is once"
    after = House(tmp_path, stores)
    async with after.running() as writer:
        assert await writer.revocations() == [made]
        with pytest.raises(Revoked):
            await writer.request(ask())
        lifted = await writer.lift("r1", "found", BY)
        assert (await writer.revocations(), await writer.revocations(lifted=True)) == ([], [lifted])
        assert (await writer.request(ask())).state is State.REQUESTED
        assert await writer.lift("r1", "twice", BY) == lifted
        with pytest.raises(UnknownApproval):
            await writer.lift("r9", "", BY)
