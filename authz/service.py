"""The shell: Envoy asks, the line of verbs answers. Whatever happens something is answered, never a yes by accident.

A check runs in a task of its own: when the caller leaves, Envoy cancels the call, but what was decided is still
recorded. Time, keys, engine and spool come from outside; every rule is in the pure files beside this one.
"""

import asyncio
import hashlib
from types import TracebackType
from typing import Any, Protocol, Self

import grpc

from audit.write import Recorder
from authz import credentials, headers, losses, metrics, peer, record, request, revoked, wire
from authz.decide import Decided, question, verdict
from authz.describe import Described, describe_request, with_definitions
from authz.errors import code_of, sentence_of, status_of, told_code
from authz.headers import Headers
from authz.idle import Idle
from authz.record import Exchange
from authz.refusals import Refusals
from authz.request import Request
from authz.reserve import Line, reservation
from authz.revoked import Known, Revoked
from authz.session import Sessions
from authz.strangers import Strangers
from identity import Identity, TokenRefused, Verifier
from masking import Keys
from runtime import clock_quality, log, memory, tracing
from runtime.clock import Clock, Steady
from runtime.errors import Error, GatewayError
from runtime.ids import uuid7
from runtime.settings import Settings
from snapshot.answers import refusal
from snapshot.current import Snapshot
from snapshot.decision import Effect
from snapshot.engine_client import Engine
from usage import Counting, Numbers
from usage.definitions import Known as Definitions
from usage.definitions import Memory

LARGE_BYTES = 256 << 10  # about 4 ms of masking: above it, other checks must not wait behind one
HUGE_BYTES = 4 << 20  # what it took is given back to the system
LARGE_SQL_BYTES = 1 << 10  # likewise of parsing SQL
SUM_SECONDS = 2.0  # how often sums of refusals are looked at
logger = log.get("authz")


class Snapshots(Protocol):
    def get(self) -> Snapshot:
        """The current snapshot. Raises GatewayError when there is none."""
        ...


