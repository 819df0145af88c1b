"""Many holds at once, through the whole gateway: `python -m bench.holds [holds …]` (600 2000 10000). One run.

Every part is the real one and shares the cores with the load: Envoy, authz with the engine, extproc, approvals, the
spools with their fsyncs, the store and the shipper. Each hold is a request with a body of its own, so each has a card
of its own. Requests come as fast as they are let in, `ENTERING` of them on their way to a card at any time.

1. failed: how many of the held requests got any answer before one was given
2. woken: from the reply to `Grant` (durable) until the first byte of the upstream's answer is with the client, while
   all others wait. `single`: one person grants card after card. `burst`: as many at once.
3. memory: resident bytes per hold of each part
"""

import asyncio
import contextlib
import json
import re
import resource
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from approvals.client import ApprovalsClient
from approvals.facts import Shown
from tests.kit.gateway import POLICIES, Gateway, running

ENTERING = 32
SAMPLES = 200  # grants that are measured, one after the other
BURST = 50  # grants that are measured all at once
PARTS = ("envoy", "extproc", "approvals", "authz")
EXTRA = """[approvals]
max_waiting = 20000

[gateway]
requests_per_second = 100000
address_per_second = 100000
max_connections = 50000"""
CODE = re.compile(rb'"code": ?"(\w+)"')
AMOUNT = re.compile(rb'"amount": ?"(\d+)"')


def resident(gateway: Gateway, part: str) -> int:
    """Bytes."""
    pid = gateway.supervisor.pid(part)
    if pid is None:
        return 0
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) * 1024 if found else 0


@dataclass
class Answer:
    """`at`: when its first byte came, by `perf_counter`."""

    at: float
    line: str


class Caller(asyncio.Protocol):
    """One held request on its own connection; plain HTTP/1.1."""

    def __init__(self, raw: bytes, number: int, load: "Load") -> None:
        self._raw, self._number, self._load = raw, number, load

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._raw)

    def data_received(self, data: bytes) -> None:
        line = data.partition(b"\r\n")[0].decode("latin-1")
        code = CODE.search(data)
        line += f" {code[1].decode()}" if code else ""
        self._load.answer(self._number, Answer(time.perf_counter(), line))
        self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        self._load.answer(self._number, Answer(time.perf_counter(), "connection lost"))


@dataclass
class Load:
    gateway: Gateway
    answered: dict[int, Answer] = field(default_factory=dict)
    awaited: dict[int, "asyncio.Future[Answer]"] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._token = self.gateway.issuer.agent_token("ledger-agent", lifetime_s=3600)

    async def ask(self, number: int) -> None:
        body = json.dumps({"from": "a", "to": "b", "amount": str(number)}).encode()
        head = f"POST /ledger/transfers HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {self._token}\r\n"
        head += "content-type: application/json\r\nx-exeat-session: bench\r\nx-exeat-justification: bench\r\n"
        head += f"content-length: {len(body)}\r\n\r\n"
        host, port = self.gateway.url.removeprefix("http://").split(":")
        make = lambda: Caller(head.encode() + body, number, self)  # noqa: E731
        await asyncio.get_running_loop().create_connection(make, host, int(port))

    def answer(self, number: int, answer: Answer) -> None:
        """The first word counts."""
        if self.answered.setdefault(number, answer) is answer and number in self.awaited:
            self.awaited[number].set_result(answer)

    async def of(self, number: int, seconds: float = 30) -> Answer | None:
        if number in self.answered:
            return self.answered[number]
        future = self.awaited.setdefault(number, asyncio.get_running_loop().create_future())
        with contextlib.suppress(TimeoutError):
            return await asyncio.wait_for(future, seconds)
        return None


async def enter(gateway: Gateway, load: Load, first: int, last: int) -> None:
    """Asks for the holds from `first` to `last`; returns when each has its card or an answer."""
    sent, patience = first, time.monotonic() + 60
    while True:
        there = gateway.cards() + len(load.answered)
        if there >= last or time.monotonic() > patience:
            return
        for _ in range(min(ENTERING - (sent - there), last - sent)):
            await load.ask(sent)
            sent, patience = sent + 1, time.monotonic() + 60
        await asyncio.sleep(0.05)


