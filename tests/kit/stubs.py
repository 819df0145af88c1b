"""Scripted ext_authz and ext_proc services, for tests of Envoy's own configuration; the real ones are rooms."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
from envoy.service.auth.v3 import external_auth_pb2 as auth
from envoy.service.auth.v3 import external_auth_pb2_grpc as auth_grpc
from envoy.service.ext_proc.v3 import external_processor_pb2 as proc
from envoy.service.ext_proc.v3 import external_processor_pb2_grpc as proc_grpc

from runtime.serve import bind_unix, grpc_options


class Authz(auth_grpc.AuthorizationServicer):
    """Answers what `answer(request)` returns; keeps the requests."""

    def __init__(self, answer: Callable[[Any], Any]) -> None:
        self.seen: list[Any] = []
        self._answer = answer

    async def Check(self, request: Any, context: Any) -> Any:
        self.seen.append(request)
        return self._answer(request)


def allow(request: Any) -> Any:
    response = auth.CheckResponse()
    response.ok_response.headers_to_remove.extend(["authorization", "x-api-key"])
    response.dynamic_metadata.update({"exchange": "e-1", "effect": "allow", "connection": "plain"})
    return response


def deny(request: Any) -> Any:
    response = auth.CheckResponse()
    response.status.code = 7
    response.denied_response.status.code = 403
    response.denied_response.body = '{"ours": true}'
    return response


class Extproc(proc_grpc.ExternalProcessorServicer):
    """Passes everything, marked; `quit_at` ends the gRPC stream cleanly there (the bug that would fail open)."""

    def __init__(self, quit_at: str = "", fail_at: str = "") -> None:
        self.seen: list[Any] = []
        self._quit_at, self._fail_at = quit_at, fail_at

    async def Process(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        async for request in requests:
            self.seen.append(request)
            phase = request.WhichOneof("request")
            if phase == self._quit_at:
                return
            if phase == self._fail_at:
                raise RuntimeError("planted-secret-in-an-exception")
            yield _pass(phase, request)


def _pass(phase: str, request: Any) -> Any:
    response = proc.ProcessingResponse()
    if phase == "response_headers":
        header = response.response_headers.response.header_mutation.set_headers.add()
        header.header.key, header.header.raw_value = "x-exeat-inspected", b"1"
    elif phase == "response_body":
        streamed = response.response_body.response.body_mutation.streamed_response
        streamed.body, streamed.end_of_stream = request.response_body.body, request.response_body.end_of_stream
    else:
        getattr(response, phase).SetInParent()
    return response


@contextlib.contextmanager
def grpc_service(socket: Path, register: Callable[[Any], None]) -> Iterator[None]:
    """Serves on a Unix socket, in a thread with a loop of its own."""
    ready, loop = threading.Event(), asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        server = grpc.aio.server(options=grpc_options())
        register(server)
        bind_unix(server, socket)
        await server.start()
        ready.set()
        await stop.wait()
        await server.stop(0)

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()
