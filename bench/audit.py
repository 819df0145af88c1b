"""How fast evidence is: `python -m bench.audit [events]`. One run, one machine, so that the ratios mean something.

1. recording: added latency of `record()` at 1,000 decisions a second, and a burst, against one bare fdatasync
2. shipping: events a second from a full spool through tiles, checkpoint and the embedded store, read back
3. verifying: events a second, from ClickHouse with the published log, and from the tiles alone; and what a checkpoint
   for every few events costs, per event, in the pass over the tree
"""

import asyncio
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

from audit.log.clickhouse import ClickHouseTarget
from audit.log.process import open_shipper
from audit.store.client import auditor_client, writer_client
from audit.verify import Report, read_tiles, verify_clickhouse, verify_tiles
from audit.verify.notes import parse_keys
from audit.verify.tiles import Published
from audit.write import Caller, Draft, Frame, Kind, MemoryRecorder, Recorder, open_spool
from runtime.clock import SystemClock
from tests.kit import store as store_kit

RATE, SECONDS = 1_000, 5


def draft(number: int) -> Draft:
    """A decision as authz records it: about 900 bytes of facts, and the input of the rules as a frame."""
    data = {
        "effect": "allow",
        "status": 200,
        "reasons": [{"rule": "group_may_use_model", "message": "research may use this model", "controls": ["AC-3"]}],
        "snapshot": "sha256:" + "5e" * 32,
        "input_hash": "1f" * 32,
        "request_digest": "2c" * 32,
        "method": "POST",
        "path": "/v1/messages",
        "model": "claude-sonnet-4-5",
        "identity": {"email": "alice@bank.example", "groups": ["research"], "jti": f"{number:08x}", "act": []},
        "masking": ["floor"],
        "findings": [],
    }
    frame = Frame(0, SystemClock().now_us(), "input", "application/json", b'{"request":{"method":"POST"}}' * 20)
    caller = Caller("https://issuer.bank.example", "agent-1", "research-agent")
    return Draft(Kind.DECISION, "decision.allow", f"{number:036x}", "session-1", "anthropic", caller, data, (frame,))


def spread(samples: list[float]) -> dict[str, float]:
    """Milliseconds."""
    ordered = sorted(samples)
    at = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
    return {name: round(ordered[int(len(ordered) * share)] * 1000, 2) for name, share in at.items()}


def bare_fsync(folder: Path) -> dict[str, float]:
    """What the disk asks for one kilobyte, right now."""
    samples = []
    with (folder / "fsync").open("wb") as file:
        for _ in range(200):
            start = time.perf_counter()
            file.write(b"x" * 1024)
            file.flush()
            os.fdatasync(file.fileno())
            samples.append(time.perf_counter() - start)
    return spread(samples)


async def at_rate(recorder: Recorder) -> dict[str, float]:
    samples: list[float] = []

    async def one(number: int) -> None:
        start = time.perf_counter()
        await recorder.record(draft(number))
        samples.append(time.perf_counter() - start)

    async with asyncio.TaskGroup() as group:
        began = time.perf_counter()
        for number in range(RATE * SECONDS):
            group.create_task(one(number))
            await asyncio.sleep(max(0.0, began + (number + 1) / RATE - time.perf_counter()))
    return spread(samples)


async def recording(store: store_kit.RunningStore, events: int) -> dict[str, Any]:
    nothing = await at_rate(MemoryRecorder())
    async with open_spool(store.settings, "authz-0") as spool:
        strict = await at_rate(spool)
        start = time.perf_counter()
        for first in range(0, events, 1000):
            await asyncio.gather(*(spool.record(draft(first + offset)) for offset in range(1000)))
        burst = events / (time.perf_counter() - start)
    return {"record_ms_without": nothing, "record_ms_strict": strict, "burst_events_per_s": round(burst)}


def shipping(store: store_kit.RunningStore) -> dict[str, Any]:
    """The two halves side by side in threads, as in the shipper's process."""
    target = ClickHouseTarget(lambda: writer_client(store.settings), "audit")
    shipper = open_shipper(store.settings, target, SystemClock())
    signed = threading.Event()
    spent: dict[str, float] = {}

    def sequence() -> None:
        start, before = time.perf_counter(), -1
        while shipper.sequencer.size > before:
            before = shipper.sequencer.size
            shipper.sequencer.step()
        spent["sequenced"] = time.perf_counter() - start
        signed.set()

    start = time.perf_counter()
    thread = threading.Thread(target=sequence)
    thread.start()
    while not (signed.is_set() and shipper.sender.behind() == 0):
        if not shipper.sender.step()[0]:
            time.sleep(0.005)
    whole = time.perf_counter() - start
    thread.join()
    shipper.sender.ship_checkpoints()
    target.close()
    size = shipper.sequencer.size
    return {
        "shipped": size,
        "signed_events_per_s": round(size / spent["sequenced"]),
        "shipped_events_per_s": round(size / whole),
    }


def verifying(store: store_kit.RunningStore, size: int) -> dict[str, Any]:
    tiles, vkey = store.folder / "log" / "tiles", (store.folder / "keys" / "log.vkey").read_text()
    client = auditor_client(store.settings)
    start = time.perf_counter()
    report = verify_clickhouse(client, [vkey], tiles=tiles)
    live = time.perf_counter() - start
    assert report.ok, report.lines()
    start = time.perf_counter()
    assert verify_tiles(tiles, [vkey]).ok
    alone = time.perf_counter() - start
    client.close()
    log = read_tiles(tiles, parse_keys([vkey]), Report("bench"))
    assert log is not None
    return {
        "verified_store_events_per_s": round(size / live),
        "verified_tiles_events_per_s": round(size / alone),
        "heads_us_per_event": {f"one_per_{step}": heads(log, step) for step in (5, 50, 500)},
    }


def heads(log: Published, step: int) -> float:
    start = time.perf_counter()
    for _ in log.heads(range(step, log.size + 1, step)):
        pass
    return round((time.perf_counter() - start) * 1e6 / log.size, 2)


def main(events: int) -> None:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, store_kit.running(Path(folder)) as store:
        result: dict[str, Any] = {
            "cores": os.cpu_count(),
            "events": events,
            "fdatasync_1k_ms": bare_fsync(Path(folder)),
        }
        result |= run(recording(store, events))
        result |= shipping(store)
        result |= verifying(store, result["shipped"])
        added = result["record_ms_strict"]["p50"] - result["record_ms_without"]["p50"]
        result["added_ms_p50"] = round(added, 2)
        result["added_beyond_one_fsync_ms_p50"] = round(added - result["fdatasync_1k_ms"]["p50"], 2)
    print(json.dumps(result, indent=2))


def run(work: Awaitable[dict[str, Any]]) -> dict[str, Any]:
    async def body() -> dict[str, Any]:
        return await work

    return asyncio.run(body())


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 60_000)
