"""The gRPC side of extproc. Shell.

Envoy takes a clean end of a stream as "no more interest in this exchange" and lets the rest through unprocessed,
whatever `failure_mode_allow` says. So a handler here returns only after Envoy has ended its side; everything else
ends with an error status, with a neutral text, because Envoy logs it.
"""

from collections.abc import AsyncIterator
from typing import Any

import grpc

from approvals.revocations import Revocation
from extproc import events as ev
from extproc import metrics, wire
from extproc.hold import Errands, logger
from extproc.past import Past
from extproc.pump import Pump
from extproc.resent import Resent
from extproc.revoked import NOBODY, Known
from extproc.rules import Rules
from extproc.stream import Limits, Stream
from runtime import clock_quality, tracing
from runtime.clock import Clock
from usage.definitions import Known as Definitions
from usage.definitions import Memory


class Service(wire.Servicer):  # type: ignore[misc]  # generated code has no types
    def __init__(
        self,
        rules: Rules,
        limits: Limits,
        errands: Errands,
        clock: Clock,
        revocations: Known = NOBODY,
        definitions: Definitions | None = None,
    ) -> None:
        self._rules, self._limits, self._errands, self._clock = rules, limits, errands, clock
        self._past, self._definitions, self._resent = Past(), definitions or Memory(), Resent()
        self._revocations = revocations
        self._open: set[Pump] = set()

    def register(self, server: grpc.aio.Server) -> None:
        wire.register(self, server)

    def revoke(self, revocation: Revocation) -> None:
        """Ends what is open and hit by it; what begins from now on asks by itself."""
        for pump in list(self._open):
            pump.revoked(revocation)

    async def Process(self, requests: AsyncIterator[Any], context: Any) -> None:
        with metrics.OPEN.track_inprogress(), tracing.span("extproc.exchange", context) as span:
            await self._process(requests, context, span)

    async def _process(self, requests: AsyncIterator[Any], context: Any, span: Any) -> None:
        stream = Stream(self._rules, self._limits, self._past, self._revocations, self._definitions, self._resent)
        stream.exchange.clock = clock_quality.quality()
        pump = Pump(stream, self._errands, self._clock, context.write)
        self._open.add(pump)
        code = ""
        try:
            code = await pump.serve(requests)
        except Exception as error:  # by type alone: its text, or its cause's, may quote what must not be seen
            logger.error("stream_failed", extra={"fields": {"error_type": type(error).__name__}})
            code = "internal"
        finally:
            self._open.discard(pump)
            tracing.note(span, exchange=stream.exchange.id)
            pump.leave(ev.Broken(code) if code else ev.Gone())
        if code:
            metrics.ABORTED.labels(code).inc()
            logger.warning("stream_aborted", extra={"fields": {"code": code, "exchange": stream.exchange.id}})
            await context.abort(grpc.StatusCode.INTERNAL, "closed")
