"""Many together, or one alone."""

import asyncio

from audit.store.serving import Turnstile


async def test_one_alone_waits_for_those_inside_and_keeps_others_out():
    turnstile, story = Turnstile(), []

    async def alone() -> None:
        async with turnstile.alone():
            story.append("alone")
            await asyncio.sleep(0)
            story.append("done")

    async def passer(name: str) -> None:
        await turnstile.enter()
        story.append(name)
        turnstile.leave()

    await turnstile.enter()
    async with asyncio.TaskGroup() as group:
        group.create_task(alone())
        await asyncio.sleep(0)
        group.create_task(passer("late"))
        await asyncio.sleep(0)
        assert story == []
        turnstile.leave()
    assert story == ["alone", "done", "late"]


async def test_two_that_want_to_be_alone_take_turns():
    turnstile, inside = Turnstile(), []

    async def alone(name: str) -> None:
        async with turnstile.alone():
            inside.append(name)
            await asyncio.sleep(0)
            inside.append(name)

    async with asyncio.TaskGroup() as group:
        for name in "abc":
            group.create_task(alone(name))
    assert inside == ["a", "a", "b", "b", "c", "c"]


async def test_a_cancelled_wait_leaves_the_door_open():
    turnstile = Turnstile()
    await turnstile.enter()
    try:
        async with asyncio.timeout(0), turnstile.alone():
            raise AssertionError
    except TimeoutError:
        pass
    turnstile.leave()
    async with asyncio.timeout(1):
        await turnstile.enter()
