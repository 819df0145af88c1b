"""What extproc and the CLI hold in their hands: clients of the two services, and the fake of the one for extproc.

held = await holds.request(ask)          # a new card, or the one that a client which left finds again
outcome = await holds.wait(held)         # any time later; survives a restart of the service
if outcome.granted and await holds.consume(held, digest): …   # at most once in the approval's life
await holds.withdraw(held)               # the client has gone: 60 s to come back
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, Self

import grpc

from approvals import approvals_pb2 as pb
from approvals import wire
from approvals.approvals_pb2_grpc import ApprovalsStub, HoldsStub
from approvals.errors import ApprovalsDown, TooManyWaiting, from_rpc
from approvals.facts import NOTHING_LESS, Ask, Binding, Narrowing, Shown, State, Wish
from approvals.machine import Approval
from approvals.revocations import Revocation, Scope
from approvals.standing import Standing
from approvals.wire_standing import standing_from
from runtime.errors import Error
from runtime.serve import MESSAGE_BYTES
from runtime.tracing import carried

CHANNEL_OPTIONS = [
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),  # gRPC's own two minutes would outlast every patience
    ("grpc.max_receive_message_length", MESSAGE_BYTES),
    ("grpc.max_send_message_length", MESSAGE_BYTES),
    ("grpc.use_local_subchannel_pool", 1),
]
LOST = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.UNKNOWN)
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 2.0  # ten thousand waiters must not come back all at once


@dataclass(frozen=True, slots=True)
class Held:
    """An approval as one exchange sees it."""

    id: str
    state: State
    expires_us: int
    binding: Binding
    narrowing: Narrowing = NOTHING_LESS  # of a grant that is there already


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it ended. `message` is the approver's justification, to tell the caller."""

    state: State
    answered_by: str = ""
    message: str = ""
    narrowing: Narrowing = NOTHING_LESS

    @property
    def granted(self) -> bool:
        return self.state is State.GRANTED


class Holds(Protocol):
    """Each raises ApprovalsDown (or another GatewayError) when there is no usable answer: refuse then."""

    async def request(self, ask: Ask) -> Held: ...
    async def wait(self, held: Held) -> Outcome: ...
    async def consume(self, held: Held, forwarded_digest: str) -> bool: ...
    async def withdraw(self, held: Held) -> None: ...


class HoldsClient:
    """`patience_s`: how long a wait bears that the service is away, and `timeout_s` how long one call may take."""

    def __init__(self, socket: Path, *, patience_s: float = 30.0, timeout_s: float = 10.0) -> None:
        self._channel = grpc.aio.insecure_channel(f"unix:{socket}", options=CHANNEL_OPTIONS)
        self._stub = HoldsStub(self._channel)  # type: ignore[no-untyped-call]  # generated code
        self._patience_s, self._timeout_s = patience_s, timeout_s

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._channel.close(None)

    async def request(self, ask: Ask) -> Held:
        status = await said(self._stub.Request(wire.ask_to(ask), timeout=self._timeout_s, metadata=carried()))
        less = wire.narrowing_from(status.narrowing)
        return Held(status.id, State(status.state), status.expires_us, ask.binding, less)

    async def wait(self, held: Held) -> Outcome:
        """Returns once it is granted or final."""
        place = pb.Place(id=held.id, exchange=held.binding.exchange)
        clock, lost_at, pause = asyncio.get_running_loop().time, 0.0, FIRST_PAUSE_S
        while True:
            try:
                async for status in self._stub.Wait(place, metadata=carried()):
                    lost_at, pause = 0.0, FIRST_PAUSE_S
                    if status.state != State.REQUESTED:
                        less = wire.narrowing_from(status.narrowing)
                        return Outcome(State(status.state), status.answered_by, status.justification, less)
            except grpc.aio.AioRpcError as error:
                if error.code() not in LOST:
                    raise from_rpc(error) from None
            lost_at = lost_at or clock()
            if clock() - lost_at > self._patience_s:
                raise ApprovalsDown("the approvals service went away while we waited")
            await asyncio.sleep(pause + pause * _spread(held.id))
            pause = min(2 * pause, LONGEST_PAUSE_S)

    async def consume(self, held: Held, forwarded_digest: str) -> bool:
        """True exactly once, if the digest is the one that was approved. `forwarded_digest`: of what will go out."""
        binding = replace(held.binding, forwarded_digest=forwarded_digest)
        asked = pb.ConsumeRequest(id=held.id, binding=wire.binding_to(binding))
        reply = await said(self._stub.Consume(asked, timeout=self._timeout_s, metadata=carried()))
        return bool(reply.ok)

    async def withdraw(self, held: Held) -> None:
        place = pb.Place(id=held.id, exchange=held.binding.exchange)
        await said(self._stub.Withdraw(place, timeout=self._timeout_s))


