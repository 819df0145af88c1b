"""The whole gateway on free ports: real Envoy, engine, store, services; issuer and upstreams run in this process.

`running()` is what e2e and fault tests compose: tokens of any lifetime, what the upstream received, SQL over the
evidence, and the process id of every part, to kill, stop and continue.
"""

import asyncio
import contextlib
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx

from audit.store.client import StoreDown, auditor_client
from console.dev import house as dev
from console.dev.issuer import DevIssuer
from console.dev.upstream.app import Upstream
from console.parts import parts
from runtime.settings import Settings, load
from runtime.supervise import Supervisor
from tests.kit.envoy import short_folder
from tests.kit.serving import http

T = TypeVar("T")
POLICIES = Path(__file__).resolve().parents[2] / "policies"


@dataclass
class Gateway:
    house: dev.House
    settings: Settings
    issuer: DevIssuer
    upstream: Upstream
    supervisor: Supervisor
    said: list[str]

    @property
    def url(self) -> str:
        return self.house.gateway

    def headers(self, agent: str = "research-agent", session: str = "test", **claims: Any) -> dict[str, str]:
        token = self.issuer.agent_token(agent, **claims)
        return {"authorization": f"Bearer {token}", "x-exeat-session": session}

    def client(self, agent: str = "research-agent", **options: Any) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers=self.headers(agent), **{"timeout": 30.0, **options})

    def sql(self, query: str, **parameters: Any) -> Sequence[Sequence[Any]]:
        """Rows, as the auditor's own user reads them."""
        with contextlib.closing(auditor_client(self.settings)) as client:
            rows: Sequence[Sequence[Any]] = client.query(query, parameters=parameters).result_rows
            return rows

    def events(self, exchange: str) -> list[str]:
        """The types of an exchange's events, in the order of the log."""
        query = "SELECT type FROM audit.events WHERE exchange = {exchange:String} ORDER BY log_index"
        return [str(row[0]) for row in self.sql(query, exchange=exchange)]

    def settled(self, seconds: float = 60) -> None:
        """Waits until every event of every spool is in the store."""

        def missing() -> dict[str, int]:
            try:
                rows = self.sql("SELECT writer, max(seq) FROM audit.events GROUP BY writer")
            except StoreDown:
                return {"store": 1}
            stored = {str(writer): int(seq) for writer, seq in rows}
            behind = {writer: seq - stored.get(writer, 0) for writer, seq in heads(self.settings)}
            return {writer: count for writer, count in behind.items() if count > 0}

        eventually(missing, lambda found: not found, seconds)

    def signal(self, part: str, number: int) -> int:
        """Sends a signal to a part; returns the process id that got it."""
        pid = eventually(lambda: self.supervisor.pid(part), bool)
        assert pid is not None
        os.kill(pid, number)
        return pid

    @contextlib.contextmanager
    def frozen(self, part: str) -> Iterator[None]:
        pid = self.signal(part, signal.SIGSTOP)
        try:
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def serves(self, seconds: float = 30) -> None:
        """Waits until an ordinary exchange succeeds again."""
        eventually(lambda: self.probe(), lambda status: status == 200, seconds)

    def probe(self) -> int:
        try:
            with self.client(timeout=5.0) as client:
                return client.get("/openai/v1/models").status_code
        except httpx.HTTPError:
            return 0

    def cards(self) -> int:
        """How many approvals are open; read from the file, so that counting costs approvals nothing."""
        path = self.settings.gateway.state_dir / "approvals.db"
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as store:
            return int(store.execute("SELECT count(*) FROM cards WHERE open = 1").fetchone()[0])

    def envoy_stat(self, name: str) -> int:
        transport = httpx.HTTPTransport(uds=str(self.settings.socket("envoy-admin")))
        with httpx.Client(transport=transport, base_url="http://envoy") as client:
            for line in client.get(f"/stats?filter={name}").text.splitlines():
                key, _, value = line.partition(": ")
                if key == name:
                    return int(value)
        return 0


@contextlib.contextmanager
def repeating(step: Callable[[], object], seconds: float) -> Iterator[None]:
    """`step` again and again in a thread of its own, with a pause before each, while the block runs."""
    over = threading.Event()

    def run() -> None:
        while not over.wait(seconds):
            step()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(30)


def heads(settings: Settings) -> list[tuple[str, int]]:
    """(writer, last sequence number) of every spool on disk."""
    state = settings.gateway.state_dir
    found = []
    for path in [*sorted((state / "spool").glob("*.db")), state / "approvals.db"]:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as spool:
            meta = dict(spool.execute("SELECT key, value FROM meta"))
            found.append((str(meta["writer"]), int(meta["seq"])))
    return found


def eventually(ask: Callable[[], T], good: Callable[[T], bool], seconds: float = 30) -> T:
    """Asks until the answer is good; fails with the last answer."""
    deadline = time.monotonic() + seconds
    while True:
        answer = ask()
        if good(answer):
            return answer
        assert time.monotonic() < deadline, f"not within {seconds} s; the last answer: {answer!r:.600}"
        time.sleep(0.05)


@contextlib.contextmanager
def running(
    policies: Path = POLICIES, extra: str = "", *, upstream: bool = True, name: str = "exeat-dev"
) -> Iterator[Gateway]:
    """`extra`: lines for exeat.toml; `{console}` in them is the console's port. `name`: the gateway's id.

    Without `upstream` somebody else answers at its port. Ends everything; a part that said something unexpected is in
    `said`.
    """
    with short_folder() as folder, contextlib.ExitStack() as stack:
        ports, _ = dev.choose_ports(free=True)
        simulated = Upstream()
        if upstream:
            stack.enter_context(http(simulated.app(), ports["upstream"]))
        issuer = stack.enter_context(DevIssuer.serving(port=ports["issuer"]))
        house = dev.build(folder, ports, policies)
        config = house.config.read_text().replace('"exeat-dev"', f'"{name}"')
        house.config.write_text(_with(config, extra.replace("{console}", str(ports["console"]))))
        settings = load(house.config)
        said: list[str] = []
        supervisor = Supervisor(parts(settings, house.config), settings.gateway.run_dir / "logs", said.append)
        stack.enter_context(_supervised(supervisor))
        yield Gateway(house, settings, issuer, simulated, supervisor, said)


def _with(text: str, extra: str) -> str:
    """Adds sections; a section that is there already gets the new lines under its head."""
    for block in filter(None, extra.split("\n\n")):
        head, _, lines = block.strip().partition("\n")
        text = text.replace(f"{head}\n", f"{head}\n{lines}\n") if f"{head}\n" in text else f"{text}{block.strip()}\n"
    return text


@contextlib.contextmanager
def _supervised(supervisor: Supervisor) -> Iterator[None]:
    """In a thread with its own loop; re-raises what the start said."""
    up, failed = threading.Event(), []
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def ready() -> None:
        up.set()

    def run() -> None:
        try:
            loop.run_until_complete(supervisor.run(stop, ready))
        except BaseException as error:
            failed.append(error)
        finally:
            up.set()

    thread = threading.Thread(target=run, name="supervisor", daemon=True)
    thread.start()
    up.wait(120)
    try:
        if failed:
            raise failed[0]
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(60)
        loop.close()
