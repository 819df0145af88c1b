"""A part dies between the reservation and the end: the counters are right when the lease has run out.

What left is charged (one request, its bytes, the prompt as estimated), what never left is given back. The two minutes
of a lease pass by hand: its end is moved into the past, in the counter file itself.
"""

import contextlib
import signal
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.kit.gateway import Gateway, eventually
from usage import Amounts, Who
from usage.book import Book

pytestmark = pytest.mark.timeout(180)


def reservations(gateway: Gateway, sql: str = "SELECT exchange, sent, lost FROM reservations") -> list[tuple[str, int]]:
    path = gateway.settings.gateway.state_dir / "usage.db"
    with contextlib.closing(sqlite3.connect(path, timeout=10)) as conn, conn:
        return conn.execute(sql).fetchall()


def day(gateway: Gateway, subject: str) -> Amounts:
    found = Book(gateway.settings.gateway.state_dir / "usage.db")
    try:
        with found.transaction():
            numbers = found.read(Who(gateway.issuer.url, subject, "", "", ""), time.time_ns() // 1000)
    finally:
        found.close()
    return numbers.used["identity"]["day"]


def run_out(gateway: Gateway) -> None:
    """Two minutes later."""
    reservations(gateway, "UPDATE reservations SET expires_us = 0 WHERE NOT lost")


def test_extproc_dies_in_mid_stream(gateway: Gateway) -> None:
    gateway.serves()
    headers = gateway.headers("research-agent", sub="killed-agent")
    body = {"model": "gpt-5-mini", "stream": True, "messages": [{"role": "user", "content": "play: long"}]}
    url = f"{gateway.url}/openai/v1/chat/completions"
    with (
        contextlib.suppress(httpx.HTTPError),
        httpx.stream("POST", url, json=body, headers=headers, timeout=30) as answer,
    ):
        pieces = answer.iter_bytes()
        next(pieces)
        exchange = answer.headers["x-exeat-decision"]
        eventually(lambda: reservations(gateway), lambda rows: (exchange, 1, 0) in rows)
        gateway.signal("extproc", signal.SIGKILL)
        for _ in pieces:
            pass
    before = day(gateway, "killed-agent")
    assert before.output_tokens > 1000, "all that it may answer is still reserved"
    run_out(gateway)
    found = eventually(lambda: day(gateway, "killed-agent"), lambda amounts: amounts.output_tokens == 0)
    assert (found.requests, found.denied) == (1, 0)
    assert found.input_tokens == before.input_tokens > 0
    gateway.settled()
    eventually(lambda: gateway.events(exchange), lambda types: "exchange.lost" in types)
    gateway.serves()


def test_authz_dies_before_it_answers(gateway: Gateway) -> None:
    """The engine stands still, so the reservation is made and not decided when authz dies."""
    gateway.serves()
    headers = gateway.headers("research-agent", sub="undecided-agent")

    def ask() -> int:
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{gateway.url}/openai/v1/models", headers=headers, timeout=20).status_code
        return 0

    eventually(lambda: reservations(gateway, "SELECT exchange FROM reservations WHERE NOT lost"), lambda rows: not rows)
    with gateway.frozen("engine"), ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask)
        eventually(lambda: reservations(gateway, "SELECT exchange FROM reservations WHERE NOT lost"), bool)
        gateway.signal("authz", signal.SIGKILL)
        assert asked.result() in (0, 503)
    assert day(gateway, "undecided-agent").requests == 1
    run_out(gateway)
    assert eventually(lambda: day(gateway, "undecided-agent"), lambda amounts: not amounts) == Amounts()
    gateway.serves()
