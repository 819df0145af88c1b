"""How fast somebody is stopped: `python -m bench.revocation [rounds]`. The promise is one second.

The whole gateway on loopback. Each round stops an agent in mid-stream, one that waits for a person, and one between two
requests. Milliseconds from the call of `revoke` until the agent's own connection saw the end, or its first refusal.
"""

import asyncio
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from approvals.client import ApprovalsClient
from approvals.revocations import Scope
from tests.kit.gateway import Gateway, eventually, running

CHAT = {"model": "gpt-5", "stream": True, "messages": [{"role": "user", "content": "play: long"}]}
TRANSFER = {"from": "GB82WEST12345698765432", "to": "DE89370400440532013000", "amount": "9.00"}


class Stopped:
    """One agent, new so that nobody else is stopped with it."""

    count = 0

    def __init__(self, gateway: Gateway, group: str) -> None:
        Stopped.count += 1
        self.gateway, self.name = gateway, f"stopped-{Stopped.count}"
        gateway.issuer.add_agent(self.name, (group,), "dave@bank.example")
        self.client = gateway.client(self.name)
        self.client.headers["x-exeat-justification"] = "pays invoice 4711"

    def streams(self, flows: threading.Event) -> None:
        with self.client.stream("POST", "/openai/v1/chat/completions", json=CHAT) as answer:
            for _ in answer.iter_bytes():
                flows.set()

    def waits(self, flows: threading.Event) -> None:
        with ThreadPoolExecutor(1) as pool:
            told = pool.submit(self.client.post, "/ledger/transfers", json=TRANSFER)
            eventually(lambda: self.card(), bool)
            flows.set()
            assert told.result().status_code == 403

    def asks(self, flows: threading.Event) -> None:
        flows.set()
        while self.client.get("/openai/v1/models").status_code == 200:
            pass

    def card(self) -> bool:
        return any(approval.card.binding.agent == self.name for approval in asyncio.run(self._listed()))

    async def _listed(self) -> list[object]:
        async with self._as("alice") as alice:
            return list(await alice.list())

    def revoke(self) -> None:
        async def say() -> None:
            async with self._as("erin") as erin:
                await erin.revoke(Scope.AGENT, self.name, "a measurement")

        asyncio.run(say())

    def _as(self, person: str) -> ApprovalsClient:
        return ApprovalsClient(self.gateway.settings.socket("approvals"), self.gateway.issuer.person_token(person))


def milliseconds(stopped: Stopped, doing: Callable[[threading.Event], None]) -> float:
    flows = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        ended = pool.submit(lambda: (doing(flows), time.perf_counter())[1])
        assert flows.wait(30)
        began = time.perf_counter()
        stopped.revoke()
        return (ended.result() - began) * 1000


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    took: dict[str, list[float]] = {"open stream": [], "held request": [], "new request": []}
    with running() as gateway:
        gateway.serves()
        for _ in range(rounds):
            for name, group, doing in (
                ("open stream", "research", Stopped.streams),
                ("held request", "finance", Stopped.waits),
                ("new request", "research", Stopped.asks),
            ):
                stopped = Stopped(gateway, group)
                took[name].append(milliseconds(stopped, lambda flows, s=stopped, do=doing: do(s, flows)))  # type: ignore[misc]
                stopped.client.close()
    print("| what ends | p50 ms | slowest ms |\n|---|---|---|")
    for name, times in took.items():
        print(f"| {name} | {sorted(times)[len(times) // 2]:.0f} | {max(times):.0f} |")


if __name__ == "__main__":
    main()
