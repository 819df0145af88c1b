"""kill -9 of a process that writes its spool in a loop: what it was told is durable is there, and the chain is whole.

The page cache survives a killed process, so this shows order and atomicity, not power loss; that the bytes are synced
before `record()` returns is SQLite's `synchronous = FULL`.
"""

import hashlib
import json
import random
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROUNDS = 8
WRITER = """
import asyncio, sys
from pathlib import Path
from audit.write import Caller, Draft, Frame, Kind, Spool

async def main(path):
    async with Spool(Path(path), "authz-0", "gateway.test") as spool:
        number = 0
        async def one(text):
            frame = Frame(0, 1, "input", "text/plain", b"x" * 5000)
            await spool.record(Draft(Kind.DECISION, "t", caller=Caller("i", "s"), data={"text": text}, frames=(frame,)))
            sys.stdout.write(text + "\\n")
        while True:
            await asyncio.gather(*(one(f"{sys.argv[2]}-{number + offset}") for offset in range(20)))
            sys.stdout.flush()
            number += 20

asyncio.run(main(sys.argv[1]))
"""


@pytest.mark.parametrize("seed", [1, 2])
def test_no_acknowledged_event_is_lost_and_the_chain_is_whole(tmp_path: Path, seed: int):
    path = tmp_path / "spool" / "authz-0.db"
    chance = random.Random(seed)
    told: set[str] = set()
    for number in range(ROUNDS // 2):
        command = [sys.executable, "-c", WRITER, str(path), str(number)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]) as process:
            assert process.stdout is not None
            told.add(process.stdout.readline().strip())
            time.sleep(chance.uniform(0, 0.3))
            process.kill()
            told |= {line.strip() for line in process.stdout if line.endswith("\n")}
    conn = sqlite3.connect(path)
    rows = conn.execute("SELECT seq, body, hash FROM events ORDER BY seq").fetchall()
    frames = {row[0] for row in conn.execute("SELECT seq FROM frames WHERE length(content) = 5000")}
    conn.close()
    prev, found = bytes(32), set()
    for expected, (seq, body, hash_) in enumerate(rows, 1):
        read = json.loads(body)
        assert (seq, read["seq"], read["prev"]) == (expected, expected, prev.hex())
        assert hash_ == hashlib.sha256(body).digest()
        assert bool(read["frames"]) == (seq in frames)
        prev = hash_
        found.add(read["data"].get("text"))
    assert told - found == set()
    assert len(told) > 20
    epochs = [json.loads(body)["data"] for _, body, _ in rows if b'"type":"lifecycle.start"' in body]
    assert [epoch["previous_stopped"] for epoch in epochs] == [True] + [False] * (ROUNDS // 2 - 1)
