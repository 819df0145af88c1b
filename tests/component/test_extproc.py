"""extproc over real gRPC, the test in Envoy's place: how a stream ends, and that nothing of the content gets out."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import pytest
from envoy.service.ext_proc.v3 import external_processor_pb2 as pb
from envoy.service.ext_proc.v3 import external_processor_pb2_grpc as pb_grpc

from approvals.client import Outcome
from approvals.errors import ApprovalsDown
from approvals.facts import State
from audit.write import SpoolFull
from extproc import events as ev
from extproc.wire import NAMESPACE
from runtime import log
from snapshot.verdict import Verdict
from tests.kit import envoy, extproc
from tests.kit.masks import PlainRules
from tests.kit.playbook import BODY, held, verdict

PLANTED = "SECRET"


class Envoy:
    """One gRPC stream, from Envoy's side."""

    def __init__(self, call: Any) -> None:
        self.call = call

    async def send(self, kind: str, *, known: Verdict | None = None, **fields: Any) -> None:
        message = pb.ProcessingRequest()
        target = getattr(message, kind)
        target.SetInParent()
        headers = fields.pop("headers", {})
        for name, value in headers.items():
            item = (target.trailers if kind.endswith("trailers") else target.headers).headers.add()
            item.key, item.raw_value = name, value.encode()
        for name, value in fields.items():
            setattr(target, name, value)
        if known:
            message.metadata_context.filter_metadata[NAMESPACE].update(known.to_metadata())
        await self.call.write(message)

    async def read(self) -> tuple[str, Any]:
        message = await asyncio.wait_for(self.call.read(), 5)  # which cancels the call if it is too late
        if message is grpc.aio.EOF:
            return "end", None
        kind = message.WhichOneof("response") or "override_message_timeout"
        return kind, getattr(message, kind)

    async def request(self, known: Verdict, body: bytes = BODY) -> None:
        headers = {":method": "POST", ":path": "/anthropic/v1/messages", "content-type": "application/json"}
        await self.send("request_headers", known=known, headers=headers)
        assert (await self.read())[0] == "request_headers"
        await self.send("request_body", body=body, end_of_stream=True)

    async def forwarded(self, **fields: Any) -> None:
        await self.request(verdict(**fields))
        assert (await self.read())[0] == "request_body"

    async def answer(self, media: str = "application/json") -> None:
        await self.send("response_headers", headers={":status": "200", "content-type": media})

    async def chunk(self, data: bytes, end: bool = False) -> None:
        await self.send("response_body", body=data, end_of_stream=end)

    async def status(self) -> grpc.StatusCode:
        return await asyncio.wait_for(self.call.code(), 5)


@contextlib.asynccontextmanager
async def stream(parts: extproc.Parts) -> AsyncIterator[Envoy]:
    with envoy.short_folder() as folder:
        socket = folder / "run" / "extproc.sock"
        async with extproc.running(socket, parts), grpc.aio.insecure_channel(f"unix:{socket}") as channel:
            call = pb_grpc.ExternalProcessorStub(channel).Process()
            yield Envoy(call)
            call.cancel()


async def until(check: Callable[[], bool]) -> None:
    for _ in range(500):
        if check():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not happen")


async def test_it_does_not_end_the_stream_before_envoy_does() -> None:
    parts = extproc.Parts()
    async with stream(parts) as peer:
        await peer.forwarded()
        await peer.answer()
        await peer.chunk(b"{}", end=True)
        assert [(await peer.read())[0], (await peer.read())[0]] == ["response_headers", "response_body"]
        await until(lambda: "exchange.end" in parts.recorder.types())
        await asyncio.sleep(0.2)
        assert not peer.call.done()
        await peer.call.done_writing()
        assert await peer.status() is grpc.StatusCode.OK


@pytest.mark.parametrize("at", ["start", "hold", "answer"])
async def test_after_a_refusal_it_waits_for_envoy_as_well(at: str) -> None:
    parts = extproc.Parts()
    parts.holds.outcomes = [Outcome(State.REFUSED)]
    async with stream(parts) as peer:
        if at == "start":
            await peer.send("request_headers", headers={":path": "/anthropic/x"})
        elif at == "hold":
            await peer.request(held())
            assert (await peer.read())[0] == "override_message_timeout"
        else:
            await peer.forwarded()
            await peer.answer("image/png")
            await peer.chunk(b"x")
        kind, refused = await peer.read()
        assert kind == "immediate_response"
        assert refused.status.code == {"start": 503, "hold": 403, "answer": 502}[at]
        assert refused.details.startswith("exeat_")
        await asyncio.sleep(0.2)
        assert not peer.call.done()
        await peer.call.done_writing()
        assert await peer.status() is grpc.StatusCode.OK


