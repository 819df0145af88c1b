"""A closed loop of HTTP/1.1 requests over kept connections, and what processes cost meanwhile."""

import asyncio
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Run:
    """Seconds of every answered request, and what did not answer 200."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    failed: int = 0

    @property
    def rps(self) -> float:
        return len(self.latencies) / self.seconds if self.seconds else 0.0

    def quantile(self, share: float) -> float:
        """Milliseconds."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000 if ordered else 0.0


class _Connection(asyncio.Protocol):
    def __init__(self, request: bytes, until: float, run: Run, done: "asyncio.Future[None]") -> None:
        self._request, self._until, self._run, self._done = request, until, run, done
        self._buffer = bytearray()
        self._began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def _send(self) -> None:
        self._buffer.clear()
        self._began = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not _complete(self._buffer):
            return
        now = time.perf_counter()
        if self._buffer[9:12] == b"200":
            self._run.latencies.append(now - self._began)
        else:
            self._run.failed += 1
        if now < self._until:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if time.perf_counter() < self._until:
            self._run.failed += 1
        if not self._done.done():
            self._done.set_result(None)


def _complete(answer: bytearray) -> bool:
    head = answer.find(b"\r\n\r\n")
    if head < 0:
        return False
    lines = bytes(answer[:head]).lower()
    if b"transfer-encoding: chunked" in lines:
        return answer.endswith(b"0\r\n\r\n")
    at = lines.find(b"content-length:")
    size = int(lines[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
    return len(answer) >= head + 4 + size


def request(method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
    if body:
        lines += ["content-type: application/json", f"content-length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def load(port: int, raw: bytes, connections: int, seconds: float) -> Run:
    loop = asyncio.get_running_loop()
    run, began = Run(), time.perf_counter()
    ends = []
    for _ in range(connections):
        done: asyncio.Future[None] = loop.create_future()
        ends.append(done)
        until = began + seconds
        await loop.create_connection(
            lambda done=done, until=until: _Connection(raw, until, run, done), "127.0.0.1", port
        )  # type: ignore[misc]
    await asyncio.wait(ends, timeout=seconds + 30)
    run.seconds = time.perf_counter() - began
    return run


def cpu(pids: Mapping[str, int]) -> dict[str, float]:
    """Seconds of CPU that each process has used, with its children."""
    return {name: sum(_ticks(each) for each in _family(pid)) / TICK for name, pid in pids.items()}


def rss(pids: Mapping[str, int]) -> dict[str, float]:
    """MB in memory."""
    return {name: sum(_resident(each) for each in _family(pid)) for name, pid in pids.items()}


def _family(pid: int) -> Iterable[int]:
    """A process and its children."""
    yield pid
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return
    for child in children:
        yield from _family(int(child))


def _ticks(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])


def _resident(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1000 for line in lines if line.startswith("VmRSS")), 0.0)
