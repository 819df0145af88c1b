"""Reservations of open exchanges are kept, marked, and settled in the end."""

import asyncio
from collections.abc import Mapping
from typing import ClassVar

import pytest

from extproc import leases as module
from extproc.commands import Charge
from extproc.leases import Leases
from extproc.record import Exchange
from tests.kit.playbook import verdict
from usage import Amounts, Uncounted, UsageDown, Who

CHARGE = Charge("e-1", Who("i", "s", "a", "x", "c"), Amounts(requests=1), (b"t",))


def test_it_is_marked_once_when_it_goes() -> None:
    leases, exchange = Leases(Uncounted()), Exchange(verdict())
    assert not leases.follow(exchange)
    exchange.sent = True
    assert leases.follow(exchange)
    assert not leases.follow(exchange)
    assert not leases.follow(Exchange(None))


async def test_open_ones_are_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RENEW_SECONDS", 0.01)
    usage = Uncounted()
    leases, held, gone = Leases(usage), Exchange(verdict()), Exchange(verdict(exchange="e-2"))
    gone.ended = True
    leases.follow(held)
    leases.follow(gone)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(leases.run())
        while not usage.renewed:
            await asyncio.sleep(0.01)
        assert usage.renewed == {"e-1": False}
        assert await leases.settle(CHARGE)
        usage.renewed.clear()
        await asyncio.sleep(0.05)
        running.cancel()
    assert usage.renewed == {}
    assert usage.settled == [("e-1", Amounts(requests=1), (b"t",))]


async def test_many_are_renewed_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction over thousands would keep authz from the counters."""
    monkeypatch.setattr(module, "RENEW_SECONDS", 0.01)
    monkeypatch.setattr(module, "AT_ONCE", 2)

    class Counted(Uncounted):
        portions: ClassVar[list[list[str]]] = []

        async def renew(self, exchanges: Mapping[str, bool]) -> None:
            self.portions.append(list(exchanges))

    leases, names = Leases(Counted()), [f"e-{number}" for number in range(5)]
    for name in names:
        leases.follow(Exchange(verdict(exchange=name)))
    async with asyncio.TaskGroup() as group:
        running = group.create_task(leases.run())
        while len(Counted.portions) < 3:
            await asyncio.sleep(0.01)
        running.cancel()
    assert Counted.portions[:3] == [names[:2], names[2:4], names[4:]]


async def test_what_could_not_be_settled_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSES", (0.01,) * 3)
    usage = Uncounted(UsageDown("locked"))
    leases = Leases(usage)
    assert not await leases.settle(CHARGE)
    usage.fail = None
    await leases.settle_later(CHARGE)
    assert len(usage.settled) == 1


async def test_an_end_is_not_kept_waiting_by_it() -> None:
    leases = Leases(Uncounted(UsageDown("locked")))
    leases.close()
    async with asyncio.timeout(1):
        await leases.settle_later(CHARGE)
