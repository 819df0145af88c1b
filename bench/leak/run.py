"""Plays the cases through the running gateway, and scores what a client received."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field

import httpx
import yaml

from bench.leak import score, upstream
from bench.leak.bodies import HEADER
from bench.leak.cases import FORMATS, Case, cases
from bench.leak.cuts import Effort
from bench.leak.formats import Format
from bench.leak.samples import Sample, samples
from bench.leak.upstream import RawUpstream
from tests.kit.gateway import POLICIES, Gateway, eventually
from tests.kit.gateway import running as gateway_running

AT_ONCE = 8
KEY_OF = "openai"  # whose injected key is a sample; every connection's own would need texts of its own


@dataclass
class Score:
    """`leaked`: sample → bytes, the most of any case. `odd`: cases that gave another text than the uncut one."""

    format: str
    cases: int = 0
    leaked: dict[str, int] = field(default_factory=dict)
    where: str = ""
    odd: list[str] = field(default_factory=list)

    @property
    def bytes(self) -> int:
        return sum(self.leaked.values())


@dataclass(frozen=True)
class Place:
    gateway: Gateway
    raw: RawUpstream
    samples: tuple[Sample, ...]


@contextlib.asynccontextmanager
async def place() -> AsyncIterator[Place]:
    """The whole gateway before an upstream that plays the cases."""
    async with upstream.running() as raw:
        loop = asyncio.get_running_loop()
        entered = gateway_running(POLICIES)
        gateway = await loop.run_in_executor(None, entered.__enter__)
        try:
            await loop.run_in_executor(None, _declare, gateway, raw.port)
            key = (gateway.house.folder / "secrets" / KEY_OF).read_text()
            yield Place(gateway, raw, samples(key))
        finally:
            await loop.run_in_executor(None, entered.__exit__, None, None, None)


def _declare(gateway: Gateway, port: int) -> None:
    """Points the connections to our upstream, and lets one agent use them all."""
    data = gateway.house.folder / "policies" / "data"
    names = ("anthropic", "openai")
    known = yaml.safe_load((data / "connections.yaml").read_text())
    for name in names:
        known[name] |= {"upstream": f"http://127.0.0.1:{port}", "credential": KEY_OF}
    known["played"] = {"kind": "http", "upstream": f"http://127.0.0.1:{port}", "credential": KEY_OF, "risk": "low"}
    roles = yaml.safe_load((data / "roles.yaml").read_text())
    roles["scorers"] = {"groups": ["research"], "connections": [*names, "played"], "models": ["standard"]}
    (data / "roles.yaml").write_text(yaml.safe_dump(roles))
    (data / "connections.yaml").write_text(yaml.safe_dump(known))
    with gateway.client() as client:
        eventually(lambda: client.get("/played/hello").content, lambda got: got == b"hello")


async def through(at: Place, effort: Effort, wanted: Sequence[str] = ()) -> AsyncIterator[Score]:
    """The score of each format."""
    numbers = iter(range(1, 1 << 40))
    async with httpx.AsyncClient(base_url=at.gateway.url, timeout=60) as client:
        for form in _chosen(wanted):
            yield await _score(at, client, form, effort, numbers)


async def control(at: Place, wanted: Sequence[str] = ()) -> AsyncIterator[Score]:
    """The same without the gateway: what the score cannot see here, it cannot see there either."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{at.raw.port}", timeout=60) as client:
        for form in _chosen(wanted):
            case = next(cases(form, at.samples, Effort(1, 1, 0, 0)))
            at.raw.plays[0] = case.play
            status, received = await _ask(client, form, 0, {})
            found = score.leaked(received, case.samples)
            yield Score(form.name, 1, found, odd=[s.name for s in case.samples if s.name not in found or status != 200])


def _chosen(wanted: Sequence[str]) -> list[Format]:
    return [form for form in FORMATS if not wanted or any(each.lower() in form.name.lower() for each in wanted)]


async def _score(at: Place, client: httpx.AsyncClient, form: Format, effort: Effort, numbers: Iterator[int]) -> Score:
    found = Score(form.name)
    every = cases(form, at.samples, effort)
    first = next(every)
    expected = await _one(at, client, first, next(numbers), found, None)
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(case: Case) -> None:
        async with gate:
            await _one(at, client, case, next(numbers), found, expected)

    async with asyncio.TaskGroup() as group:
        for case in every:
            group.create_task(one(case))
    return found


async def _one(
    at: Place, client: httpx.AsyncClient, case: Case, number: int, found: Score, expected: list[str] | None
) -> list[str]:
    form = case.format
    at.raw.plays[number] = case.play
    headers = at.gateway.headers(session="leak")
    status, received = await _ask(client, form, number, headers)
    del at.raw.plays[number]
    found.cases += 1
    for name, size in score.leaked(received, case.samples).items():
        if size > found.leaked.get(name, 0):
            found.leaked[name], found.where = size, case.name
    text = told(form, received) if status == 200 else [received.decode("utf-8", "replace")]
    if status != 200 or (expected is not None and text != expected):
        found.odd.append(f"{case.name} ({status})" if status == 200 else f"{case.name}: {received[-200:]!r}")
    return text


def told(form: Format, received: bytes) -> list[str]:
    """The text of each of a client's channels."""
    if form.in_head:
        lines = received.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
        return [line for line in lines if line.startswith(f"{HEADER}:")]
    return [form.taken("".join(channel)) for channel in form.read(list(score.documents(received)))]


async def _ask(client: httpx.AsyncClient, form: Format, number: int, headers: dict[str, str]) -> tuple[int, bytes]:
    """Status, and all that came: fields of the head, an empty line, the body as far as it came."""
    connection, method, path = form.route
    where = f"/{connection}{path}" if headers else path
    body = {"model": _MODELS.get(connection), "max_tokens": 1, "messages": [], "input": "x", "stream": True}
    asked = {"user-agent": f"leak-case-{number}", **headers}
    received = b""
    try:
        async with client.stream(method, where, headers=asked, json=body if method == "POST" else None) as got:
            received = b"".join(b"%b: %b\r\n" % pair for pair in got.headers.raw) + b"\r\n"
            async for data in got.aiter_bytes() if not headers else got.aiter_raw():
                received += data
            return got.status_code, received
    except httpx.HTTPError as error:
        return 0, received + type(error).__name__.encode()


_MODELS = {"anthropic": "claude-sonnet-5", "openai": "gpt-5"}
