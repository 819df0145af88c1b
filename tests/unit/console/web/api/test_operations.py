"""Legal holds over the API: while one waits for its commit, the console goes on."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from console.web.api import operations
from console.web.api.models import Keep, Words
from console.web.api.operation import Call
from console.web.people import Person, Role
from identity import Identity
from runtime.clock import SystemClock


class SlowRecorder:
    """Its commit ends when the event loop has had a turn meanwhile."""

    caller = None

    def __init__(self) -> None:
        self.begun, self.turn = threading.Event(), threading.Event()
        self.loop_had_a_turn = False

    def masked(self, text: str) -> str:
        return text

    def record(self, draft: object, *, required: bool) -> None:
        self.begun.set()
        self.loop_had_a_turn = required and self.turn.wait(20)


class Desk:
    clock = SystemClock()

    def __init__(self) -> None:
        self.slow = SlowRecorder()

    def recorder(self, person: Person) -> SlowRecorder:
        return self.slow

    async def read(self, person: Person, work: object) -> str:
        return "h-1"


@pytest.mark.parametrize(
    ("run", "body"),
    [
        (operations.add_legal_hold, Keep(reason="matter 7")),
        (operations.release_legal_hold, Words(words="matter 7 is closed")),
    ],
)
async def test_a_legal_hold_is_recorded_beside_the_event_loop(run: Callable[[Call], Any], body: object) -> None:
    desk = Desk()
    person = Person(Identity("https://issuer.example", "erin"), frozenset({Role.ADMIN}), "token")

    async def meanwhile() -> None:
        while not desk.slow.begun.is_set():
            await asyncio.sleep(0.005)
        desk.slow.turn.set()

    call = Call(desk, person, {"id": "h-1"}, None, body)  # type: ignore[arg-type]  # as much of a desk as they use
    done, _ = await asyncio.gather(run(call), meanwhile())
    assert done["id"]
    assert desk.slow.loop_had_a_turn
