"""The errands of a stream: recording, and asking, waiting for, using and withdrawing an approval. Shell.

Each errand ends by reporting one event; none ever raises, none names content. They belong to the service, not to the
gRPC stream: when the caller has gone, its end is still recorded and its question still taken back.
"""

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from approvals.client import Held, Holds
from audit.write import Recorder
from extproc import commands as cmd
from extproc import events as ev
from extproc import metrics
from extproc.leases import Leases
from extproc.record import Exchange
from runtime import log, tracing
from runtime.errors import Error
from usage import Counting

RECORD_SECONDS = 8.0  # Envoy gives 10 s for one message (snapshot/envoy/filters.py); we are the first to say no
ASK_SECONDS = 15.0  # a hold has extended Envoy's patience

logger = log.get("extproc")


class Errands:
    """What runs beside the streams. Leaving the context waits for everything that was begun."""

    def __init__(self, recorder: Recorder, holds: Holds, usage: Counting) -> None:
        self._recorder, self._holds, self._leases = recorder, holds, Leases(usage)
        self._group = asyncio.TaskGroup()
        self._renewing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        self._renewing = self._group.create_task(self._leases.run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leases.close()
        if self._renewing is not None:
            self._renewing.cancel()
        try:
            await self._group.__aexit__(kind, error, trace)
        except BaseExceptionGroup:  # errands never raise: it holds what was raised inside of our `with`, which goes on
            if error is None:
                raise

    def start(self, errand: Awaitable[None]) -> asyncio.Task[None]:
        return self._group.create_task(_run(errand))

    def follow(self, exchange: Exchange) -> None:
        """Something happened to it: its reservation is kept for as long as it is open."""
        if self._leases.follow(exchange):
            self.start(self._leases.mark(exchange.id))

    async def record(self, command: cmd.Record) -> ev.Event:
        if command.charge is not None and not await self._leases.settle(command.charge):
            self.start(self._leases.settle_later(command.charge))
        async with asyncio.timeout(RECORD_SECONDS):
            await self._recorder.record(*command.drafts)
        return ev.Recorded(command.tag)

    async def ask(self, command: cmd.AskApproval) -> Held:
        with tracing.span("extproc.ask"):
            async with asyncio.timeout(ASK_SECONDS):
                return await self._holds.request(command.ask)

    async def wait(self, held: Held, key: str = "") -> ev.Event:
        with metrics.WAITING.track_inprogress(), tracing.span("extproc.wait", approval=held.id):
            outcome = await self._holds.wait(held)
        return ev.Answered(str(outcome.state), outcome.message, outcome.narrowing, key)

    async def consume(self, held: Held, digest: str, key: str = "") -> ev.Event:
        with tracing.span("extproc.consume", approval=held.id):
            async with asyncio.timeout(ASK_SECONDS):
                return ev.Consumed(await self._holds.consume(held, digest), key)

    async def withdraw(self, held: Held) -> None:
        async with asyncio.timeout(ASK_SECONDS):
            await self._holds.withdraw(held)


async def _run(errand: Awaitable[None]) -> None:
    """The fence of an errand: one that fails must not end the group, and its error may quote what must not be seen."""
    try:
        await errand
    except Exception as error:
        logger.error("errand_failed", extra={"fields": {"error_type": type(error).__name__}})


async def reported(errand: Awaitable[ev.Event], failed: Callable[[str], ev.Event], slow: str) -> ev.Event:
    """The errand's event, or the one that says it failed, by code alone."""
    try:
        return await errand
    except Error as error:
        return failed(error.code)
    except TimeoutError:
        return failed(slow)
    except Exception as error:
        logger.error("errand_failed", extra={"fields": {"error_type": type(error).__name__}})
        return failed("internal")
