"""Many holds at once, through the whole gateway: `python -m bench.holds [holds]` (10,000). One run, one machine.

Every part is the real one and shares the two cores with the load: Envoy, authz with the engine, extproc, approvals, the
spools with their fsyncs. Each hold is a request with a body of its own, so each has a card of its own.

1. failed: how many of the held requests got any answer before one was given
2. woken: from the reply to `Grant` (durable) until the client has its answer from the upstream; while all others wait
3. memory: resident bytes per hold of each part
"""

import asyncio
import json
import re
import resource
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from approvals.client import ApprovalsClient
from approvals.facts import Shown
from tests.kit.gateway import Gateway, running

RATE = 30  # requests a second into the hold: below what authz decides within its deadline on a busy machine
SAMPLES = 50  # grants that are measured, one after the other
PARTS = ("envoy", "extproc", "approvals", "authz")
EXTRA = "[approvals]\nmax_waiting = 20000\n\n[gateway]\nrequests_per_second = 5000\nmax_connections = 50000"
AMOUNT = re.compile(rb'"amount": ?"(\d+)"')


def resident(gateway: Gateway, part: str) -> int:
    """Bytes."""
    pid = gateway.supervisor.pid(part)
    if pid is None:
        return 0
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) * 1024 if found else 0


class Load:
    """Plain HTTP/1.1 clients, one connection per held request."""

    def __init__(self, gateway: Gateway) -> None:
        self.host, port = gateway.url.removeprefix("http://").split(":")
        self.port = int(port)
        self.token = gateway.issuer.agent_token("ledger-agent", lifetime_s=3600)
        self.answered: dict[int, tuple[float, bytes]] = {}
        self.failed = 0

    async def hold(self, number: int) -> None:
        body = json.dumps({"from": "a", "to": "b", "amount": str(number)}).encode()
        head = f"POST /ledger/transfers HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {self.token}\r\n"
        head += "content-type: application/json\r\nx-exeat-session: bench\r\nx-exeat-justification: bench\r\n"
        head += f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        try:
            await asyncio.sleep(number / RATE)
            reader, writer = await asyncio.open_connection(self.host, self.port)
            writer.write(head.encode() + body)
            await writer.drain()
            line = await reader.readline()
            self.answered[number] = (time.perf_counter(), line)
            writer.close()
        except OSError:
            self.failed += 1


def percentile(samples: list[float], share: float) -> float:
    return round(sorted(samples)[min(len(samples) - 1, int(len(samples) * share))] * 1000, 1)


async def cards(alice: ApprovalsClient, load: Load, holds: int, seconds: float) -> list[Any]:
    """Waits until every request has its card, or one was answered, or time is up."""
    deadline = time.monotonic() + seconds
    while True:
        listed = [card for card in await alice.list() if card.state == "requested"]
        if len(listed) + len(load.answered) + load.failed >= holds or time.monotonic() > deadline:
            return listed
        await asyncio.sleep(3)


async def measure(gateway: Gateway, holds: int) -> dict[str, Any]:
    before = {part: resident(gateway, part) for part in PARTS}
    load = Load(gateway)
    started = time.perf_counter()
    waiting = [asyncio.ensure_future(load.hold(number)) for number in range(holds)]
    socket = gateway.settings.socket("approvals")
    token = gateway.issuer.person_token("alice", lifetime_s=3600)
    async with ApprovalsClient(socket, token, timeout_s=60) as alice:
        listed = await cards(alice, load, holds, holds / RATE + 60)
        entered = time.perf_counter() - started
        after = {part: resident(gateway, part) for part in PARTS}
        early = len(load.answered)
        woken = [await woken_after(alice, load, card) for card in listed[:: max(1, len(listed) // SAMPLES)]]
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    good = [seconds for seconds in woken if seconds is not None]
    return {
        "holds": holds,
        "waiting": len(listed),
        "failed": load.failed + early,
        "instead": dict(Counter(line.decode("latin-1").strip() for _, line in list(load.answered.values())[:early])),
        "entered_seconds": round(entered, 1),
        "granted": len(woken),
        "not_woken": len(woken) - len(good),
        "woken_ms": {"p50": percentile(good, 0.5), "p99": percentile(good, 0.99), "max": percentile(good, 1)},
        "kb_per_hold": {part: round((after[part] - before[part]) / max(1, len(listed)) / 1024, 1) for part in PARTS},
    }


async def woken_after(alice: ApprovalsClient, load: Load, card: Any) -> float | None:
    """Seconds from the durable grant to the client's answer; None if it got another answer, or none within 10 s."""
    _, shown = await alice.get(card.id)
    number = _number(shown)
    await alice.grant(card.id, shown.digest, "bench")
    granted = time.perf_counter()
    for _ in range(10_000):
        if number in load.answered:
            at, line = load.answered[number]
            await asyncio.sleep(0.05)
            return max(0.0, at - granted) if b" 201 " in line else None
        await asyncio.sleep(0.001)
    return None


def _number(shown: Shown) -> int:
    found = AMOUNT.search(shown.content.replace(b"\\", b""))
    return int(found[1]) if found else -1


def main(holds: int) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with running(extra=EXTRA) as gateway:
        print(json.dumps(asyncio.run(measure(gateway, holds)), indent=2))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
