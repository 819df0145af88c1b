"""A signed-in person who answers, over the same gRPC as the CLI and the console but without starting a process."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from approvals.client import ApprovalsClient
from approvals.facts import Wish
from approvals.machine import Approval
from approvals.view import View
from runtime.errors import Error
from tests.kit.gateway import Gateway, eventually

T = TypeVar("T")
GROUPS = ("ledger-approvers", "security-officers")  # all that policies/data names as approvers


@dataclass
class Approver:
    """`claims`: of the token, beside those of the house's directory."""

    gateway: Gateway
    name: str = "alice"
    claims: dict[str, Any] = field(default_factory=dict)

    def call(self, work: Callable[[ApprovalsClient], Awaitable[T]]) -> T:
        async def ask() -> T:
            token = self.gateway.issuer.person_token(self.name, **self.claims)
            async with ApprovalsClient(self.gateway.settings.socket("approvals"), token, timeout_s=30) as client:
                return await work(client)

        return asyncio.run(ask())

    def waiting(self) -> list[Approval]:
        return [card for card in self.call(lambda client: client.list()) if card.state == "requested"]

    def view(self, card: Approval) -> View:
        return View.read(self.call(lambda client: client.get(card.id))[1])

    def grant(self, card: Approval, words: str = "checked") -> Approval:
        return self.call(lambda client: client.grant(card.id, card.card.shown_digest, words))

    def refuse(self, card: Approval, words: str = "checked") -> Approval:
        return self.call(lambda client: client.refuse(card.id, card.card.shown_digest, words))

    def break_glass(self, card: Approval, words: str = "checked") -> Approval:
        return self.call(lambda client: client.break_glass(card.id, card.card.shown_digest, words, Wish(1, 60)))

    def expect(self, future: "Future[Any]", count: int = 1) -> list[Approval]:
        """The cards of what `future` waits for, once there are so many; fails if it was answered instead."""

        def look() -> list[Approval]:
            assert not future.done(), future.result()
            return self.waiting()

        return eventually(look, lambda found: len(found) == count)


def clear(gateway: Gateway) -> None:
    """Refuses whatever waits, so that a test that failed, or whose client gave up, leaves nothing to the next one."""
    everywhere = Approver(gateway, "bob", {"groups": GROUPS})  # no agent is his own
    for card in everywhere.waiting():
        with contextlib.suppress(Error):  # answered meanwhile
            everywhere.refuse(card, "left over")


@contextlib.contextmanager
def held(gateway: Gateway, ask: Callable[[], T]) -> Iterator["Future[T]"]:
    """`ask` in a thread of its own; what it waits for is refused at the end, if it waits still."""
    with ThreadPoolExecutor(1) as pool:
        try:
            yield pool.submit(ask)
        finally:
            clear(gateway)
