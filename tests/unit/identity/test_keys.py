"""An issuer's keys over time, by a clock that the test moves."""

import asyncio
from collections.abc import AsyncIterator, Awaitable

import pytest

from identity.errors import KeysUnavailable, TokenSignature
from identity.keys import REFRESH_US, RETRY_US, STALE_US, UNKNOWN_US, IssuerKeys
from identity.keyset import KeySet
from runtime.clock import FixedClock
from tests.kit.tokens import published, signing_key

ONE, TWO = signing_key("ES256", "one"), signing_key("ES256", "two")
KID_ONE, KID_TWO = ONE.public_jwk()["kid"], TWO.public_jwk()["kid"]


class Issuer:
    """What the issuer publishes now; counts how often it was asked."""

    def __init__(self) -> None:
        self.keys = [ONE]
        self.down = False
        self.broken = False
        self.asked = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self) -> KeySet:
        self.asked += 1
        await self.gate.wait()
        if self.broken:
            raise ZeroDivisionError
        if self.down:
            raise KeysUnavailable("down")
        return published(*self.keys)


class House:
    def __init__(self, group: asyncio.TaskGroup) -> None:
        self.issuer, self.clock, self._group = Issuer(), FixedClock(), group
        self.keys = IssuerKeys("https://issuer", self.issuer, self.clock, self.spawn)

    def spawn(self, work: Awaitable[None]) -> "asyncio.Task[None]":
        async def run() -> None:
            await work

        return self._group.create_task(run())

    async def settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with asyncio.TaskGroup() as group:
        yield House(group)


async def test_keys_are_fetched_once(house: House) -> None:
    for _ in range(3):
        await house.keys.key(KID_ONE, "ES256")
    assert house.issuer.asked == 1


async def test_many_at_once_wait_for_one_fetch(house: House) -> None:
    house.issuer.gate.clear()
    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(house.keys.key(KID_ONE, "ES256")) for _ in range(50)]
        await house.settle()
        house.issuer.gate.set()
    assert house.issuer.asked == 1
    assert all(task.result() for task in waiting)


async def test_they_are_refreshed_ahead_without_waiting(house: House) -> None:
    await house.keys.key(KID_ONE, "ES256")
    house.clock.advance(REFRESH_US + 1)
    house.issuer.gate.clear()
    await house.keys.key(KID_ONE, "ES256")
    house.issuer.gate.set()
    await house.settle()
    assert house.issuer.asked == 2


async def test_a_new_key_is_found_by_its_first_token(house: House) -> None:
    await house.keys.key(KID_ONE, "ES256")
    house.issuer.keys = [TWO, ONE]
    house.clock.advance(UNKNOWN_US)
    await house.keys.key(KID_TWO, "ES256")
    assert house.issuer.asked == 2


async def test_invented_kids_cost_one_fetch_at_a_time(house: House) -> None:
    await house.keys.key(KID_ONE, "ES256")
    for number in range(100):
        with pytest.raises(TokenSignature):
            await house.keys.key(f"invented-{number}", "ES256")
    assert house.issuer.asked == 1
    house.clock.advance(UNKNOWN_US)
    for number in range(100):
        with pytest.raises(TokenSignature):
            await house.keys.key(f"invented-{number}", "ES256")
    assert house.issuer.asked == 2


async def test_a_withdrawn_key_stops_counting(house: House) -> None:
    await house.keys.key(KID_ONE, "ES256")
    house.issuer.keys = [TWO]
    house.clock.advance(REFRESH_US + 1)
    await house.keys.key(KID_ONE, "ES256")
    await house.settle()
    with pytest.raises(TokenSignature):
        await house.keys.key(KID_ONE, "ES256")


async def test_an_outage_is_survived_for_a_while(house: House) -> None:
    await house.keys.key(KID_ONE, "ES256")
    house.issuer.down = True
    house.clock.advance(STALE_US)
    await house.keys.key(KID_ONE, "ES256")
    await house.settle()
    house.clock.advance(1)
    with pytest.raises(KeysUnavailable):
        await house.keys.key(KID_ONE, "ES256")


@pytest.mark.parametrize("kind", ["down", "broken"])
async def test_without_keys_nothing_is_verified(house: House, kind: str) -> None:
    setattr(house.issuer, kind, True)
    for _ in range(10):
        with pytest.raises(KeysUnavailable):
            await house.keys.key(KID_ONE, "ES256")
    assert house.issuer.asked == 1
    setattr(house.issuer, kind, False)
    house.clock.advance(RETRY_US)
    await house.keys.key(KID_ONE, "ES256")


async def test_an_unknown_kid_while_the_issuer_is_down_is_our_fault(house: House) -> None:
    await house.keys.key(KID_ONE, "ES256")
    house.issuer.down = True
    house.clock.advance(UNKNOWN_US)
    with pytest.raises(KeysUnavailable):
        await house.keys.key(KID_TWO, "ES256")
    await house.keys.key(KID_ONE, "ES256")


async def test_a_waiter_that_leaves_does_not_take_the_fetch_with_it(house: House) -> None:
    house.issuer.gate.clear()
    async with asyncio.TaskGroup() as group:
        leaver = group.create_task(house.keys.key(KID_ONE, "ES256"))
        stayer = group.create_task(house.keys.key(KID_ONE, "ES256"))
        await house.settle()
        leaver.cancel()
        await house.settle()
        house.issuer.gate.set()
    assert stayer.result()