class ApprovalsClient:
    """For a signed-in person; every call raises Error with a sentence for them."""

    def __init__(self, socket: Path, token: str, *, timeout_s: float = 10.0) -> None:
        self.channel = grpc.aio.insecure_channel(f"unix:{socket}", options=CHANNEL_OPTIONS)
        self._stub = ApprovalsStub(self.channel)  # type: ignore[no-untyped-call]  # generated code
        self._metadata = (("authorization", f"Bearer {token}"),)
        self._timeout_s = timeout_s

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.channel.close(None)

    async def list(self, *, finished: bool = False) -> list[Approval]:
        """What this person may see, oldest first; with `finished` also what ended within the last day."""
        reply = await self.call(self._stub.List, pb.ListRequest(all=finished))
        return [wire.approval_from(message) for message in reply.approvals]

    async def newest(self, most: int) -> tuple[int, Sequence[Approval]]:
        """How many wait, and for a screen `most` of them, those that end first, and as many of what was answered."""
        reply = await self.call(self._stub.List, pb.ListRequest(all=True, most=most))
        return int(reply.open), [wire.approval_from(message) for message in reply.approvals]

    async def get(self, approval_id: str) -> tuple[Approval, Shown]:
        message = await self.call(self._stub.Get, pb.GetRequest(id=approval_id))
        return wire.approval_from(message), wire.shown_from(message)

    async def grant(
        self,
        approval_id: str,
        shown_digest: str,
        justification: str = "",
        narrowing: Narrowing = NOTHING_LESS,
        wish: Wish | None = None,
        assertion: str = "",
    ) -> Approval:
        """`shown_digest`: of the content that this person was shown; other content is refused.

        `wish`: a standing grant beside this one, given once all who are needed have wished for it.
        `assertion`: what an authenticator signed for exactly this answer (client_signing), where that is asked for.
        """
        given = answer(approval_id, shown_digest, justification, narrowing, wish, assertion)
        return wire.approval_from(await self.call(self._stub.Grant, given))

    async def break_glass(
        self, approval_id: str, shown_digest: str, justification: str, wish: Wish, assertion: str = ""
    ) -> Approval:
        """Alone and at once; a review is owed. For members of the groups that the policy names for emergencies."""
        given = answer(approval_id, shown_digest, justification, NOTHING_LESS, wish, assertion)
        return wire.approval_from(await self.call(self._stub.BreakGlass, given))

    async def standings(self, *, ended: bool = False) -> Sequence[Standing]:
        """What is granted in advance, oldest first; with `ended` also what covers nothing any more."""
        reply = await self.call(self._stub.ListStanding, pb.ListStandingRequest(all=ended))
        return [standing_from(message) for message in reply.standing]

    async def revoke_standing(self, standing_id: str, words: str = "") -> Standing:
        asked = pb.StandingAnswer(id=standing_id, words=words)
        return standing_from(await self.call(self._stub.RevokeStanding, asked))

    async def review(self, standing_id: str, words: str) -> Standing:
        asked = pb.StandingAnswer(id=standing_id, words=words)
        return standing_from(await self.call(self._stub.Review, asked))

    async def refuse(
        self, approval_id: str, shown_digest: str, justification: str = "", assertion: str = ""
    ) -> Approval:
        given = answer(approval_id, shown_digest, justification, assertion=assertion)
        return wire.approval_from(await self.call(self._stub.Refuse, given))

    async def revoke(self, scope: Scope, value: str, reason: str, issuer: str = "") -> Revocation:
        """Held requests and unused grants of what it hits have ended when it returns."""
        asked = pb.RevokeRequest(scope=scope, value=value, issuer=issuer, reason=reason)
        return wire.revocation_from(await self.call(self._stub.Revoke, asked))

    async def lift(self, revocation_id: str, reason: str) -> Revocation:
        asked = pb.LiftRequest(id=revocation_id, reason=reason)
        return wire.revocation_from(await self.call(self._stub.Lift, asked))

    async def revocations(self, *, lifted: bool = False) -> Sequence[Revocation]:
        reply = await self.call(self._stub.ListRevocations, pb.ListRevocationsRequest(all=lifted))
        return [wire.revocation_from(message) for message in reply.revocations]

    async def watch(self) -> AsyncIterator[Approval]:
        """What is open now, then every change; ends only by an error or by leaving."""
        try:
            async for message in self._stub.Watch(pb.WatchRequest(), metadata=self._metadata):
                yield wire.approval_from(message)
        except grpc.aio.AioRpcError as error:
            raise from_rpc(error) from None

    async def call(self, method: Any, message: object) -> Any:
        return await said(method(message, metadata=self._metadata, timeout=self._timeout_s))


