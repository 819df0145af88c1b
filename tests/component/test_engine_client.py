"""OpaEngine against servers that misbehave, and against the real engine."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from snapshot.decision import Effect, MalformedDecision
from snapshot.engine_client import (
    EngineBusy,
    EngineDown,
    EngineFailed,
    EngineSlow,
    OpaEngine,
    PolicyFailed,
    ScriptedEngine,
    UndefinedDecision,
)
from tests.kit import policies
from tests.kit.engine import SLOW, EngineProcess, engine
from tests.kit.serving import free_port, http

DIGEST = "sha256:" + "0" * 64
ALLOW = {"effect": "allow", "reasons": [{"rule": "r", "message": "m"}], "snapshot": DIGEST}
Handler = Callable[[Request], Awaitable[Response]]


async def ask(handler: Handler, given: Any = None, deadline_ms: int = 2000) -> Any:
    app = Starlette(routes=[Route("/{path:path}", handler, methods=["GET", "POST"])])
    with http(app) as port:
        async with OpaEngine(f"http://127.0.0.1:{port}", deadline_ms) as client:
            return await client.decide(given or {"x": 1})


def answering(body: Any, status: int = 200) -> Handler:
    async def handler(request: Request) -> Response:
        return JSONResponse(body, status)

    return handler


async def test_the_question_is_opas_and_strict() -> None:
    asked: list[Any] = []

    async def handler(request: Request) -> Response:
        asked.append((request.method, request.url.path, dict(request.query_params), await request.json()))
        return JSONResponse({"result": ALLOW})

    decision = await ask(handler, {"a": "é"})
    assert decision.effect is Effect.ALLOW
    assert asked == [("POST", "/v1/data/exeat/decision", {"strict-builtin-errors": "true"}, {"input": {"a": "é"}})]


async def test_what_is_written_already_goes_as_it_is() -> None:
    asked: list[bytes] = []

    async def handler(request: Request) -> Response:
        asked.append(await request.body())
        return JSONResponse({"result": ALLOW})

    with http(Starlette(routes=[Route("/{path:path}", handler, methods=["POST"])])) as port:
        async with OpaEngine(f"http://127.0.0.1:{port}", 2000) as client:
            await client.decide({"a": 1}, b'{"a":1.0}')
    assert asked == [b'{"input":{"a":1.0}}']


async def test_undefined_is_a_refusal() -> None:
    with pytest.raises(UndefinedDecision):
        await ask(answering({}))


@pytest.mark.parametrize("result", [None, True, "allow", {}, {**ALLOW, "effect": "maybe"}, [ALLOW]])
async def test_no_decision_is_a_refusal(result: Any) -> None:
    with pytest.raises(MalformedDecision):
        await ask(answering({"result": result}))


async def test_an_error_of_the_policy_is_not_asked_again_and_says_nothing_of_the_content() -> None:
    asked: list[int] = []

    async def handler(request: Request) -> Response:
        asked.append(1)
        return JSONResponse({"code": "internal_error", "message": 'parsing "4111"'}, 500)

    with pytest.raises(PolicyFailed) as caught:
        await ask(handler)
    assert "4111" not in caught.value.message
    assert len(asked) == 1


@pytest.mark.parametrize("status", [400, 401, 404, 429, 502, 503, 504])
async def test_any_other_status_is_down(status: int) -> None:
    with pytest.raises(EngineDown):
        await ask(answering({"result": ALLOW}, status))


@pytest.mark.parametrize(
    "answer",
    [
        PlainTextResponse("hello"),
        Response(b'{"result": ', media_type="application/json"),
        Response(b"[]", media_type="application/json"),
        Response(b"", media_type="application/json"),
        Response(b'{"result": 1}', media_type="text/html"),
    ],
)
async def test_what_is_not_opas_api_is_down(answer: Response) -> None:
    async def handler(request: Request) -> Response:
        return answer

    with pytest.raises(EngineDown):
        await ask(handler)


async def test_a_redirect_to_itself_ends() -> None:
    async def handler(request: Request) -> Response:
        return RedirectResponse(str(request.url))

    with pytest.raises(EngineFailed):
        await ask(handler)


async def test_the_deadline_is_kept() -> None:
    async def handler(request: Request) -> Response:
        await asyncio.sleep(3)
        return JSONResponse({"result": ALLOW})

    began = time.monotonic()
    with pytest.raises(EngineSlow):
        await ask(handler, deadline_ms=200)
    assert time.monotonic() - began < 2.9 + 1  # the server's own end is waited for, too


async def test_nobody_listening_is_down() -> None:
    async with OpaEngine(f"http://127.0.0.1:{free_port()}", 2000) as client:
        with pytest.raises(EngineDown):
            await client.decide({})
        assert not await client.healthy()


async def test_a_listener_that_never_accepts_is_slow() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        async with OpaEngine(f"http://127.0.0.1:{server.getsockname()[1]}", 300) as client:
            with pytest.raises(EngineSlow):
                await client.decide({})


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    source = policies.FILES["p.rego"] + (
        "\neffect := false if input.identity.subject == to_number(input.number)\n"
        f'effect := "deny" if {{ input.slow; {SLOW} > 0 }}\n'
    )
    files = {"p.rego": source, "data/connections.yaml": "{}"}
    with engine(tmp_path_factory.mktemp("engine"), files, deadline_ms=1500) as process:
        yield process


async def test_the_real_engine_decides(running: EngineProcess) -> None:
    async with OpaEngine(running.url, 5000) as client:
        assert await client.healthy()
        assert (await client.decide({"identity": {"subject": "ada"}})).effect is Effect.ALLOW
        decision = await client.decide({"identity": {"subject": "eve"}})
        assert decision.effect is Effect.DENY
        assert decision.snapshot == running.get("/v1/data/snapshot/digest")[1]["result"]


async def test_an_error_of_a_builtin_is_a_refusal(running: EngineProcess) -> None:
    async with OpaEngine(running.url, 5000) as client:
        with pytest.raises(PolicyFailed):
            await client.decide({"identity": {"subject": "ada"}, "number": "x"})


@pytest.mark.embedded("OPA has no deadline of its own")
async def test_an_overrun_is_a_refusal_and_the_next_one_decides(running: EngineProcess) -> None:
    async with OpaEngine(running.url, 10_000) as client:
        with pytest.raises(EngineDown):
            await client.decide({"identity": {"subject": "ada"}, "slow": True})
        assert (await client.decide({"identity": {"subject": "ada"}})).effect is Effect.ALLOW


async def test_an_engine_that_starts_again_is_found_by_the_same_client(tmp_path: Path) -> None:
    files = {"p.rego": policies.FILES["p.rego"]}
    with engine(tmp_path, files) as first:
        port = int(first.url.rpartition(":")[2])
        async with OpaEngine(first.url, 5000) as client:
            await client.decide({})
            first.process.terminate()
            first.process.wait()
            with pytest.raises(EngineDown):
                await client.decide({})
            with engine(tmp_path, files, port=port):
                assert (await client.decide({})).effect is Effect.DENY


async def test_the_fake_answers_by_its_script() -> None:
    fake = ScriptedEngine(EngineDown("down"), lambda given: UNKNOWN)
    with pytest.raises(EngineDown):
        await fake.decide({"n": 1})
    assert await fake.decide({"n": 2}) is UNKNOWN
    assert await fake.decide({"n": 3}) is UNKNOWN
    assert fake.asked == [{"n": 1}, {"n": 2}, {"n": 3}]
    fake.then(EngineSlow("slow"))
    with pytest.raises(EngineSlow):
        await fake.decide({})


UNKNOWN: Any = object()


async def test_a_burst_comes_in_turn() -> None:
    """Many more at once than the engine answers within its deadline; it never has more than two before it."""
    there, most = 0, 0

    async def handler(request: Request) -> Response:
        nonlocal there, most
        there += 1
        most = max(most, there)
        await asyncio.sleep(0.01)
        there -= 1
        return JSONResponse({"result": ALLOW})

    app = Starlette(routes=[Route("/{path:path}", handler, methods=["POST"])])
    with http(app) as port:
        async with OpaEngine(f"http://127.0.0.1:{port}", 5000, at_once=2, turn_s=30) as client:
            decided = await asyncio.gather(*(client.decide({"x": number}) for number in range(40)))
    assert [decision.effect for decision in decided] == [Effect.ALLOW] * 40
    assert most == 2


async def test_whose_turn_does_not_come_is_told() -> None:
    free = asyncio.Event()

    async def handler(request: Request) -> Response:
        while not free.is_set():
            await asyncio.sleep(0.01)
        return JSONResponse({"result": ALLOW})

    app = Starlette(routes=[Route("/{path:path}", handler, methods=["POST"])])
    with http(app) as port:
        async with OpaEngine(f"http://127.0.0.1:{port}", 10_000, at_once=1, turn_s=0.05) as client:
            first = asyncio.ensure_future(client.decide({"x": 1}))
            await asyncio.sleep(0)
            with pytest.raises(EngineBusy):
                await client.decide({"x": 2})
            free.set()
            assert (await first).effect is Effect.ALLOW
            assert (await client.decide({"x": 3})).effect is Effect.ALLOW
