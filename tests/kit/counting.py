"""Processes of their own that reserve at the same moment on shared counters."""

import json
import subprocess
import sys
from pathlib import Path

PROCESSES, EACH = 2, 25
ONE = """
import asyncio, json, sys
from pathlib import Path
from pydantic import SecretStr
from runtime.clock import SystemClock
from runtime.settings import Shared
from tests.kit.postgres import PASSWORD
from usage import Amounts, Counters, Reservation, Who
from usage.shared import SharedBook

WHO = Who("https://issuer", "bot", "runner", "s-1", "ledger")

async def main(where, name, each, most):
    shared = where.startswith("postgresql://")
    book = SharedBook(Shared(url=where, password=SecretStr(PASSWORD)), name) if shared else Path(where)
    async with Counters(book, SystemClock()) as counters:
        if shared:  # to connect may take longer than a caller waits; a file is opened by the first who reserves
            await counters.read(WHO)
        print("ready", flush=True)
        sys.stdin.readline()
        async def ask(number):
            exchange = f"{name}-{number}"
            found = await counters.reserve(Reservation(exchange, WHO, Amounts(requests=1)))
            seen = found.used["session"]["hour"].requests
            if seen > most:
                counters.release(exchange, denied=True)
            return seen
        seen = await asyncio.gather(*(ask(number) for number in range(each)))
        await counters.read(WHO)
        print(json.dumps(seen))

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
"""


def places(where: str, most: int) -> list[int]:
    """Of each request of all processes, which one of its session it was; above `most` it gives its place back.

    `where`: a file, or the URL of a database.
    """
    started = [
        subprocess.Popen(
            [sys.executable, "-c", ONE, where, f"process-{number}", str(EACH), str(most)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2],
        )
        for number in range(PROCESSES)
    ]  # fmt: skip
    try:
        for process in started:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in started:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        return [number for process in started for number in json.loads(process.communicate(timeout=60)[0])]
    finally:
        for process in started:
            process.kill()
            process.wait()
