"""The handler: it returns after Envoy or aborts, with a neutral text."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from envoy.service.ext_proc.v3 import external_processor_pb2 as pb

from approvals.client import ScriptedHolds
from audit.write import MemoryRecorder
from extproc.hold import Errands
from extproc.service import Service
from extproc.stream import Limits
from runtime.clock import FixedClock
from tests.kit.masks import PlainRules
from usage import Uncounted


class Aborted(Exception):
    pass


class Context:
    def __init__(self) -> None:
        self.aborted: tuple[Any, str] | None = None
        self.told: list[Any] = []

    async def write(self, message: Any) -> None:
        self.told.append(message)

    async def abort(self, code: Any, details: str) -> None:
        self.aborted = (code, details)
        raise Aborted


async def saying(*messages: Any, then: asyncio.Event | None = None) -> AsyncIterator[Any]:
    for message in messages:
        yield message
    if then:
        await then.wait()


async def process(requests: AsyncIterator[Any], context: Context) -> None:
    async with Errands(MemoryRecorder(), ScriptedHolds(), Uncounted()) as errands:
        await Service(PlainRules(), Limits(), errands, FixedClock()).Process(requests, context)


async def test_it_returns_when_envoy_has_ended() -> None:
    await process(saying(), Context())


async def test_it_stays_while_envoy_stays() -> None:
    ended = asyncio.Event()
    context = Context()
    task = asyncio.ensure_future(process(saying(pb.ProcessingRequest(request_headers={}), then=ended), context))
    await asyncio.sleep(0.05)
    assert [message.immediate_response.status.code for message in context.told] == [503]
    assert not task.done()
    ended.set()
    await task


async def test_nonsense_aborts_neutrally() -> None:
    context = Context()
    with pytest.raises(Aborted):
        await process(saying(pb.ProcessingRequest(), then=asyncio.Event()), context)
    assert context.aborted == (grpc.StatusCode.INTERNAL, "closed")


async def test_a_bug_of_ours_aborts_neutrally(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def bug(self: Any, event: Any, now_us: int) -> None:
        raise ZeroDivisionError("4111 1111 1111 1111")

    monkeypatch.setattr("extproc.stream.Stream.handle", bug)
    context = Context()
    with pytest.raises(Aborted):
        await process(saying(pb.ProcessingRequest(request_headers={}), then=asyncio.Event()), context)
    assert context.aborted == (grpc.StatusCode.INTERNAL, "closed")
    assert "4111" not in caplog.text


async def test_a_cancelled_call_stays_cancelled() -> None:
    task = asyncio.ensure_future(process(saying(then=asyncio.Event()), Context()))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