async def test_a_stream_that_envoy_half_closes_early_is_over() -> None:
    parts = extproc.Parts()
    async with stream(parts) as peer:
        await peer.forwarded()
        await peer.call.done_writing()
        assert await peer.status() is grpc.StatusCode.OK
    assert parts.last("exchange.end")["outcome"] == "client_gone"


async def test_nonsense_is_an_error_status_with_a_neutral_text() -> None:
    parts = extproc.Parts()
    async with stream(parts) as peer:
        await peer.forwarded()
        await peer.call.write(pb.ProcessingRequest())
        assert await peer.status() is grpc.StatusCode.INTERNAL
        assert await peer.call.details() == "closed"
        await until(lambda: "exchange.end" in parts.recorder.types())
    assert parts.last("exchange.end")["code"] == "unknown_message"


async def test_it_reads_while_it_holds() -> None:
    """Envoy's own timeout reply must find somebody who listens."""
    parts = extproc.Parts()
    async with stream(parts) as peer:
        await peer.request(held())
        assert (await peer.read())[0] == "override_message_timeout"
        await until(lambda: bool(parts.holds.asks))
        await peer.send("response_headers", headers={":status": "504"}, end_of_stream=True)
        assert (await peer.read())[0] == "response_headers"
        await until(lambda: parts.holds.withdrawn == ["approval-1"])
    assert parts.last("exchange.end")["outcome"] == "local_reply"


async def test_a_caller_who_leaves_while_the_question_is_on_its_way() -> None:
    parts, gate = extproc.Parts(), asyncio.Event()
    ask = parts.holds.request

    async def slow(asked: Any) -> Any:
        await gate.wait()
        return await ask(asked)

    parts.holds.request = slow  # type: ignore[method-assign]
    async with stream(parts) as peer:
        await peer.request(held())
        assert (await peer.read())[0] == "override_message_timeout"
        peer.call.cancel()
        await until(lambda: "exchange.end" in parts.recorder.types())
        gate.set()
        await until(lambda: parts.holds.withdrawn == ["approval-1"])


async def test_a_caller_who_leaves_in_the_middle_of_a_write_is_still_recorded() -> None:
    parts = extproc.Parts()
    async with stream(parts) as peer:
        await peer.forwarded()
        await peer.answer()
        for _ in range(64):
            await peer.chunk(b"x" * 65536)
        await until(lambda: len(parts.content("response")) > 0)
        peer.call.cancel()
        await until(lambda: "exchange.end" in parts.recorder.types())
    assert parts.last("exchange.end")["outcome"] == "client_gone"


async def test_a_reader_who_is_slow_makes_us_slow_not_large() -> None:
    parts = extproc.Parts()
    async with stream(parts) as peer:
        await peer.forwarded()
        await peer.answer()
        sent = 0

        async def flood() -> None:
            nonlocal sent
            for _ in range(1000):
                await peer.chunk(b"x" * 65536)
                sent += 65536

        task = asyncio.ensure_future(flood())
        settled = -1
        while settled != sent:  # on a busy machine it takes its time to come to a stop
            settled = sent
            await asyncio.sleep(0.5)
        assert 0 < sent < 32 << 20
        task.cancel()


# Nothing of the content gets out, whichever part fails


class Failing(RuntimeError):
    def __init__(self) -> None:
        super().__init__(f"cannot handle {PLANTED}")


async def _fail_mask_request(peer: Envoy, parts: extproc.Parts) -> None:
    parts.rules.fail = Failing()  # type: ignore[attr-defined]
    await peer.request(verdict(PLANTED.encode()), PLANTED.encode())
    await peer.read()


async def _fail_mask_answer(peer: Envoy, parts: extproc.Parts) -> None:
    await peer.forwarded()
    parts.rules.fail = Failing()  # type: ignore[attr-defined]
    await peer.answer()
    await peer.chunk(PLANTED.encode())
    assert (await peer.read())[0] == "immediate_response"


