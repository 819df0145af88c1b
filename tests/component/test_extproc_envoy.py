"""extproc behind the real Envoy: what a caller sees, what the upstream gets, what is recorded."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from approvals.client import Outcome
from approvals.facts import State
from approvals.view import View
from audit.write import SpoolFull
from snapshot.connections import parse_connections
from snapshot.decision import ApprovalTerms, Effect
from tests.kit import envoy, extproc, serving
from tests.kit.masks import PlainRules

pytestmark = pytest.mark.envoy
TERMS = ApprovalTerms(any=("ledger-approvers",), expires_s=540)
HELD = {"effect": Effect.HOLD, "approval": TERMS, "rule": "ledger_write", "message": "A write."}


@dataclass
class Gateway:
    client: httpx.AsyncClient
    envoy: envoy.RunningEnvoy
    parts: extproc.Parts
    received: list[bytes]

    async def ended(self) -> Any:
        """The data of `exchange.end`, when it is there: it is recorded after the answer has gone."""
        for _ in range(500):
            if "exchange.end" in self.parts.recorder.types():
                return self.parts.last("exchange.end")
            await asyncio.sleep(0.01)
        raise AssertionError(self.parts.recorder.types())


@contextlib.asynccontextmanager
async def gateway(
    answer: Callable[[Request], Response], parts: extproc.Parts | None = None, *, upstream: int = 0, **verdict: Any
) -> AsyncIterator[Gateway]:
    """`upstream`: the port of another one than `answer`."""
    received: list[bytes] = []

    async def endpoint(request: Request) -> Response:
        received.append(await request.body())
        return answer(request)

    app = Starlette(routes=[Route("/{rest:path}", endpoint, methods=["GET", "POST", "HEAD"])])
    with envoy.short_folder() as folder, serving.http(app) as port:
        settings = envoy.settings_in(folder)
        port = upstream or port
        known = parse_connections(
            f"anthropic: {{kind: anthropic, upstream: 'http://127.0.0.1:{port}'}}\n"
            f"openai: {{kind: openai, upstream: 'http://127.0.0.1:{port}'}}\n"
            f"plain: {{kind: http, upstream: 'http://127.0.0.1:{port}', uninspectable: {{pass: [image/*]}}}}\n",
            "connections.yaml",
        )
        parts = parts or extproc.Parts()
        if isinstance(parts.rules, PlainRules):
            parts.rules.known = known
        async with (
            extproc.running(settings.socket("extproc"), parts),
            extproc.authz(settings.socket("authz"), **{"exchange": "e-1", **verdict}),
        ):
            with envoy.running(settings, known) as running:
                async with httpx.AsyncClient(base_url=running.url, timeout=20) as client:
                    yield Gateway(client, running, parts, received)
                assert running.stat("http.ingress.ext_proc.server_half_closed") == 0
                assert running.stat("http.ingress.ext_proc.spurious_msgs_received") == 0


def json(request: Request) -> Response:
    return Response(b'{"a":"SECRET"}', media_type="application/json", headers={"etag": "W/1", "x-note": "a SECRET"})


async def test_an_answer_is_masked_recorded_and_marked() -> None:
    async with gateway(json) as gate:
        answer = await gate.client.post("/anthropic/v1/messages", json={"q": "SECRET"})
        assert (answer.status_code, answer.text) == (200, '{"a":"[MASKED]"}')
        assert answer.headers["x-exeat-decision"] == "e-1"
        assert answer.headers["x-note"] == "a [MASKED]"
        assert "etag" not in answer.headers
        assert "x-exeat-inspected" not in answer.headers
        assert gate.received == [b'{"q":"SECRET"}']
        end = await gate.ended()
        assert (end["status"], end["outcome"], end["request_bytes"], end["response_bytes"]) == (200, "answered", 14, 16)
        assert gate.parts.content("request") == b'{"q":"[MASKED]"}'
        assert gate.parts.content("response") == answer.content


async def test_a_stream_flows_event_by_event_and_a_split_secret_stays_inside() -> None:
    gate_open = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stream(request: Request) -> Response:
        async def events() -> AsyncIterator[bytes]:
            yield b"data: one\n\ndata: SEC"
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(gate_open.wait(), loop))
            yield b"RET\n\n"

        return StreamingResponse(events(), media_type="text/event-stream")

    async with gateway(stream) as gate:
        async with gate.client.stream("POST", "/anthropic/v1/messages", json={}) as answer:
            parts = answer.aiter_raw()
            assert await anext(parts) == b"data: one\n\ndata: "
            gate_open.set()
            rest = b"".join([part async for part in parts])
        assert rest == b"[MASKED]\n\n"
        assert (await gate.ended())["outcome"] == "answered"


async def test_a_hold_waits_until_it_is_granted() -> None:
    async with gateway(json, **HELD) as gate:
        call = asyncio.ensure_future(gate.client.post("/plain/transfer", json={"q": "SECRET"}))
        for _ in range(300):
            if gate.parts.holds.asks:
                break
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        assert not call.done()
        assert not gate.received
        ask = gate.parts.holds.asks[0]
        assert View.read(ask.shown).content == '{"q":"[MASKED]"}'
        gate.parts.holds.answer("approval-1", Outcome(State.GRANTED))
        answer = await call
        assert (answer.status_code, len(gate.received)) == (200, 1)
        assert gate.parts.holds.consumed == ["approval-1"]
        assert gate.envoy.stat("http.ingress.ext_proc.override_message_timeout_received") == 1
        assert gate.envoy.stat("http.ingress.ext_proc.override_message_timeout_ignored") == 0


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_refused_hold_is_403_with_the_decision(method: str) -> None:
    parts = extproc.Parts()
    parts.holds.outcomes = [Outcome(State.REFUSED, "alice", "Not on a Friday.")]
    async with gateway(json, parts, **HELD) as gate:
        answer = await gate.client.request(method, "/anthropic/v1/messages")
        assert answer.status_code == 403
        assert answer.json()["error"]["message"] == "Not on a Friday. (Exeat decision e-1)"
        assert answer.headers["x-should-retry"] == "false"
        assert answer.headers["x-exeat-decision"] == "e-1"
        assert not gate.received
        assert (await gate.ended())["code"] == "approval_refused"


async def test_a_caller_who_leaves_withdraws() -> None:
    async with gateway(json, **HELD) as gate:
        call = asyncio.ensure_future(gate.client.post("/plain/transfer", json={}))
        while not gate.parts.holds.asks:
            await asyncio.sleep(0.01)
        call.cancel()
        end = await gate.ended()
        assert (end["outcome"], end["code"]) == ("client_gone", "while_holding")
        assert gate.parts.holds.withdrawn == ["approval-1"]
        assert not gate.received


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Response(b"SECRET", status_code=206, media_type="text/plain"), "partial_content"),
        (Response(b"SECRET", media_type="application/octet-stream"), "uninspectable_response"),
        (Response(b"SECRET", media_type="text/plain", headers={"content-encoding": "gzip"}), "uninspectable_response"),
        (Response(b"BINARY SECRET", media_type="text/plain"), "uninspectable"),
    ],
)
async def test_what_cannot_be_inspected_is_502_in_the_callers_shape(answer: Response, code: str) -> None:
    async with gateway(lambda _: answer) as gate:
        got = await gate.client.get("/openai/v1/models")
        assert (got.status_code, got.json()["error"]["code"]) == (502, code), got.text
        assert b"SECRET" not in got.content
        assert (await gate.ended())["outcome"] == "refused"


async def test_a_type_that_the_connection_passes_goes_and_only_its_hash_is_kept() -> None:
    async with gateway(lambda _: Response(b"\x89PNG", media_type="image/png")) as gate:
        assert (await gate.client.get("/plain/logo.png")).content == b"\x89PNG"
        await gate.ended()
        assert gate.parts.content("response") == b""
        assert gate.parts.last("frame.recorded")["bytes"] == 4


@pytest.mark.parametrize("status", [204, 304])
async def test_answers_without_a_body(status: int) -> None:
    async with gateway(lambda _: Response(status_code=status)) as gate:
        assert (await gate.client.get("/plain/x")).status_code == status
        assert (await gate.client.head("/plain/x")).status_code == status
        assert (await gate.ended())["outcome"] == "answered"


async def test_head_and_empty_bodies() -> None:
    async with gateway(lambda _: Response(b"", media_type="application/json")) as gate:
        answer = await gate.client.get("/plain/x")
        assert (answer.status_code, answer.content) == (200, b"")
        answer = await gate.client.head("/plain/x")
        assert (answer.status_code, answer.headers["x-exeat-decision"]) == (200, "e-1")


async def test_several_cookies_stay_several() -> None:
    def cookies(request: Request) -> Response:
        answer = Response(b"{}", media_type="application/json")
        answer.headers.append("set-cookie", "a=SECRET")
        answer.headers.append("set-cookie", "b=2")
        return answer

    async with gateway(cookies) as gate:
        answer = await gate.client.get("/plain/x")
        assert answer.headers.get_list("set-cookie") == ["a=[MASKED]", "b=2"]


async def test_a_recorder_that_fails_closes_with_503_before_anything_goes() -> None:
    parts = extproc.Parts()
    parts.recorder.fail = SpoolFull("full")
    async with gateway(json, parts) as gate:
        answer = await gate.client.post("/anthropic/v1/messages", json={})
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "spool_full")
        assert not gate.received


async def test_a_recorder_that_fails_in_mid_stream_ends_it_with_an_event() -> None:
    gate_open = asyncio.Event()
    loop = asyncio.get_running_loop()
    parts = extproc.Parts()

    def stream(request: Request) -> Response:
        async def events() -> AsyncIterator[bytes]:
            yield b"data: one\n\n"
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(gate_open.wait(), loop))
            for _ in range(100):
                yield b"data: SECRET\n\n"
                await asyncio.sleep(0.01)

        return StreamingResponse(events(), media_type="text/event-stream")

    async with gateway(stream, parts) as gate:
        async with gate.client.stream("POST", "/anthropic/v1/messages", json={}) as answer:
            chunks = answer.aiter_raw()
            assert await anext(chunks) == b"data: one\n\n"
            parts.recorder.fail = SpoolFull("full")
            gate_open.set()
            rest = b"".join([part async for part in chunks])
        assert rest.startswith(b"event: error\ndata: ")
        assert b"SECRET" not in rest
        assert b"MASKED" not in rest


async def test_a_recorder_that_fails_in_a_document_resets_it() -> None:
    gate_open = asyncio.Event()
    loop = asyncio.get_running_loop()
    parts = extproc.Parts()

    def slow(request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            yield b'{"a":1,'
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(gate_open.wait(), loop))
            yield b'"b":"SECRET"}'

        return StreamingResponse(pieces(), media_type="application/json")

    async with gateway(slow, parts) as gate, gate.client.stream("POST", "/plain/x", json={}) as answer:
        chunks = answer.aiter_raw()
        assert await anext(chunks) == b'{"a":1,'
        parts.recorder.fail = SpoolFull("full")
        gate_open.set()
        with pytest.raises(httpx.RemoteProtocolError):
            await anext(chunks)


async def test_a_large_body_goes_through_whole() -> None:
    data = b'"' + b"x" * (8 << 20) + b'"'
    async with gateway(lambda _: Response(data, media_type="application/json")) as gate:
        answer = await gate.client.post("/plain/x", content=data, headers={"content-type": "application/json"})
        assert answer.content == data
        assert gate.received == [data]
        await gate.ended()
        assert gate.parts.content("response") == data


async def test_trailers_of_a_request_do_not_slip_by() -> None:
    async with gateway(json) as gate:
        host, _, port = gate.envoy.url.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        head = b"POST /plain/x HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ntrailer: x-t\r\n\r\n"
        writer.write(head + b"2\r\n{}\r\n0\r\nx-t: SECRET\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 400 ")
        writer.close()
        assert not gate.received
        assert (await gate.ended())["code"] == "request_trailers"


async def test_trailers_of_an_answer_are_masked_and_the_tail_goes_before_them() -> None:
    async def upstream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n")
        writer.write(b"5\r\na SEC\r\n0\r\nx-sum: SECRET\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(upstream, "127.0.0.1", 0)
    async with gateway(json, upstream=server.sockets[0].getsockname()[1]) as gate:
        host, _, port = gate.envoy.url.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /plain/x HTTP/1.1\r\nhost: x\r\nte: trailers\r\nconnection: close\r\n\r\n")
        answer = await reader.read()
        assert answer.endswith(b"5\r\na SEC\r\n0\r\nx-sum: [MASKED]\r\n\r\n") or b"x-sum: [MASKED]\r\n" in answer
        assert b"SECRET" not in answer
        writer.close()
        assert (await gate.ended())["outcome"] == "answered"
    server.close()


async def test_an_upstream_that_is_down_is_told_from_one_that_answers() -> None:
    async with gateway(json, upstream=serving.free_port()) as gate:
        answer = await gate.client.post("/openai/v1/responses", json={})
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "upstream_unavailable"), answer.text
        assert answer.headers["x-exeat-decision"] == "e-1"
        assert (await gate.ended())["outcome"] == "local_reply"


async def test_what_authz_refuses_passes_masked_and_is_nobodys_exchange() -> None:
    async with gateway(json, deny=b'{"no": "SECRET"}') as gate:
        answer = await gate.client.post("/anthropic/v1/messages", json={})
        assert (answer.status_code, answer.text) == (403, '{"no": "[MASKED]"}')
        assert not [name for name in answer.headers if name.startswith("x-exeat")]
        assert not gate.parts.recorder.drafts
