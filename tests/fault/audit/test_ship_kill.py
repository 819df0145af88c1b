"""Store and shipper are killed, frozen, slow, restarted while events flow: each event is in ClickHouse exactly once."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.kit import store as store_kit
from tests.kit.bad_store import bad_store
from tests.kit.live_log import LiveLog, shipping

EVENTS = 4000
WRITER = """
import asyncio, sys
from audit.write import Caller, Draft, Frame, Kind, open_spool
from runtime.settings import load

async def main(count):
    async with open_spool(load(), "authz-0") as spool:
        for start in range(0, count, 50):
            await asyncio.gather(*(
                spool.record(Draft(Kind.DECISION, "decision.allow", caller=Caller("i", "s"), data={"n": start + offset},
                    frames=(Frame(0, 1_700_000_000_000_000, "input", "text/plain", b"\\xff" * 100),)))
                for offset in range(50)))
            await asyncio.sleep(0.05)

asyncio.run(main(int(sys.argv[1])))
"""


@pytest.fixture
def live(tmp_path: Path) -> Iterator[LiveLog]:
    with store_kit.running(tmp_path) as store, shipping(store) as made:
        yield made


@contextlib.contextmanager
def writing(live: LiveLog) -> Iterator["subprocess.Popen[bytes]"]:
    """A service that records EVENTS decisions in about four seconds."""
    env = {"PATH": os.defpath, "EXEAT_CONFIG": os.devnull, "EXEAT_GATEWAY__STATE_DIR": str(live.store.folder)}
    command = [sys.executable, "-c", WRITER, str(EVENTS)]
    with subprocess.Popen(command, env=env, cwd=Path(__file__).parents[3]) as process:
        try:
            yield process
        finally:
            process.kill()


def check(live: LiveLog) -> None:
    """Everything once, in order, signed, with its frames; and the writer may trim it."""
    live.until(EVENTS + 2)
    assert live.stop() == 0
    counts = live.ask("SELECT count(), uniqExact(writer, seq), uniqExact(log_index) FROM audit.events")[0]
    assert len(set(counts)) == 1, counts
    mine = live.ask("SELECT count(), min(seq), max(seq) FROM audit.events WHERE writer LIKE 'authz-0.%'")[0]
    assert mine == (EVENTS + 2, 1, EVENTS + 2)
    assert live.ask("SELECT count(), uniqExact(writer, seq) FROM audit.frames")[0] == (EVENTS, EVENTS)
    report = live.verify()
    assert report.ok, report.lines()
    assert report.confirmed_size == counts[0]


def test_the_store_is_killed_again_and_again(live: LiveLog):
    chance = random.Random(7)
    with writing(live) as process:
        for _ in range(6):
            time.sleep(chance.uniform(0.2, 0.8))
            live.store.kill()
            live.store.start()
        assert process.wait(60) == 0
        check(live)


def test_the_shipper_is_killed_again_and_again(live: LiveLog):
    chance = random.Random(8)
    with writing(live) as process:
        for _ in range(8):
            time.sleep(chance.uniform(0.1, 0.6))
            live.kill()
            live.start()
        assert process.wait(60) == 0
        check(live)


def test_the_store_freezes_and_thaws(live: LiveLog):
    with writing(live) as process:
        time.sleep(1)
        live.store.signal(signal.SIGSTOP)
        time.sleep(3)
        live.store.signal(signal.SIGCONT)
        assert process.wait(60) == 0
        check(live)


def test_the_store_is_away_while_everything_happens_and_the_log_is_signed_meanwhile(live: LiveLog):
    live.store.stop()
    with writing(live) as process:
        assert process.wait(60) == 0
    deadline = time.monotonic() + 20
    while int((live.tiles / "checkpoint").read_text().split("\n")[1]) < EVENTS + 2:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    live.store.start()
    check(live)
    types = {row[0] for row in live.ask("SELECT DISTINCT type FROM audit.events WHERE writer LIKE 'ship.%'")}
    assert {"log.store_away", "log.store_back"} <= types


def test_the_store_is_slow_refuses_and_loses_replies(tmp_path: Path):
    """One after the other, while events flow: each state lasts until it was met."""
    with store_kit.running(tmp_path) as store, bad_store(store.port) as relay:
        live = LiveLog(store, url=relay.url)
        live.start()
        try:
            with writing(live) as process:
                relay.delay = 0.3
                until(lambda: relay.delayed >= 10)
                relay.delay, relay.losing = 0.0, True
                until(lambda: relay.lost >= 2)
                relay.losing, relay.erring = False, True
                until(lambda: relay.refused >= 1)
                assert process.wait(60) == 0, "the writer waits for nobody"
                relay.erring, relay.delay = False, 0.1
                check(live)
        finally:
            if live.process is not None and live.process.poll() is None:
                live.kill()


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)
