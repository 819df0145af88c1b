"""How a service of ours listens, says that it is ready, drains and ends.

gRPC servers carry the options without which bursts of holds are lost (`max_pending_requests`) and Envoy's pings
end every stream (`min_ping_interval_without_data_ms`, `max_ping_strikes`); see docs/architecture.md.
"""

import asyncio
import contextlib
import gc
import os
import resource
import signal
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import grpc
import uvicorn

from runtime import log
from runtime.errors import Error, GatewayError
from runtime.fileio import private_dir
from runtime.settings import environment, split_address

MESSAGE_BYTES = (32 << 20) + (4 << 20)  # a whole buffered request (default limit) and a margin for headers
GRPC_OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 1000),
    ("grpc.http2.max_ping_strikes", 0),
    ("grpc.server.max_pending_requests", 100_000),
    ("grpc.server.max_pending_requests_hard_limit", 200_000),
    ("grpc.so_reuseport", 0),
)


COLLECT_AFTER = 20_000  # objects; Python's own 700 makes it look through what lives long some times a second


class CannotListen(GatewayError):
    code = "cannot_listen"


def grpc_options(message_bytes: int = MESSAGE_BYTES) -> list[tuple[str, int]]:
    """Server options; `message_bytes` is the largest message either way."""
    limits = [("grpc.max_receive_message_length", message_bytes), ("grpc.max_send_message_length", message_bytes)]
    return [*GRPC_OPTIONS, *limits]


def bind_unix(server: grpc.aio.Server, path: Path) -> None:
    """Binds a 0600 socket in a 0700 folder; a socket that a dead process left behind is replaced."""
    with _claimed(path):
        try:
            server.add_insecure_port(f"unix:{path}")
        except RuntimeError:
            raise CannotListen(f"cannot listen on {path}") from None


def bind_unix_http(path: Path) -> socket.socket:
    """The same for an HTTP server: a listening socket."""
    handle = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _claimed(path):
            handle.bind(str(path))
        handle.listen()
    except OSError as error:
        handle.close()
        raise CannotListen(f"cannot listen on {path}: {error.strerror}") from None
    handle.setblocking(False)
    return handle


@contextlib.contextmanager
def _claimed(path: Path) -> Iterator[None]:
    private_dir(path.parent)
    if path.exists():
        if _answers(path):
            raise CannotListen(f"{path} is in use by another process")
        path.unlink()
    before = os.umask(0o177)
    try:
        yield
    finally:
        os.umask(before)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True


@contextlib.asynccontextmanager
async def stop_signal() -> AsyncIterator[asyncio.Event]:
    """An event that SIGTERM or SIGINT sets."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        yield stop
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


async def pause(event: asyncio.Event, seconds: float) -> None:
    """Until `event`, at most so long."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


async def serve_grpc(
    register: Sequence[tuple[Path, Callable[[grpc.aio.Server], None]]],
    *,
    grace_seconds: float,
    message_bytes: int = MESSAGE_BYTES,
) -> None:
    """Serves each (socket, register) pair until SIGTERM; open calls then have `grace_seconds` to end."""
    async with stop_signal() as stop:
        servers = []
        for path, add in register:
            server = grpc.aio.server(options=grpc_options(message_bytes))
            add(server)
            bind_unix(server, path)
            await server.start()
            servers.append(server)
        settle()
        log.get("serve").info("listening", extra={"fields": {"sockets": [str(path) for path, _ in register]}})
        await stop.wait()
        async with asyncio.TaskGroup() as group:
            for server in servers:
                group.create_task(server.stop(grace_seconds))


async def serve_http(
    app: Any,
    listen: str,
    *,
    grace_seconds: float = 5,
    certificate: Path | None = None,
    key: Path | None = None,
    parser: Literal["h11", "httptools"] = "h11",
) -> None:
    """Serves an ASGI app on `host:port` or `unix:/path` until SIGTERM; with a certificate over TLS 1.2 or later.

    `parser`: httptools is the faster one, and knows no limit for headers: for callers of our own only.
    """
    handle = bind_http(listen)
    config = uvicorn.Config(app, log_config=None, access_log=False, server_header=False, lifespan="on", http=parser)
    config.proxy_headers = parser == "h11"
    config.timeout_graceful_shutdown = int(grace_seconds)
    if certificate is not None and key is not None:
        config.ssl_certfile, config.ssl_keyfile = str(certificate), str(key)
    server = _Server(config)
    settle()
    log.get("serve").info("listening", extra={"fields": {"listen": listen}})
    async with stop_signal() as stop, asyncio.TaskGroup() as group:
        stopping = group.create_task(_stop_when(stop, server))
        await server.serve(sockets=[handle])
        stopping.cancel()


@contextlib.asynccontextmanager
async def beside(app: Any, handle: socket.socket) -> AsyncIterator[None]:
    """Serves an ASGI app on a listening socket while the block runs; for what is not the process's main job."""
    config = uvicorn.Config(app, log_config=None, access_log=False, server_header=False, lifespan="off", http="h11")
    server = _Server(config)
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve(sockets=[handle]))
        try:
            yield
        finally:
            server.should_exit = True


def settle() -> None:
    """What was made until now stays for good: the collector of circles need not look at it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)


def check_pair(certificate: Path, key: Path) -> None:
    """So that a wrong file is one sentence. Raises CannotListen."""
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise CannotListen(f"{certificate} and {key} are no certificate and its key: {error}") from None


class _Server(uvicorn.Server):
    """Leaves signals to us: uvicorn would raise them again after a clean stop, and exit as if it had been killed."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _stop_when(stop: asyncio.Event, server: uvicorn.Server) -> None:
    await stop.wait()
    server.should_exit = True


def bind_http(listen: str) -> socket.socket:
    """A listening socket, bound before anything else starts so that a taken port is one clear sentence."""
    host, port = split_address(listen)
    try:
        handle = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise CannotListen(f"cannot listen on {listen}: {error.strerror}") from None
    handle.setblocking(False)
    return handle


def process_index(names: Sequence[str], given: Sequence[str] | None = None) -> int:
    """Which of several like processes this one is: its only argument, 0 without one. Raises CannotListen."""
    given = sys.argv[1:] if given is None else given
    if len(given) > 1 or not all(text.isdecimal() and int(text) < len(names) for text in given):
        raise CannotListen(f"{' '.join(given)}: give the number of this process, 0 to {len(names) - 1} by the settings")
    return int(given[0]) if given else 0


def main(run: Callable[[], Awaitable[None]]) -> None:
    """What each `__main__` calls: logging, the loop, and one sentence instead of a traceback when it cannot start."""
    log.configure(environment("EXEAT_LOG_LEVEL") or "INFO")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold tokens and bodies
    try:
        _loop(run)
    except (Error, BaseExceptionGroup) as error:
        found = _cause(error)
        if found is None:
            raise
        print(found.diagnostics(), file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _cause(error: BaseException) -> Error | None:
    """The error of ours that ended a process, out of the task groups around it; None if anything else ended it, too."""
    if isinstance(error, BaseExceptionGroup):
        causes = [_cause(inner) for inner in error.exceptions]
        return None if None in causes else causes[0]
    return error if isinstance(error, Error) else None


def _loop(run: Callable[[], Awaitable[None]]) -> None:
    import uvloop  # the loop is faster; imported late so that tools which never serve do not pay for it

    async def body() -> None:
        await run()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(body())
