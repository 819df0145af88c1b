"""What authz and extproc know of revocations: a copy that follows the service and knows how old it is.

Its fake is the pure `Revocations` itself: both are asked with `find(traits)`.
"""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

import grpc

from approvals import approvals_pb2 as pb
from approvals import wire
from approvals.approvals_pb2_grpc import RevocationsStub
from approvals.client import CHANNEL_OPTIONS
from approvals.revocations import Revocation, Revocations, Traits
from runtime.clock import Clock

SILENCE_US = 5_000_000  # five beats of the service: after that our copy is old
PAUSE_S = 0.25

Told = Callable[[Revocation], None]


class Follower:
    """`run()` belongs into the caller's TaskGroup. `told` is called with each revocation that is new to us."""

    def __init__(self, socket: Path, clock: Clock, told: Told = lambda revocation: None) -> None:
        self._socket, self._clock, self._told = socket, clock, told
        self._known = Revocations()
        self._heard_us: int | None = None

    @property
    def fresh(self) -> bool:
        """False while the service was silent for too long, or never heard: then nobody can be told not revoked."""
        return self._heard_us is not None and self._clock.monotonic_us() - self._heard_us <= SILENCE_US

    def find(self, traits: Traits) -> Revocation | None:
        """An active revocation that hits, by what was last heard."""
        return self._known.find(traits)

    async def run(self) -> None:
        async with grpc.aio.insecure_channel(f"unix:{self._socket}", options=CHANNEL_OPTIONS) as channel:
            stub = RevocationsStub(channel)  # type: ignore[no-untyped-call]  # generated code
            while True:
                with contextlib.suppress(grpc.aio.AioRpcError):
                    async for change in stub.Follow(pb.FollowRequest()):
                        self._hear(change)
                await asyncio.sleep(PAUSE_S)

    def _hear(self, change: pb.RevocationChange) -> None:
        news = [wire.revocation_from(message) for message in change.revocations]
        before, now = self._known, Revocations() if change.complete else self._known
        fresh = [revocation for revocation in news if revocation.active and before.get(revocation.id) is None]
        for revocation in news:
            now.put(revocation)
        self._known, self._heard_us = now, self._clock.monotonic_us()
        for revocation in fresh:
            self._told(revocation)
