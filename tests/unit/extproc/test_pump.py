"""The shell around one stream: order, time, leaving."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from envoy.service.ext_proc.v3 import external_processor_pb2 as pb

from approvals.client import ScriptedHolds
from audit.write import MemoryRecorder
from extproc import events as ev
from extproc.hold import Errands
from extproc.pump import Pump
from extproc.stream import LARGE, Stream
from extproc.wire import NAMESPACE
from runtime.clock import FixedClock
from snapshot.verdict import Verdict
from tests.kit.masks import PlainRules, PlainStream
from tests.kit.playbook import held, verdict
from usage import Uncounted


class Desk:
    """Envoy's side as two lists: what it will say, what it was told."""

    def __init__(self) -> None:
        self.said: asyncio.Queue[Any] = asyncio.Queue()
        self.told: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.broken = False
        self.recorder, self.holds = MemoryRecorder(), ScriptedHolds()
        self.stream = Stream(PlainRules())

    async def requests(self) -> AsyncIterator[Any]:
        while (message := await self.said.get()) is not None:
            yield message

    async def write(self, message: Any) -> None:
        await self.gate.wait()
        if self.broken:
            raise RuntimeError("the stream is closed")
        self.told.append(message.WhichOneof("response") or "timeout")

    def headers(self, known: Verdict) -> None:
        message = pb.ProcessingRequest()
        message.request_headers.end_of_stream = True
        message.metadata_context.filter_metadata[NAMESPACE].update(known.to_metadata())
        self.said.put_nowait(message)

    def answer(self, *chunks: bytes) -> None:
        message = pb.ProcessingRequest()
        for name, value in ((":status", b"200"), ("content-type", b"text/plain")):
            item = message.response_headers.headers.headers.add()
            item.key, item.raw_value = name, value
        self.said.put_nowait(message)
        for data in chunks:
            self.said.put_nowait(pb.ProcessingRequest(response_body=pb.HttpBody(body=data)))

    @contextlib.asynccontextmanager
    async def pump(self) -> AsyncIterator[tuple[Pump, "asyncio.Task[str]"]]:
        async with Errands(self.recorder, self.holds, Uncounted()) as errands:
            pump = Pump(self.stream, errands, FixedClock(), self.write)
            task = asyncio.ensure_future(pump.serve(self.requests()))
            yield pump, task
            task.cancel()
            code = ""
            with contextlib.suppress(asyncio.CancelledError):
                code = await task
            pump.leave(ev.Broken(code) if code else ev.Gone())  # as the service does


async def until(check: Callable[[], bool]) -> None:
    for _ in range(1000):
        if check():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not happen")


async def turns(number: int = 50) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def test_it_ends_when_envoy_has_ended_and_the_end_is_noted() -> None:
    desk = Desk()
    async with desk.pump() as (_, task):
        desk.headers(verdict(b""))
        desk.answer(b"x")
        await turns()
        assert desk.told == ["request_headers", "response_headers", "response_body"]
        assert not task.done()
        desk.said.put_nowait(None)
        await turns()
        assert task.result() == ""
    assert desk.recorder.types() == ["frame.recorded", "exchange.end"]


async def test_what_was_to_be_done_is_done_though_the_caller_left_in_the_middle() -> None:
    desk = Desk()
    desk.gate.clear()
    async with desk.pump() as (_, task):
        desk.headers(verdict(b""))  # the pass waits in the write, behind it stands nothing yet
        await turns()
        desk.answer(b"x")
        await turns()
        task.cancel()
    assert desk.told == []
    assert desk.recorder.types() == ["exchange.end"]
    assert desk.stream.done


async def test_a_write_that_fails_is_an_error_and_the_end_is_noted() -> None:
    desk = Desk()
    desk.broken = True
    async with desk.pump() as (_, task):
        desk.headers(verdict(b""))
        await turns()
        assert task.result() == "write_failed"
    assert desk.recorder.drafts[-1].data["code"] == "write_failed"


async def test_a_reader_that_fails_is_an_error_and_no_end() -> None:
    desk = Desk()
    async with desk.pump() as (_, task):
        desk.headers(verdict(b""))
        desk.said.put_nowait(object())  # what is no message at all
        await turns()
        assert task.result() == "stream_broke"
    assert desk.recorder.drafts[-1].data["code"] == "stream_broke"


async def test_leaving_a_hold_withdraws_and_waits_for_nobody() -> None:
    desk = Desk()
    async with desk.pump():
        desk.headers(held(b""))
        await turns()
        assert desk.told == ["timeout"]
    assert desk.holds.withdrawn == ["approval-1"]


async def test_a_timer_that_was_set_again_does_not_ring_for_the_old_time() -> None:
    desk = Desk()
    async with desk.pump() as (pump, _):
        desk.headers(verdict(b""))
        await turns()
        pump.post(ev.Deadline("silence"), 99)
        await turns()
        assert not desk.stream.over
        pump.post(ev.Deadline("silence"), 1)
        await turns()
        assert desk.told == ["request_headers", "immediate_response"]


async def test_nothing_more_is_read_while_nobody_takes_the_answer() -> None:
    desk = Desk()
    async with desk.pump():
        desk.headers(verdict(b""))
        await turns()
        desk.gate.clear()
        desk.answer(*[b"x" * 65536] * 100)
        await turns(400)
        assert desk.said.qsize() > 50
        desk.gate.set()
        await until(lambda: desk.said.qsize() == 0)


async def test_a_large_body_is_masked_beside_the_loop() -> None:
    desk, threads = Desk(), []
    feed = PlainStream.feed

    def noting(self: PlainStream, data: bytes) -> bytes:
        threads.append((len(data), threading.current_thread() is threading.main_thread()))
        return feed(self, data)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PlainStream, "feed", noting)
        async with desk.pump():
            desk.headers(verdict(b""))
            desk.answer(b"x" * LARGE, b"x" * (LARGE + 1), b"y")
            await until(lambda: len(threads) == 3)
    assert threads == [(LARGE, True), (LARGE + 1, False), (1, True)]


async def test_rules_that_are_new_are_compiled_beside_the_loop() -> None:
    threads: list[bool] = []

    class Compiling(PlainRules):
        def cold(self, verdict: Verdict) -> bool:
            return not threads

        def prepare(self, verdict: Verdict) -> None:
            threads.append(threading.current_thread() is threading.main_thread())

    for beside in (False, True):
        desk, count = Desk(), len(threads)
        desk.stream = Stream(Compiling())
        async with desk.pump():
            desk.headers(verdict(b""))
            await until(lambda count=count: len(threads) > count)
        assert threads[-1] is beside


async def test_a_caller_who_leaves_meanwhile_waits_for_it() -> None:
    desk, gate = Desk(), threading.Event()
    feed = PlainStream.feed

    def slow(self: PlainStream, data: bytes) -> bytes:
        gate.wait(5)
        return feed(self, data)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PlainStream, "feed", slow)
        async with desk.pump() as (pump, task):
            desk.headers(verdict(b""))
            desk.answer(b"x" * (LARGE + 1))
            await until(lambda: pump._working is not None)
            task.cancel()
            await turns()
            assert not desk.stream.over
            gate.set()
    assert desk.recorder.drafts[-1].data["outcome"] == "client_gone"


async def test_nonsense_is_a_code_for_the_abort() -> None:
    desk = Desk()
    async with desk.pump() as (_, task):
        desk.said.put_nowait(pb.ProcessingRequest())
        await turns()
        assert task.result() == "unknown_message"
