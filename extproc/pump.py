"""Drives one Stream: takes events one by one, performs the commands, keeps its timers. Shell.

While the caller is there, the gRPC handler runs `serve`. When the caller has gone, or the exchange was aborted,
`linger` goes on as an errand until the last facts are recorded. A slow reader of the answer makes `write` wait, and
then nothing more is read from Envoy: memory per stream is bounded by a few messages and the flow's high water.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from approvals.client import Held
from approvals.revocations import Revocation
from extproc import commands as cmd
from extproc import events as ev
from extproc import wire
from extproc.hold import Errands, logger, reported
from extproc.revoked import traits
from extproc.stream import Stream
from runtime.clock import Clock, Steady

INBOX = 4  # messages of Envoy's (64 KiB each, usually) that may wait to be handled
Write = Callable[[Any], Awaitable[None]]


class Pump:
    def __init__(self, stream: Stream, errands: Errands, clock: Clock, write: Write) -> None:
        self._stream, self._errands, self._time = stream, errands, Steady(clock)
        self._write: Write | None = write
        self._inbox: deque[tuple[ev.Event, int]] = deque()  # with the serial of the timer that rang, else 0
        self._todo: deque[cmd.Command] = deque()  # survives a caller who leaves between two commands
        self._working: asyncio.Future[list[cmd.Command]] | None = None  # a large event is handled beside the loop
        self._came, self._moved = asyncio.Event(), asyncio.Event()
        self._timers: dict[str, tuple[int, asyncio.TimerHandle]] = {}
        self._serial = 0
        self._held: dict[str, Held] = {}  # by approval
        self._waiting: list[asyncio.Task[None]] = []
        self._envoy_left = False
        self._abort = ""

    def post(self, event: ev.Event, serial: int = 0) -> None:
        self._inbox.append((event, serial))
        self._came.set()

    def revoked(self, revocation: Revocation) -> None:
        """Ends the exchange if it is one that this hits."""
        verdict = self._stream.exchange.verdict
        if verdict is not None and revocation.hits(traits(verdict)):
            self.post(ev.Revoked(revocation.id))

    async def serve(self, requests: AsyncIterator[Any]) -> str:
        """Until Envoy ended its side and the stream is done: "". Until the stream wants a reset: its code."""
        async with asyncio.TaskGroup() as group:
            reader = group.create_task(self._read(requests))
            while not (self._abort or (self._envoy_left and not self._unsaid)):
                await self._step()
            reader.cancel()
        return self._abort

    def leave(self, event: ev.Event) -> None:
        """The gRPC stream is over; what remains to be said is said as an errand."""
        self._write = None
        if self._unsaid:
            self._inbox.appendleft((event, 0))  # first: a grant that waits here must not be used for nobody
            self._came.set()
            self._errands.start(self._linger())
        self._quiet()

    async def _linger(self) -> None:
        while self._unsaid:
            await self._step()

    @property
    def _unsaid(self) -> bool:
        """Whether anything is still to be done or to be waited for."""
        return self._working is not None or bool(self._todo) or not self._stream.done

    async def _read(self, requests: AsyncIterator[Any]) -> None:
        try:
            async for message in requests:
                self.post(wire.event(message))
                while len(self._inbox) >= INBOX or not self._stream.wants_input:
                    self._moved.clear()
                    await self._moved.wait()
        except Exception as error:  # Envoy may still be there: this is no end, and must not look like one
            self._break("stream_broke", error)
            return
        self._envoy_left = True
        self.post(ev.Gone())

    async def _step(self) -> None:
        """Performs what is to be done, or takes the next event."""
        if self._working is not None:
            self._todo.extend(await asyncio.shield(self._working))
            self._working = None
        elif self._todo:
            await self._perform(self._todo.popleft())
            return
        else:
            await self._next()
        self._errands.follow(self._stream.exchange)
        if self._stream.over:
            self._quiet()
        self._moved.set()

    async def _next(self) -> None:
        while not self._inbox:
            self._came.clear()
            await self._came.wait()
        event, serial = self._inbox.popleft()
        if self._stale(event, serial):
            return
        now = self._time.now_us()
        if self._stream.heavy(event):
            # one event of this stream at a time, here or there: what follows waits in the inbox
            self._working = asyncio.get_running_loop().run_in_executor(None, self._stream.handle, event, now)
        else:
            self._todo.extend(self._stream.handle(event, now))

    def _stale(self, event: ev.Event, serial: int) -> bool:
        """A timer that rang, and was stopped or set again before its turn came."""
        return isinstance(event, ev.Deadline) and self._timers.get(event.name, (0, None))[0] != serial

    async def _perform(self, command: cmd.Command) -> None:
        message = wire.response(command)
        if message is not None:
            await self._say(message)
            return
        match command:
            case cmd.Record():
                self._errand(
                    self._errands.record(command), lambda code: ev.RecordFailed(command.tag, code), "record_slow"
                )
            case cmd.AskApproval():
                self._approving(command.key, self._ask(command))
            case cmd.AwaitApproval(approval, key):
                self._waiting.append(self._approving(key, self._errands.wait(self._held[approval], key)))
            case cmd.Consume(approval, digest, key):
                self._approving(key, self._errands.consume(self._held[approval], digest, key))
            case cmd.Withdraw(approval):
                self._errands.start(self._errands.withdraw(self._held[approval]))
            case cmd.SetTimer(name, seconds):
                self._set(name, seconds)
            case cmd.StopTimer(name):
                self._stop(name)
            case cmd.Abort(code):
                self._abort = code
            case _:
                raise AssertionError(f"nobody performs {type(command).__name__}")

    async def _say(self, message: Any) -> None:
        if self._write is None:
            return
        try:
            await self._write(message)
        except Exception as error:
            self._break("write_failed", error)

    def _break(self, code: str, error: Exception) -> None:
        """Envoy cannot be talked to any more; if it is there at all, it must see an error."""
        logger.warning(code, extra={"fields": {"error_type": type(error).__name__}})
        self._abort = self._abort or code
        self.post(ev.Broken(code))

    def _errand(self, work: Awaitable[ev.Event], failed: Callable[[str], ev.Event], slow: str) -> asyncio.Task[None]:
        async def errand() -> None:
            self.post(await reported(work, failed, slow))

        return self._errands.start(errand())

    def _approving(self, key: str, work: Awaitable[ev.Event]) -> asyncio.Task[None]:
        return self._errand(work, lambda code: ev.HoldFailed(code, key), "approvals_slow")

    async def _ask(self, command: cmd.AskApproval) -> ev.Event:
        held = await self._errands.ask(command)
        self._held[held.id] = held
        return ev.Asked(held.id, str(held.state), held.narrowing, command.key)

    # time

    def _set(self, name: str, seconds: float) -> None:
        self._stop(name)
        self._serial += 1
        ring = asyncio.get_running_loop().call_later(seconds, self.post, ev.Deadline(name), self._serial)
        self._timers[name] = (self._serial, ring)

    def _stop(self, name: str) -> None:
        _, ring = self._timers.pop(name, (0, None))
        if ring is not None:
            ring.cancel()

    def _quiet(self) -> None:
        """No timers and no waiting for people any more."""
        for name in list(self._timers):
            self._stop(name)
        for task in self._waiting:
            task.cancel()
