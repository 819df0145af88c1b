"""extproc as a part of a test: the real service on a socket, with fakes of what it leans on."""

import contextlib
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from envoy.service.auth.v3 import external_auth_pb2 as auth
from envoy.service.auth.v3 import external_auth_pb2_grpc as auth_grpc

from approvals.client import ScriptedHolds
from audit.write import MemoryRecorder
from extproc.hold import Errands
from extproc.rules import Rules
from extproc.service import Service
from extproc.stream import Limits
from runtime.clock import SystemClock
from runtime.ids import uuid7
from runtime.serve import bind_unix, grpc_options
from tests.kit import stubs
from tests.kit.masks import PlainRules
from tests.kit.playbook import verdict
from usage import Uncounted


@dataclass
class Parts:
    """What a test looks at afterwards, and what it can make fail."""

    rules: Rules = field(default_factory=PlainRules)
    recorder: MemoryRecorder = field(default_factory=MemoryRecorder)
    holds: ScriptedHolds = field(default_factory=ScriptedHolds)
    usage: Uncounted = field(default_factory=Uncounted)
    limits: Limits = field(default_factory=Limits)

    def last(self, type_: str) -> Any:
        """The data of the newest event of this type."""
        return next(draft.data for draft in reversed(self.recorder.drafts) if draft.type == type_)

    def content(self, direction: str) -> bytes:
        frames = [frame for draft in self.recorder.drafts for frame in draft.frames]
        return b"".join(frame.content for frame in frames if frame.direction == direction)


@contextlib.asynccontextmanager
async def running(socket: Path, parts: Parts) -> AsyncIterator[Parts]:
    async with Errands(parts.recorder, parts.holds, parts.usage) as errands:
        server = grpc.aio.server(options=grpc_options())
        Service(parts.rules, parts.limits, errands, SystemClock()).register(server)
        bind_unix(server, socket)
        await server.start()
        try:
            yield parts
        finally:
            await server.stop(0)


@contextlib.asynccontextmanager
async def authz(socket: Path, *, deny: bytes = b"", **fields: Any) -> AsyncIterator[None]:
    """A stub of authz whose verdict binds the body it saw; `fields` are the verdict's. `deny`: a refusal's body."""

    def answer(request: Any) -> Any:
        http = request.attributes.request.http
        connection = request.attributes.context_extensions["connection"]
        response = auth.CheckResponse()
        if deny:
            response.status.code, response.denied_response.status.code = 7, 403
            response.denied_response.body = deny.decode()
            return response
        response.ok_response.SetInParent()
        digest = hashlib.sha256(http.raw_body).hexdigest()
        kind = connection if connection in ("anthropic", "openai") else "http"
        bound = {"exchange": uuid7(), "connection": connection, "kind": kind, "request_digest": digest, **fields}
        response.dynamic_metadata.update(verdict(**bound).to_metadata())
        return response

    server = grpc.aio.server(options=grpc_options())
    auth_grpc.add_AuthorizationServicer_to_server(stubs.Authz(answer), server)
    bind_unix(server, socket)
    await server.start()
    try:
        yield
    finally:
        await server.stop(0)