class Authz(wire.AuthorizationServicer):  # type: ignore[misc]  # generated code
    """`async with Authz(…) as authz:` then `authz.register(server)`."""

    def __init__(
        self,
        settings: Settings,
        *,
        snapshots: Snapshots,
        verifier: Verifier,
        engine: Engine,
        recorder: Recorder,
        revocations: Known,
        usage: Counting,
        keys: Keys,
        clock: Clock,
        definitions: Definitions | None = None,
        first: bool = True,
        idle: Idle | None = None,
    ) -> None:
        """`first` of its like: what is to be said once a gateway is said by it."""
        self._settings = settings
        self._snapshots = snapshots
        self._verifier = verifier
        self._engine = engine
        self._recorder = recorder
        self._revocations = revocations
        self._usage = usage
        self._line = Line()
        self._keys = keys
        self._clock = clock
        self._definitions = definitions or Memory()
        self._idle = idle
        self._sessions = Sessions(clock, idle)
        self._refusals = Refusals()
        self._strangers = Strangers(max(1, settings.gateway.strangers_per_second // settings.gateway.authz_processes))
        self._first = first
        self._group = asyncio.TaskGroup()
        self._summing: asyncio.Task[None] | None = None
        self._took_much = False

    def register(self, server: grpc.aio.Server) -> None:
        wire.add_AuthorizationServicer_to_server(self, server)

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        self._summing = self._group.create_task(self._sum_up())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Waits for checks whose callers have left: their decisions are recorded."""
        if self._summing is not None:
            self._summing.cancel()
        await self._group.__aexit__(None, None, None)
        await self._record_sums(all_of_them=True)
        self._keep_sessions()

    async def Check(self, check: Any, context: Any) -> Any:
        with tracing.span("authz.check", context):
            return await asyncio.shield(self._group.create_task(self.check(check)))

    async def check(self, check: Any) -> Any:
        """CheckRequest → CheckResponse."""
        time = Steady(self._clock)
        exchange = Exchange(uuid7(), time.began_us, time=time, clock=clock_quality.quality())
        try:
            with metrics.CHECK.time():
                return await self._checked(exchange, check)
        finally:
            self._took_much = self._took_much or exchange.huge

    async def _checked(self, exchange: Exchange, check: Any) -> Any:
        try:
            asked = self._read(exchange, check)
            caller = await self._identify(exchange, asked)
            described = await self._describe(exchange, asked, caller)
            decided = await self._decide(exchange, caller, described)
            await self._record(exchange, decided)
            return self._answer(exchange, asked, decided)
        except Exception as error:
            return await self._refuse(exchange, error)

    # the verbs

    def _read(self, exchange: Exchange, check: Any) -> Request:
        asked = wire.read(check)
        exchange.method = asked.method if asked.method in request.METHODS else ""
        exchange.request_id = headers.request_id(asked.headers)
        exchange.snapshot = self._snapshots.get()
        # before all else the connection, so that even a stranger is answered in the shape of its API
        exchange.connection = exchange.snapshot.connections.get(asked.connection)
        return asked

    async def _identify(self, exchange: Exchange, asked: Request) -> Identity:
        found = Headers(asked.headers)
        verified = await self._verified(credentials.token(found), asked.source)
        exchange.identity = peer.bind(
            verified, peer.read(asked.certificate), needed=self._settings.gateway.bound_tokens
        )
        found.check()
        session, mcp = headers.session_key(found), headers.mcp_session(found)
        exchange.session = self._sessions.of(exchange.identity, session, mcp)
        revoked.check(self._revocations, exchange.identity, exchange.session)
        return exchange.identity

    async def _verified(self, token: str, source: str) -> Identity:
        known = self._verifier.known(token)
        if known is not None:
            return known
        self._strangers.check(source, self._clock.now_us())
        try:
            return await self._verifier.verify(token)
        except TokenRefused:
            self._strangers.failed(source, self._clock.now_us())
            raise

    async def _describe(self, exchange: Exchange, asked: Request, caller: Identity) -> Described:
        exchange.request_digest = hashlib.sha256(asked.body).hexdigest()
        masker = exchange.known.masking.masker(
            (self._settings.masking.floor,), keys=self._keys, connection=asked.connection, direction="request"
        )
        exchange.path = masker.target(asked.path[: request.MAX_PATH])[0]
        target = request.target(asked)
        connection = request.agreed(asked, target, exchange.known.connections.get(target.connection))
        most = self._settings.gateway.max_request_bytes
        given = (asked, target, connection, masker, most, exchange.request_digest)
        exchange.huge = len(asked.body) > HUGE_BYTES
        large = len(asked.body) > (LARGE_SQL_BYTES if connection.sql_fields else LARGE_BYTES)
        described = await asyncio.to_thread(describe_request, *given) if large else describe_request(*given)
        exchange.described = with_definitions(described, lambda tool: self._definitions.of(connection.name, tool))
        return exchange.described

    async def _decide(self, exchange: Exchange, caller: Identity, described: Described) -> Decided:
        """On exact numbers: reserved first, and asked again if somebody before us in line gave something back."""
        session, connection = exchange.whole()
        wanted = exchange.reserved = reservation(exchange.id, caller, session, connection, described)
        ahead = self._line.enter(exchange.id, wanted.who.keys)
        try:
            used = await self._usage.reserve(wanted)
            decided = await self._ask(exchange, caller, used)
            if ahead and decided.decision.effect is not Effect.ALLOW:
                await asyncio.wait(ahead, timeout=self._settings.engine.deadline_ms / 1000)
                now = await self._usage.look(exchange.id)
                decided = decided if now == used else await self._ask(exchange, caller, now)
            if decided.decision.effect is Effect.DENY:
                self._give_back(exchange, denied=True)
            return decided
        except Exception:
            self._give_back(exchange)
            raise
        finally:
            self._line.leave(exchange.id)

    async def _ask(self, exchange: Exchange, caller: Identity, used: Numbers) -> Decided:
        session, connection = exchange.whole()
        described, reserved = exchange.known_request()
        given = question(exchange.id, exchange.at_us, caller, session, connection, described, reserved, used)
        with metrics.ENGINE.time(), tracing.span("authz.decide", exchange=exchange.id):
            decision = await self._engine.decide(given.input, given.content)
        told = verdict(exchange.id, caller, session, connection, described, reserved, decision)
        return Decided(given, decision, told.to_metadata())

    def _give_back(self, exchange: Exchange, *, denied: bool = False) -> None:
        """Nothing of it left. Before the next in line looks: the counters keep the order of calls."""
        if exchange.reserved is not None:
            exchange.reserved = None
            self._usage.release(exchange.id, denied=denied)

    async def _record(self, exchange: Exchange, decided: Decided) -> None:
        effect, connection = str(decided.decision.effect), exchange.whole()[1].name
        with tracing.span("authz.record", exchange=exchange.id, effect=effect, connection=connection):
            await self._recorder.record(record.decided(exchange, decided.question, decided.decision))

    def _answer(self, exchange: Exchange, asked: Request, decided: Decided) -> Any:
        if decided.decision.effect is Effect.DENY:
            message = decided.decision.reasons[0].message
            answer = refusal(exchange.kind, record.DENIED, "denied", message, exchange.id)
            return wire.refuse(answer, exchange.log_line("deny"))
        remove = headers.removed(Headers(asked.headers), exchange.kind)
        return wire.allow(exchange.id, decided.metadata, remove)

    # what is not decided

    async def _refuse(self, exchange: Exchange, error: Exception) -> Any:
        """Closed, whatever happened: the caller is told their own mistakes, and of ours only that there is one."""
        metrics.REFUSED.labels(code_of(error)).inc()
        self._give_back(exchange)
        if not isinstance(error, Error):
            logger.error("unforeseen", extra={"fields": {"exchange": exchange.id}}, exc_info=error)
        try:
            await self._record_refusal(exchange, error)
        except Exception as failed:
            logger.error("refusal_not_recorded", extra={"fields": {"exchange": exchange.id, "code": code_of(failed)}})
            error = failed if exchange.identity is not None else error
        answer = refusal(exchange.kind, status_of(error), told_code(error), sentence_of(error), exchange.id)
        return wire.refuse(answer, exchange.log_line("refused"))

    async def _record_refusal(self, exchange: Exchange, error: Exception) -> None:
        revocation = error.revocation if isinstance(error, Revoked) else ""
        draft = record.refused(exchange, status_of(error), code_of(error), revocation)
        if exchange.identity is None and not self._refusals.note(code_of(error), draft, self._clock.now_us()):
            return
        fields = {"exchange": exchange.id, "connection": draft.connection, "code": code_of(error)}
        logger.info("refused", extra={"fields": fields})
        await self._recorder.record(draft)

    async def _sum_up(self) -> None:
        while True:
            await asyncio.sleep(SUM_SECONDS)
            await self._record_sums()
            if self._first:
                await losses.tell(self._usage, self._recorder)
            self._keep_sessions()
            if self._took_much:
                self._took_much = False
                await asyncio.to_thread(memory.give_back)

    def _keep_sessions(self) -> None:
        if self._idle is not None:
            self._idle.save(self._sessions.unsaved(), self._clock.now_us())

    async def _record_sums(self, *, all_of_them: bool = False) -> None:
        for draft in self._refusals.due(self._clock.now_us(), all_of_them=all_of_them):
            try:
                await self._recorder.record(draft)
            except GatewayError as error:
                logger.error(
                    "refusal_not_recorded", extra={"fields": {"code": error.code, "count": draft.data["count"]}}
                )
