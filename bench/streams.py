"""Event streams under load, as ratios in one run.    python -m bench.streams [--rounds N] [--json]

200 events, one every 5 ms, 10 and 50 streams at once. Each event carries when it left the upstream, so that the delay
of each is known (one machine, one clock); upstream and client are processes of their own. The same stacks as in
`bench.gateway`: the upstream itself, Envoy alone, Envoy and authz, the whole line.
"""

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import statistics
import sys
import time
from collections.abc import Iterator
from typing import Any

from bench.gateway import ASKED, CHAT, UNLIMITED, Stack, answers, stacks
from bench.load import cpu, request
from tests.kit import gateway as kit
from tests.kit.gateway import eventually

EVENTS, PAUSE_S = 200, 0.005
LETTERS = str.maketrans("0123456789", "ghijklmnop")  # digits could look like something to mask
DIGITS = str.maketrans("ghijklmnop", "0123456789")
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def event(text: str) -> bytes:
    stamp = str(time.monotonic_ns()).translate(LETTERS)
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    chunk = {
        "id": f"at-{stamp}-",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "gpt-5",
        "choices": [choice],
    }
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            at = head.find(b"content-length:")
            if at >= 0:
                await reader.readexactly(int(head[at + 15 :].split(b"\r\n", 1)[0]))
            elif b"chunked" in head:
                await reader.readuntil(b"0\r\n\r\n")
            writer.write(HEAD)
            began = time.monotonic()
            for number in range(EVENTS):
                await asyncio.sleep(max(0.0, began + number * PAUSE_S - time.monotonic()))
                _chunk(writer, event("The branch opens again on Monday. "))
            _chunk(writer, b"data: [DONE]\n\n")
            writer.write(b"0\r\n\r\n")
            await writer.drain()
    writer.close()


def _chunk(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(b"%x\r\n%b\r\n" % (len(data), data))


def _serve(port: int) -> None:
    async def run() -> None:
        server = await asyncio.start_server(_answer, "127.0.0.1", port)
        await server.serve_forever()

    asyncio.run(run())


@contextlib.contextmanager
def upstream(port: int) -> Iterator[None]:
    running = multiprocessing.get_context("spawn").Process(target=_serve, args=(port,), daemon=True)
    running.start()
    try:
        eventually(lambda: answers(port), bool)
        yield
    finally:
        running.terminate()
        running.join()


async def _read(port: int, raw: bytes, delays: list[float]) -> bool:
    """Appends the delay of each event, in milliseconds; True if all of them came."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(raw)
    seen, text = 0, b""
    try:
        while b"[DONE]" not in text:
            data = await asyncio.wait_for(reader.read(1 << 16), 60)
            if not data:
                return False
            now = time.monotonic_ns()
            text += data
            *whole, text = text.split(b'"at-')
            text = text if b"-" in text or b"[DONE]" in text else b'"at-' + text
            for part in [*whole, text]:
                stamp, dash, _ = part.partition(b"-")
                digits = stamp.decode("ascii", "replace").translate(DIGITS)
                if dash and digits.isdecimal():
                    delays.append((now - int(digits)) / 1e6)
                    seen += 1
            text = text.partition(b"-")[2] if b"-" in text and b"[DONE]" not in text else text
    finally:
        writer.close()
    return seen == EVENTS


def measure(stack: Stack, streams: int) -> tuple[list[float], int, dict[str, float]]:
    """Delays of all events, streams that were not whole, CPU in µs an event."""
    raw = request("POST", stack.prefix + CHAT, stack.headers, json.dumps({**ASKED, "stream": True}).encode())
    delays: list[float] = []

    async def all_of_them() -> list[bool]:
        return await asyncio.gather(*(_read(stack.port, raw, delays) for _ in range(streams)))

    before = cpu(stack.pids)
    whole = asyncio.run(all_of_them())
    spent = {name: (value - before[name]) / max(1, len(delays)) * 1e6 for name, value in cpu(stack.pids).items()}
    return delays, whole.count(False), spent


def line(stack: Stack, streams: int, rounds: int) -> dict[str, Any]:
    runs = [measure(stack, streams) for _ in range(rounds)]
    middle = statistics.median

    def at(share: float) -> float:
        return round(middle(sorted(delays)[min(len(delays) - 1, int(share * len(delays)))] for delays, _, _ in runs), 2)

    spent = {name: round(middle(run[2][name] for run in runs)) for name in stack.pids}
    return {"stack": stack.name, "streams": streams, "p50_ms": at(0.5), "p99_ms": at(0.99),
            "cut": sum(run[1] for run in runs), "cpu_us_per_event": spent}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description="event streams under load, as ratios in one run")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="machine-readable")
    given = parser.parse_args()
    with contextlib.ExitStack() as open_:
        house = open_.enter_context(kit.running(extra=UNLIMITED, upstream=False))
        feed = house.house.ports["upstream"]
        open_.enter_context(upstream(feed))
        found = [stack for stack in stacks(house, feed, open_) if stack.name != "LiteLLM"]
        for stack in found:
            measure(stack, 2)  # caches and compiled patterns
        lines = [line(stack, streams, given.rounds) for streams in (10, 50) for stack in found]
    if given.json:
        print(json.dumps(lines))
        return 0
    print(f"{'streams':>7} {'stack':18} {'p50 ms':>8} {'p99 ms':>8} {'cut':>4}  CPU µs/event")
    for each in lines:
        spent = ", ".join(f"{name} {value}" for name, value in each["cpu_us_per_event"].items()) or "-"
        head = f"{each['streams']:7} {each['stack']:18} {each['p50_ms']:8.2f} {each['p99_ms']:8.2f}"
        print(f"{head} {each['cut']:4}  {spent}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
