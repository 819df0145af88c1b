"""Envoy as a process: its command line, whether it serves, and how it stops without cutting anybody off.

At SIGTERM Envoy ends at once, with everything that is open. So whoever stops it drains it first: `exeat up`
(console/parts.py), or `python -m snapshot.envoy` where Envoy is a container or a unit of its own.
"""

import asyncio
import contextlib
import os
import sys
from pathlib import Path

from runtime import health, log, serve
from runtime.errors import GatewayError
from runtime.fileio import private_dir
from runtime.settings import Settings
from snapshot.envoy.files import envoy_binary, render_bootstrap

POLL_SECONDS = 0.1
CLOSE_SECONDS = 30  # so long a draining listener still takes connections, for balancers that do not know of it yet


class EnvoyEnded(GatewayError):
    code = "envoy_ended"


def command(settings: Settings) -> list[str]:
    """Renders the bootstrap; the program and its arguments. Raises EnvoyRefused when there is no binary."""
    return [
        str(envoy_binary(settings)),
        *("-c", str(render_bootstrap(settings))),
        "--disable-hot-restart",
        *("--concurrency", str(settings.envoy.concurrency)),
        "--reject-unknown-dynamic-fields",
        *("--drain-time-s", str(min(settings.envoy.drain_seconds, CLOSE_SECONDS))),
        *("--file-flush-interval-msec", "1000"),
        *("--log-level", "warning"),
    ]


def admin(settings: Settings) -> Path:
    return settings.socket("envoy-admin")


async def ready(settings: Settings) -> bool:
    return await health.http_status(admin(settings), "/ready") == 200


async def drain(settings: Settings) -> None:
    """No new connections; open exchanges, holds too, may finish for `envoy.drain_seconds`."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(settings.envoy.drain_seconds):
            # `/ready` says 503 from now on, for probes; then the listener closes within CLOSE_SECONDS
            await health.http_status(admin(settings), "/healthcheck/fail", "POST")
            await health.http_status(admin(settings), "/drain_listeners?graceful", "POST")
            while await health.active_requests(admin(settings)) > 0:
                await asyncio.sleep(POLL_SECONDS)


async def run(settings: Settings) -> None:
    """Envoy until SIGTERM, drained. Raises EnvoyEnded when it ends by itself."""
    private_dir(settings.gateway.run_dir)
    argv = [sys.executable, "-m", "runtime.child", str(os.getpid()), *command(settings)]
    async with serve.stop_signal() as stop:
        # a session of its own: what a terminal or a supervisor sends to the group must not reach it before the drain
        process = await asyncio.create_subprocess_exec(*argv, start_new_session=True)
        async with asyncio.TaskGroup() as group:
            ended = group.create_task(process.wait())
            stopped = group.create_task(stop.wait())
            await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not stop.is_set():
                stopped.cancel()
                raise EnvoyEnded(f"Envoy ended by itself, exit code {process.returncode}; its own words are above")
            log.get("envoy").info("draining", extra={"fields": {"seconds": settings.envoy.drain_seconds}})
            await drain(settings)
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
    log.get("envoy").info("stopped")
