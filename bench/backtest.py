"""What a backtest costs: `python -m bench.backtest [decisions]`. The inputs of the starter's own cases, over and over.

By number of workers: decisions a second, and the CPU of one decision in this process and in all workers together.
"""

import asyncio
import json
import os
import resource
import sys
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

from bench.engine import STARTER, inputs
from snapshot import bundle as bundles
from snapshot import repository
from snapshot.backtest import Recorded, Tally, redecide

PAGE = 2000  # as `exeat policy backtest` reads them


async def measured(decisions: int, workers: int) -> dict[str, Any]:
    records = [
        Recorded(f"e-{number}", "", "agent", "connection", "allow", (), (), json.dumps(given).encode())
        for number, given in enumerate(inputs())
    ]

    async def pages() -> AsyncIterator[Sequence[Recorded]]:
        for start in range(0, decisions, PAGE):
            yield [records[at % len(records)] for at in range(start, min(start + PAGE, decisions))]

    tally, began, spent = Tally(), time.monotonic(), time.process_time()
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    bundle = bundles.make(repository.read(STARTER))
    async for recorded, now in redecide(bundle, pages(), workers=workers, deadline_s=1):
        tally.add(recorded, now)
    seconds, here = time.monotonic() - began, time.process_time() - spent
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    there = children.ru_utime + children.ru_stime - ended.ru_utime - ended.ru_stime
    return {
        "decided": tally.decided,
        "a_second": round(decisions / seconds),
        "minutes_for_100000": round(100_000 * seconds / decisions / 60, 1),
        "cpu_us_here": round(here / decisions * 1e6),
        "cpu_us_in_workers": round(there / decisions * 1e6),
    }


def main() -> None:
    decisions = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    found = {f"{workers} workers": asyncio.run(measured(decisions, workers)) for workers in (1, 2, 3)}
    print(json.dumps({"load": os.getloadavg()[0], **found}, indent=2))


if __name__ == "__main__":
    main()
