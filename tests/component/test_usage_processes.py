"""Several authz processes share the counters: each request still has one place in line."""

import json
import subprocess
import sys
from pathlib import Path

PROCESSES, EACH, MOST = 2, 25, 10
ONE = """
import asyncio, json, sys
from pathlib import Path
from runtime.clock import SystemClock
from usage import Amounts, Counters, Reservation, Who

WHO = Who("https://issuer", "bot", "runner", "s-1", "ledger")

async def main(path, name, each):
    async with Counters(Path(path), SystemClock()) as counters:
        print("ready", flush=True)
        sys.stdin.readline()
        async def ask(number):
            exchange = f"{name}-{number}"
            found = await counters.reserve(Reservation(exchange, WHO, Amounts(requests=1)))
            seen = found.used["session"]["hour"].requests
            if seen > MOST:
                counters.release(exchange, denied=True)
            return seen
        seen = await asyncio.gather(*(ask(number) for number in range(each)))
        await counters.read(WHO)
        print(json.dumps(seen))

MOST = int(sys.argv[4])
asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


def test_fifty_of_two_processes_at_a_threshold_let_exactly_the_allowed_ones_through(tmp_path: Path) -> None:
    started = [
        subprocess.Popen(
            [sys.executable, "-c", ONE, str(tmp_path / "usage.db"), str(name), str(EACH), str(MOST)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2],
        )
        for name in range(PROCESSES)
    ]  # fmt: skip
    try:
        for process in started:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in started:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        seen = [number for process in started for number in json.loads(process.communicate(timeout=60)[0])]
    finally:
        for process in started:
            process.kill()
            process.wait()
    assert len(seen) == PROCESSES * EACH
    assert sorted(number for number in seen if number <= MOST) == list(range(1, MOST + 1))