async def _fail_mask_in_mid_stream(peer: Envoy, parts: extproc.Parts) -> None:
    await peer.forwarded()
    await peer.answer()
    await peer.chunk(b"[1,")
    assert [(await peer.read())[0], (await peer.read())[0]] == ["response_headers", "response_body"]
    await peer.chunk(b"BINARY" + PLANTED.encode())
    assert (await peer.read())[0] == "immediate_response"


async def _fail_record(peer: Envoy, parts: extproc.Parts) -> None:
    await peer.forwarded()
    await peer.answer()
    parts.recorder.fail = Failing()
    await peer.chunk(PLANTED.encode())
    kind, answer = await peer.read()
    assert (kind, answer.status.code) == ("immediate_response", 503)


async def _fail_rules(peer: Envoy, parts: extproc.Parts) -> None:
    parts.rules.down = Failing()  # type: ignore[attr-defined]
    await peer.send("request_headers", known=verdict(), headers={":path": f"/anthropic/{PLANTED}"})
    assert (await peer.read())[0] == "immediate_response"


async def _fail_ask(peer: Envoy, parts: extproc.Parts) -> None:
    async def broken(ask: Any) -> Any:
        raise Failing

    parts.holds.request = broken  # type: ignore[method-assign]
    await peer.request(held(PLANTED.encode()), PLANTED.encode())
    assert (await peer.read())[0] == "override_message_timeout"
    kind, answer = await peer.read()
    assert (kind, answer.status.code) == ("immediate_response", 503)


async def _fail_wire(peer: Envoy, parts: extproc.Parts) -> None:
    await peer.forwarded()
    message = pb.ProcessingRequest()
    message.attributes[PLANTED].update({"a": PLANTED})
    await peer.call.write(message)


async def _fail_state_machine(peer: Envoy, parts: extproc.Parts) -> None:
    await peer.forwarded()
    await peer.send("request_body", body=PLANTED.encode())
    assert (await peer.read())[0] == "immediate_response"


@pytest.mark.parametrize(
    "fail",
    [
        _fail_mask_request,
        _fail_mask_answer,
        _fail_mask_in_mid_stream,
        _fail_record,
        _fail_rules,
        _fail_ask,
        _fail_wire,
        _fail_state_machine,
    ],
)
async def test_no_content_in_logs_events_frames_or_statuses(
    fail: Callable[[Envoy, extproc.Parts], Any], caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    lines: list[str] = []
    handler = logging.StreamHandler()
    handler.emit = lambda record: lines.append(log.JsonLines().format(record))  # type: ignore[method-assign]
    logging.getLogger().addHandler(handler)
    parts = extproc.Parts(rules=PlainRules())
    try:
        async with stream(parts) as peer:
            await fail(peer, parts)
            parts.recorder.fail = None
            await peer.call.done_writing()
            await peer.status()
            details = await peer.call.details() or ""
    finally:
        logging.getLogger().removeHandler(handler)
    captured = capfd.readouterr()
    said = "".join(record.getMessage() + str(record.__dict__) for record in caplog.records if record.name != "asyncio")
    for text in (captured.out, captured.err, said, "".join(lines), details, repr(parts.recorder.drafts)):
        assert PLANTED not in text


async def test_approvals_that_are_down_are_503() -> None:
    parts = extproc.Parts()
    parts.holds.fail = ApprovalsDown("down")
    async with stream(parts) as peer:
        await peer.request(held())
        assert (await peer.read())[0] == "override_message_timeout"
        kind, answer = await peer.read()
        assert (kind, answer.status.code, answer.details) == ("immediate_response", 503, "exeat_approvals_down")


async def test_a_lost_end_is_not_the_end_of_the_service() -> None:
    parts = extproc.Parts()
    async with stream(parts) as peer:
        await peer.forwarded()
        parts.recorder.fail = SpoolFull("full")
        await peer.call.done_writing()
        assert await peer.status() is grpc.StatusCode.OK


def test_events_show_no_content() -> None:
    for event in (ev.RequestBody(b"SECRET", True), ev.ResponseHeaders((("a", b"SECRET"),), False)):
        assert "SECRET" not in repr(event)
