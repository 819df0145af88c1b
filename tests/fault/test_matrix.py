"""Faults of every kind, alone and in pairs, under traffic of every kind; what is drawn follows from a seed.

`make fault` draws many (`--faults`), `make test` a few. After each: no unmasked byte, no request without a durable
allow or grant, no event lost or doubled, service back by itself; at the end the chain verifies, and the processes
hold no more than they did.
"""

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from approvals.client import ApprovalsClient
from approvals.facts import State
from runtime.errors import Error
from tests.e2e.test_evidence import exeat
from tests.kit.faults import PARTS, Fault, every, held
from tests.kit.gateway import Gateway, eventually, repeating, running
from tests.kit.traffic import Traffic, watched

pytestmark = pytest.mark.timeout(300)
FAULT_SECONDS = 2.0
ANSWERS = {0, 200, 201, 403, 502, 503}  # 0: cut off without an answer; 403: denied, or a hold that did not come through
ROOT = Path(__file__).resolve().parents[2]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "faults" in metafunc.fixturenames:
        drawn = draw(metafunc.config.getoption("--faults"), metafunc.config.getoption("--fault-seed"))
        metafunc.parametrize("faults", drawn, ids=[" and ".join(map(str, each)) for each in drawn])


def draw(count: int, seed: int) -> list[tuple[Fault, ...]]:
    """Singles first when there is room for all of them, then pairs on two parts; few: some of each."""
    chance, single = random.Random(seed), every()
    if count < len(single):
        return [(chance.choice(single),) for _ in range(count // 2)] + _pairs(chance, single, count - count // 2)
    return [(fault,) for fault in single] + _pairs(chance, single, count - len(single))


def _pairs(chance: random.Random, single: list[Fault], count: int) -> list[tuple[Fault, ...]]:
    found: list[tuple[Fault, ...]] = []
    while len(found) < count:
        pair = tuple(chance.sample(single, 2))
        if pair[0].part != pair[1].part and pair not in found:
            found.append(pair)
    return found


class Book:
    """What was seen, as a table of Markdown."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, faults: tuple[Fault, ...], seen: Counter[str], back: float) -> None:
        answers = ", ".join(f"{count} × {what}" for what, count in sorted(seen.items()))
        self.lines.append(f"| {' and '.join(map(str, faults))} | {answers} | {back:.1f} s |")


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    with running() as found:
        yield found


@pytest.fixture(scope="module")
def book(request: pytest.FixtureRequest) -> Iterator[Book]:
    found = Book()
    yield found
    if request.config.getoption("--faults") > len(every()):  # only a whole run is worth a table
        (ROOT / "build").mkdir(exist_ok=True)
        (ROOT / "build" / "faults.md").write_text("\n".join(sorted(found.lines)) + "\n")


@contextlib.contextmanager
def approver(gateway: Gateway) -> Iterator[None]:
    """Alice grants whatever waits, whenever she can."""

    async def look() -> None:
        async with ApprovalsClient(gateway.settings.socket("approvals"), gateway.issuer.person_token("alice")) as alice:
            for card in await alice.list():
                if card.state is State.REQUESTED:
                    _, shown = await alice.get(card.id)
                    await alice.grant(card.id, shown.digest, "checked")

    def grant() -> None:
        with contextlib.suppress(Error):
            asyncio.run(look())

    with repeating(grant, 0.2):
        yield


def test_in_trouble(gateway: Gateway, book: Book, faults: tuple[Fault, ...]) -> None:
    gateway.serves(60)
    with watched(gateway) as traffic, approver(gateway), ThreadPoolExecutor(4) as pool:
        stream = traffic.begin_stream()
        with contextlib.ExitStack() as trouble:
            for fault in faults:
                trouble.enter_context(fault.on(gateway))
            until = time.monotonic() + FAULT_SECONDS
            asked = [pool.submit(ask) for ask in (traffic.json, traffic.stream, traffic.transfer, traffic.denied)]
            while time.monotonic() < until:
                asked.append(pool.submit(traffic.json))
                time.sleep(0.3)
        began = time.monotonic()
        gateway.serves(90)
        back = time.monotonic() - began
        seen = Counter(answer.result(90).told for answer in asked)
        traffic.join()
        assert {answer.result().status for answer in asked} <= ANSWERS
        assert stream.status == 200
        # it may answer once more before it notices: revocations count for two seconds after approvals' last word
        eventually(lambda: traffic.json().status, lambda status: status == 200, 60)
        book.note(faults, seen + Counter([f"stream {stream.ended}"]), back)


def test_afterwards_the_chain_is_whole_and_nothing_has_grown(gateway: Gateway) -> None:
    """Trouble of its own between two looks, so that it means something whatever ran before it."""

    def ordinary(count: int) -> None:
        traffic = Traffic(gateway)
        assert {traffic.json().status for _ in range(count)} == {200}
        assert traffic.stream().status == 200

    gateway.serves(60)
    ordinary(20)
    before = held(gateway)
    with Fault("kill", "engine").on(gateway), Fault("slow", "store").on(gateway):
        time.sleep(FAULT_SECONDS)
    gateway.serves(60)
    ordinary(40)
    gateway.settled()

    def more() -> list[str]:
        now = held(gateway)
        same = [part for part in PARTS if now[part].pid == before[part].pid]
        return [
            f"{part}: {before[part]} → {now[part]}"
            for part in same
            if now[part].handles > before[part].handles + 20 or now[part].rss_kb > 1.3 * before[part].rss_kb + 60_000
        ]

    eventually(more, lambda found: not found, 30)
    said = exeat(gateway, "audit", "verify")
    assert said.returncode == 0, said.stdout + said.stderr
