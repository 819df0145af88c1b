"""The fake behaves as the service would."""

import asyncio

import pytest

from approvals.client import Outcome, ScriptedHolds
from approvals.errors import ApprovalsDown, TooManyWaiting
from approvals.facts import State
from tests.kit.approvals import ask

GRANTED = Outcome(State.GRANTED, "alice@bank.example", "checked")
FORWARDED = "b" * 64


async def test_scripted_outcomes_come_in_order() -> None:
    holds = ScriptedHolds([GRANTED, Outcome(State.REFUSED)])
    first, second = await holds.request(ask()), await holds.request(ask())
    assert (await holds.wait(first), (await holds.wait(second)).granted) == (GRANTED, False)
    assert await holds.consume(first, FORWARDED)
    assert not await holds.consume(first, FORWARDED), "once"
    assert not await holds.consume(second, FORWARDED)
    assert [asked.exchange for asked in holds.asks] == ["exchange-1"] * 2


async def test_an_answer_by_hand_and_a_cancelled_wait() -> None:
    holds = ScriptedHolds()
    held = await holds.request(ask())
    assert held.state is State.REQUESTED
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(holds.wait(held), 0)
    holds.answer(held.id, GRANTED)
    assert await holds.wait(held) == GRANTED
    assert not await holds.consume(held, "other bytes")


async def test_who_withdrew_cannot_consume() -> None:
    holds = ScriptedHolds([GRANTED])
    held = await holds.request(ask())
    await holds.withdraw(held)
    assert not await holds.consume(held, FORWARDED)
    assert holds.withdrawn == [held.id]


async def test_failures() -> None:
    holds = ScriptedHolds(most=0)
    with pytest.raises(TooManyWaiting):
        await holds.request(ask())
    holds.fail = ApprovalsDown()
    with pytest.raises(ApprovalsDown):
        await holds.request(ask())
