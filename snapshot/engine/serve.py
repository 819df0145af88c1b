"""The engine process: workers on `<state_dir>/current`, swapped when the link moves."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.applications import Starlette

from runtime import log
from runtime.errors import Error, GatewayError
from runtime.serve import serve_http
from runtime.settings import Settings
from snapshot import bundle as bundles
from snapshot import layout
from snapshot.engine.front import Front
from snapshot.engine.pool import Pool
from snapshot.engine.process import RegoFailed, Worker

POLL_SECONDS = 0.1  # a readlink; authz and extproc see the link at once, so the engine must not be long behind
RETRY_SECONDS = 5.0  # before a snapshot that did not load is tried again

logger = log.get("engine")


class EngineUrlRefused(GatewayError):
    code = "engine_url_refused"


async def serve(settings: Settings) -> None:
    """Until SIGTERM. Raises CannotListen, EngineUrlRefused."""
    pool = Pool(settings.engine.workers, settings.engine.deadline_ms / 1000)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with pool, asyncio.TaskGroup() as group:
            watching = group.create_task(follow(pool, settings.gateway.state_dir))
            yield
            watching.cancel()

    await serve_http(Front(pool, lifespan), listen_address(settings.engine.url), parser="httptools")


def listen_address(url: str) -> str:
    """host:port of the engine's own URL, which must be plain http."""
    if not url.startswith("http://") or "/" in url.removeprefix("http://").rstrip("/"):
        raise EngineUrlRefused(f"engine.url {url!r} is not http://host:port, which the embedded engine listens on")
    return url.removeprefix("http://").rstrip("/")


async def follow(pool: Pool, state_dir: Path) -> None:
    """Swaps whenever `current` names another snapshot. One that does not load leaves what serves in place."""
    refused = ""
    while True:
        try:
            digest = layout.current(state_dir)
            if digest != pool.serving:
                await swap(pool, state_dir, digest)
            refused = ""
        except layout.NoSnapshot:
            pass
        except (Error, OSError) as error:
            if digest != refused:
                code = error.kind if isinstance(error, RegoFailed) else getattr(error, "code", "os_error")
                fields = {"snapshot": digest, "code": code}
                logger.error("snapshot_not_loaded", extra={"fields": fields})
            refused = digest
            await asyncio.sleep(RETRY_SECONDS)
        await asyncio.sleep(POLL_SECONDS)


async def swap(pool: Pool, state_dir: Path, digest: str) -> None:
    """Raises SnapshotDamaged; from the source, whose digest is checked, not from the folder that is made of it."""
    bundle = bundles.make(layout.read_source(layout.folder(state_dir, digest)))

    async def start() -> Worker:
        worker = await Worker.start()
        try:
            await worker.load(bundle.modules, bundle.data, warm=[bundles.ENTRY])
        except BaseException:
            await worker.stop()
            raise
        return worker

    await pool.serve(digest, start)
    logger.info("snapshot_serving", extra={"fields": {"snapshot": digest}})
