"""What a flood of strangers costs the house's own agents: `python -m bench.flood [rounds]`.

The whole gateway on loopback (Envoy, authz, engine, extproc, spools, store) with the starter policy. Four connections
ask one after the other, as agents with a remembered token; beside them another process floods: with requests without a
token, or with forged ones. Rounds of all kinds are interleaved in one run, so that the ratios mean something although
the figures depend on the machine.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from urllib.parse import urlsplit

from tests.kit.gateway import Gateway, running

SECONDS, CONNECTIONS = 3.0, 4
FLOOD_RATE, FLOOD_CONNECTIONS = 1000, 8
KINDS = ("quiet", "no token", "forged token")


class Connection:
    """HTTP/1.1 over one kept-alive connection, no more than is needed to ask again and again."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 0

    async def __aenter__(self) -> "Connection":
        self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def get(self, head: bytes) -> int:
        """Status of the answer."""
        self._writer.write(head)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        status = int(answer[9:12])
        lower = answer.lower()
        if b"content-length:" in lower:
            await self._reader.readexactly(int(lower.split(b"content-length:")[1].split(b"\r\n")[0]))
        elif b"chunked" in lower:
            while (size := int(await self._reader.readline(), 16)) > 0:
                await self._reader.readexactly(size + 2)
            await self._reader.readline()
        return status


def head(path: str, token: str = "") -> bytes:
    lines = [f"GET {path} HTTP/1.1", "host: gateway", *([f"authorization: Bearer {token}"] if token else []), "", ""]
    return "\r\n".join(lines).encode()


async def agents(url: str, token: str) -> tuple[list[float], Counter[int]]:
    """Seconds per request of all connections, and the statuses."""
    took: list[float] = []
    seen: Counter[int] = Counter()

    async def one() -> None:
        async with Connection(url) as connection:
            end = time.monotonic() + SECONDS
            while time.monotonic() < end:
                before = time.perf_counter()
                seen[await connection.get(head("/openai/v1/models", token))] += 1
                took.append(time.perf_counter() - before)

    async with asyncio.TaskGroup() as group:
        for _ in range(CONNECTIONS):
            group.create_task(one())
    return took, seen


async def flood(url: str, kind: str) -> None:
    """FLOOD_RATE requests a second until killed; statuses on standard output, each second."""
    seen: Counter[int] = Counter()
    serial = 0

    async def one(number: int) -> None:
        nonlocal serial
        async with Connection(url) as connection:
            started, sent = time.monotonic(), 0
            while True:
                due = started + (sent + number / FLOOD_CONNECTIONS) * FLOOD_CONNECTIONS / FLOOD_RATE
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                serial += 1
                seen[await connection.get(head("/openai/v1/models", forged(serial) if "forged" in kind else ""))] += 1
                sent += 1

    async def tell() -> None:
        while True:
            await asyncio.sleep(1)
            print(json.dumps(seen), flush=True)

    async with asyncio.TaskGroup() as group:
        for number in range(FLOOD_CONNECTIONS):
            group.create_task(one(number))
        group.create_task(tell())


TEMPLATE = ["", "", ""]


def forged(serial: int) -> str:
    """A token of the right form, issuer and kid whose signature is another each time."""
    return f"{TEMPLATE[0]}.{TEMPLATE[1]}.{serial:086d}"[: len(".".join(TEMPLATE))]


async def beside(url: str, kind: str, token: str, work: Callable[[], Awaitable[None]]) -> dict[str, int]:
    """Does `work` while another process floods; the flood's statuses."""
    async with AsyncExitStack():
        command = (sys.executable, "-m", "bench.flood", "--flood", url, kind, token)
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        assert process.stdout is not None
        try:
            last = await process.stdout.readline()  # it runs
            await work()
            process.terminate()
            rest = (await process.stdout.read()).splitlines()
            found: dict[str, int] = json.loads(rest[-1] if rest else last)
            return found
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


def spread(took: list[float]) -> tuple[float, float]:
    """p50 and p99 in milliseconds."""
    ordered = sorted(took)
    return ordered[len(ordered) // 2] * 1000, ordered[int(len(ordered) * 0.99)] * 1000


async def measure(gateway: Gateway, rounds: int) -> None:
    good = gateway.issuer.agent_token("research-agent")
    took: dict[str, list[float]] = {kind: [] for kind in KINDS}
    flooded: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}

    async def agents_run(kind: str) -> None:
        times, seen = await agents(gateway.url, good)
        assert set(seen) == {200}, (kind, seen)
        took[kind] += times

    await agents(gateway.url, good)  # warm
    for _ in range(rounds):
        for kind in KINDS:
            if kind == "quiet":
                await agents_run(kind)
            else:
                found = await beside(gateway.url, kind, good, lambda kind=kind: agents_run(kind))
                flooded[kind].update(found)
    report(took, flooded, rounds)


def report(took: dict[str, list[float]], flooded: dict[str, "Counter[str]"], rounds: int) -> None:
    quiet = spread(took["quiet"])[0]
    print(f"| flood of {FLOOD_RATE}/s | agents' requests/s | p50 ms | p99 ms | p50 × quiet | the flood was told |")
    print("|---|---|---|---|---|---|")
    for kind in KINDS:
        p50, p99 = spread(took[kind])
        rate = len(took[kind]) / rounds / SECONDS
        told = ", ".join(f"{status}: {count}" for status, count in sorted(flooded[kind].items()))
        print(f"| {kind} | {rate:.0f} | {p50:.1f} | {p99:.1f} | {p50 / quiet:.2f} | {told} |")


def main() -> None:
    if sys.argv[1:2] == ["--flood"]:
        _, _, url, kind, token = sys.argv
        TEMPLATE[:] = token.split(".")
        asyncio.run(flood(url, kind))
        return
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    with running(extra="[gateway]\nrequests_per_second = 20000\naddress_per_second = 20000") as gateway:
        asyncio.run(measure(gateway, rounds))


if __name__ == "__main__":
    main()