async def woken(alice: ApprovalsClient, load: Load, approval_id: str) -> tuple[float, float] | None:
    """Seconds that `Grant` took, and from its reply to the answer; None if it got another answer, or none."""
    _, shown = await alice.get(approval_id)
    number = _number(shown)
    asked = time.perf_counter()
    await alice.grant(approval_id, shown.digest, "bench")
    granted = time.perf_counter()
    answer = await load.of(number)
    return (granted - asked, max(0.0, answer.at - granted)) if answer and " 201 " in answer.line else None


def _number(shown: Shown) -> int:
    found = AMOUNT.search(shown.content.replace(b"\\", b""))
    return int(found[1]) if found else -1


async def measure(gateway: Gateway, steps: Sequence[int]) -> list[dict[str, Any]]:
    before = {part: resident(gateway, part) for part in PARTS}
    load, found, asked = Load(gateway), [], 0
    token = gateway.issuer.person_token("alice", lifetime_s=3600)
    async with ApprovalsClient(gateway.settings.socket("approvals"), token, timeout_s=60) as alice:
        for holds in steps:
            used, started = len(load.answered), time.perf_counter()
            holding = holds + used  # what was granted in earlier steps waits no more
            await enter(gateway, load, asked, holding)
            entered, rate = time.perf_counter() - started, (holding - asked) / (time.perf_counter() - started)
            asked = holding
            kb = {part: round((resident(gateway, part) - before[part]) / holds / 1024, 1) for part in PARTS}
            early = Counter(answer.line for answer in list(load.answered.values())[used:])
            waiting = [card.id for card in await alice.list() if card.state == "requested"]
            print(f"{holds}: entered, {len(waiting)} wait", file=sys.stderr, flush=True)
            await asyncio.sleep(3)  # the shipper and the store have their say about the entering
            chosen = waiting[:: max(1, len(waiting) // (SAMPLES + BURST))]
            single = [await woken(alice, load, card) for card in chosen[BURST : BURST + SAMPLES]]
            burst = await asyncio.gather(*(woken(alice, load, card) for card in chosen[:BURST]))
            line = {"holds": holds, "waiting": len(waiting), "failed": sum(early.values()), "instead": dict(early)}
            line |= {"entered_s": round(entered, 1), "entered_per_s": round(rate, 1)}
            line |= {"single": spread(single), "burst": spread(burst), "kb_per_hold": kb}
            found.append(line)
            print(json.dumps(line), flush=True)
    return found


def causes(gateway: Gateway) -> dict[str, int]:
    """What authz recorded of whom it refused, by its code; Envoy's own refusals are not in it."""
    gateway.settled(300)
    rows = gateway.sql("SELECT code, count() FROM audit.decisions WHERE effect = 'refused' GROUP BY code")
    return {str(code): int(count) for code, count in rows}


def spread(samples: Sequence[tuple[float, float] | None]) -> dict[str, Any]:
    """Milliseconds."""
    good = [sample for sample in samples if sample is not None]
    of = {"granted": len(samples), "not_woken": len(samples) - len(good)}
    for name, values in (("grant_ms", [grant for grant, _ in good]), ("woken_ms", [wake for _, wake in good])):
        of[name] = {"p50": quantile(values, 0.5), "p99": quantile(values, 0.99), "max": quantile(values, 1)}
    return of


def quantile(samples: list[float], share: float) -> float:
    ordered = sorted(samples)
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000, 1) if ordered else -1.0


@contextlib.contextmanager
def policies() -> Iterator[Path]:
    """The example's, with cards that outlast the entering of the last one."""
    with tempfile.TemporaryDirectory() as folder:
        found = Path(shutil.copytree(POLICIES, Path(folder) / "policies"))
        for test in [*found.rglob("*_test.rego"), *found.glob("cases/*.yaml")]:
            test.unlink()
        risk = found / "data" / "risk.yaml"
        tiers = yaml.safe_load(risk.read_text())
        tiers["high"]["expires_in"] = "55m"
        risk.write_text(yaml.safe_dump(tiers))
        yield found


def main(steps: Sequence[int]) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with policies() as repository, running(repository, extra=EXTRA) as gateway:
        asyncio.run(measure(gateway, steps))
        print(json.dumps({"refused": causes(gateway)}))


if __name__ == "__main__":
    main([int(text) for text in sys.argv[1:]] or [600, 2000, 10_000])