@dataclass
class ScriptedHolds:
    """The fake: outcomes by script or by hand, everything asked kept for the test to look at.

    `outcomes` are given to the requests in order; a request beyond them waits until `answer(id, …)`.
    """

    outcomes: Sequence[Outcome] = ()
    fail: Error | None = None
    most: int | None = None  # above so many open ones: TooManyWaiting
    asks: list[Ask] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    consumed: list[str] = field(default_factory=list)
    _ended: dict[str, "asyncio.Future[Outcome]"] = field(default_factory=dict)

    async def request(self, ask: Ask) -> Held:
        self._check()
        if self.most is not None and len(self.asks) >= self.most:
            raise TooManyWaiting()
        self.asks.append(ask)
        number = len(self.asks)
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._ended[f"approval-{number}"] = future
        if number <= len(self.outcomes):
            future.set_result(self.outcomes[number - 1])
        state = future.result().state if future.done() else State.REQUESTED
        less = future.result().narrowing if future.done() else NOTHING_LESS
        return Held(f"approval-{number}", state, 0, ask.binding, less)

    def answer(self, approval_id: str, outcome: Outcome) -> None:
        self._ended[approval_id].set_result(outcome)

    async def wait(self, held: Held) -> Outcome:
        self._check()
        return await asyncio.shield(self._ended[held.id])

    async def consume(self, held: Held, forwarded_digest: str) -> bool:
        self._check()
        ended = self._ended[held.id]
        granted = ended.done() and ended.result().granted and held.id not in self.consumed
        if not granted or forwarded_digest != held.binding.forwarded_digest or held.id in self.withdrawn:
            return False
        self.consumed.append(held.id)
        return True

    async def withdraw(self, held: Held) -> None:
        self._check()
        self.withdrawn.append(held.id)

    def _check(self) -> None:
        if self.fail is not None:
            raise self.fail


def answer(
    approval_id: str,
    shown_digest: str,
    words: str,
    less: Narrowing = NOTHING_LESS,
    wish: Wish | None = None,
    assertion: str = "",
) -> pb.Answer:
    return pb.Answer(
        id=approval_id,
        shown_digest=shown_digest,
        justification=words,
        narrowing=wire.narrowing_to(less),
        wish=wire.wish_to(wish) if wish else None,
        assertion=assertion,
    )


async def said(call: Awaitable[Any]) -> Any:
    """The reply, or our own error again."""
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        raise from_rpc(error) from None


def _spread(approval_id: str) -> float:
    """0 to 1, from the random end of a UUID version 7."""
    return int(approval_id[-4:], 16) / 0x10000 if len(approval_id) == 36 else 0.0
