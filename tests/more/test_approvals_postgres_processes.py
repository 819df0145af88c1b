"""Whole approvals processes of two gateways on a real PostgreSQL."""

import asyncio
import contextlib
import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from approvals.client import ApprovalsClient, HoldsClient
from approvals.errors import ApprovalsDown
from approvals.facts import Ask, State
from approvals.follower import Follower
from approvals.revocations import By, Scope
from runtime.clock import SystemClock
from runtime.settings import Shared
from tests.kit.approvals import Service, ask, running
from tests.kit.postgres import Server

pytestmark = pytest.mark.more
WAIT_S = 20  # for what another process does; it takes milliseconds
BY = By("people", "rita", "rita@bank.example")


@contextlib.contextmanager
def processes(server: Server, shared: Shared) -> Iterator[tuple[Service, Service]]:
    """`python -m approvals` of two gateways; each with people's issuer of its own."""
    with running(server.settings(shared), "a") as a, running(server.settings(shared), "b") as b:
        yield a, b


def approver(service: Service) -> ApprovalsClient:
    return ApprovalsClient(service.people, service.issuer.person_token("alice"), timeout_s=WAIT_S)


async def test_two_processes_and_one_of_them_dies(server: Server, shared: Shared) -> None:
    """The other's people answer for both, and the hold of the one that died goes on where it was."""
    with processes(server, shared) as (a, b):
        async with HoldsClient(a.holds) as at_a, HoldsClient(b.holds) as at_b, approver(b) as alice:
            held = await at_a.request(ask())
            other = await at_b.request(ask(exchange="exchange-b", received_digest="b"))
            waiting = asyncio.ensure_future(at_a.wait(held))
            await seen(alice, {held.id, other.id})
            a.kill()
            with pytest.raises(ApprovalsDown):
                await at_a.request(ask(exchange="exchange-2", received_digest="new"))
            for each in (other, held):
                assert (await alice.grant(each.id, ask().shown.digest, "checked")).state is State.GRANTED
            assert await at_b.consume(other, other.binding.forwarded_digest)
            await asyncio.to_thread(a.start)
            assert (await waiting).granted
            assert await at_a.consume(held, held.binding.forwarded_digest)
            assert not await at_a.consume(held, held.binding.forwarded_digest)
        assert (a.stop(), b.stop()) == (0, 0)
        story = [(name, kind) for name, each in (("a", a), ("b", b)) for kind in recorded(each, held.id)]
        assert story == [("a", "approval.requested"), ("a", "approval.used"), ("b", "approval.granted")]


async def test_over_many_kills_each_fact_has_one_event(server: Server, shared: Shared) -> None:
    """Killed in the middle of bursts: what the database has of a gateway, its spool has, once, after the next start."""
    with processes(server, shared) as (a, b):
        for burst in range(3):
            async with HoldsClient(a.holds, timeout_s=WAIT_S) as holds, approver(b) as alice:
                asks = [ask(exchange=f"x{burst}-{n}", received_digest=f"{burst}-{n}") for n in range(40)]
                asked = [asyncio.ensure_future(held_and_left(holds, each)) for each in asks]
                for done in asyncio.as_completed(asked):
                    card = await done  # the first that is durable
                    await alice.grant(card, ask().shown.digest, "checked")
                    break
                a.kill()
                await asyncio.gather(*asked, return_exceptions=True)
            await asyncio.to_thread(a.start)
        assert (a.stop(), b.stop()) == (0, 0)
        for name, service in (("a", a), ("b", b)):
            rows = server.sql(shared, f"SELECT id, n FROM exeat.log WHERE gateway = '{name}' AND kind = 'approval'")
            facts = Counter((row[0], row[1]) for row in rows)
            assert facts, name
            assert told(service) == facts


async def held_and_left(holds: HoldsClient, asked: Ask) -> str:
    held = await holds.request(asked)
    await holds.withdraw(held)
    return held.id


def told(service: Service) -> "Counter[tuple[str, int]]":
    """(approval, number of the fact) of the events in a spool."""
    with contextlib.closing(sqlite3.connect(service.database)) as conn:
        bodies = [json.loads(row[0]) for row in conn.execute("SELECT body FROM events ORDER BY seq")]
    data = [body["data"] for body in bodies if body["type"].startswith("approval.")]
    return Counter((each["approval"], each["n"]) for each in data)


async def test_a_revocation_reaches_the_other_gateways_followers(server: Server, shared: Shared) -> None:
    with processes(server, shared) as (a, b):
        heard: list[str] = []
        follower = Follower(b.holds, SystemClock(), lambda made: heard.append(made.made.value))
        following = asyncio.ensure_future(follower.run())
        try:
            await eventually(lambda: follower.fresh)
            token = a.issuer.person_token("erin")
            async with ApprovalsClient(a.people, token, timeout_s=WAIT_S) as erin:
                await erin.revoke(Scope.SUBJECT, "ledger-agent", "stolen")
            await eventually(lambda: heard == ["ledger-agent"])
        finally:
            following.cancel()


async def seen(alice: ApprovalsClient, ids: set[str]) -> None:
    async with asyncio.timeout(WAIT_S):
        while {card.id for card in await alice.list()} != ids:
            await asyncio.sleep(0.02)


async def eventually(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not true():
            await asyncio.sleep(0.02)


def recorded(service: Service, approval_id: str) -> list[str]:
    """What its gateway recorded of one approval."""
    with contextlib.closing(sqlite3.connect(service.database)) as conn:
        bodies = [json.loads(row[0]) for row in conn.execute("SELECT body FROM events ORDER BY seq")]
    return [body["type"] for body in bodies if body["data"].get("approval") == approval_id]
