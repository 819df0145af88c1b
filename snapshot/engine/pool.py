"""Some workers on the same snapshot. A dead one is replaced; a new snapshot brings new workers, then the old ones end.

A decision has one deadline for waiting and computing together. Who overran is killed and started again; the others go
on. A new generation serves only after each of its workers has loaded and warmed up; until then the old one does.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from types import TracebackType
from typing import Any, Self

from runtime import log
from runtime.errors import GatewayError
from snapshot import metrics
from snapshot.engine.process import Evaluated, RegoFailed, Worker

PAUSE_SECONDS = (0.1, 5.0)  # between attempts to replace a worker: first and longest
# of the deadline; who waited longer is turned away, for a worker that gets the rest would be killed though healthy
WAITING_SHARE = 0.5

logger = log.get("engine")
Start = Callable[[], Awaitable[Worker]]  # starts a worker and loads a snapshot into it


class NotReady(GatewayError):
    """There is no snapshot yet."""

    code = "engine_not_ready"


class Busy(GatewayError):
    """All workers computed too long."""

    code = "engine_busy"


class Generation:
    """The workers of one snapshot. `idle` holds those that wait, and None for a place that will not be filled again."""

    def __init__(self, name: str, start: Start) -> None:
        self.name = name
        self.start = start
        self.idle: asyncio.Queue[Worker | None] = asyncio.Queue()
        self.alive = 0
        self.retired = False


class Pool:
    def __init__(self, size: int, deadline_s: float) -> None:
        self._size = size
        self._deadline = deadline_s
        self._current: Generation | None = None
        self._workers: set[Worker] = set()
        self._group = asyncio.TaskGroup()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await self._group.__aexit__(kind, error, trace)
        for worker in self._workers:
            await worker.stop()

    @property
    def ready(self) -> bool:
        return self._current is not None and self._current.alive > 0

    @property
    def serving(self) -> str:
        """The name of the snapshot that serves now, "" before the first."""
        return self._current.name if self._current else ""

    async def serve(self, name: str, start: Start) -> None:
        """Swaps to a new snapshot. Raises what `start` raises; what served before then goes on."""
        new = Generation(name, start)
        workers: list[Worker] = []
        try:
            for _ in range(self._size):
                workers.append(await self._started(new))
        except BaseException:
            for worker in workers:
                await self._ended(worker)
            raise
        for worker in workers:
            _admit(new, worker)
        old, self._current = self._current, new
        if old is not None:
            old.retired = True
            self._spawn(self._drain(old))

    async def evaluate(self, path: Sequence[str], body: bytes) -> Evaluated:
        """Raises NotReady, Busy, WorkerSlow, WorkerDied (503 each) or RegoFailed (500)."""
        deadline = asyncio.get_running_loop().time() + self._deadline
        generation, worker = await self._take(deadline - self._deadline * (1 - WAITING_SHARE))
        left = deadline - asyncio.get_running_loop().time()
        try:
            answer = await worker.evaluate(path, body, seconds=left)
        except RegoFailed:
            generation.idle.put_nowait(worker)
            raise
        except BaseException:
            self._lost(generation, worker)
            raise
        generation.idle.put_nowait(worker)
        return answer

    async def _take(self, until: float) -> tuple[Generation, Worker]:
        """An idle, living worker of what serves now."""
        try:
            async with asyncio.timeout_at(until):
                while True:
                    generation = self._current
                    if generation is None:
                        raise NotReady("the engine has no snapshot yet")
                    worker = await generation.idle.get()
                    if worker is None:  # retired while we waited: leave the sign to `_drain`
                        generation.idle.put_nowait(None)
                        await asyncio.sleep(0)
                    elif worker.dead:
                        self._lost(generation, worker)
                    else:
                        return generation, worker
        except TimeoutError:
            raise Busy("no worker of the engine became free") from None

    def _lost(self, generation: Generation, worker: Worker) -> None:
        generation.alive -= 1
        self._spawn(self._replace(generation, worker))

    async def _replace(self, generation: Generation, worker: Worker) -> None:
        await self._ended(worker)
        pause = PAUSE_SECONDS[0]
        while not generation.retired:
            try:
                fresh = await self._started(generation)
            except (GatewayError, OSError) as error:
                code = getattr(error, "code", "os_error")
                logger.error("worker_not_started", extra={"fields": {"code": code, "snapshot": generation.name}})
                await asyncio.sleep(pause)
                pause = min(pause * 2, PAUSE_SECONDS[1])
            else:
                metrics.REPLACED.inc()
                logger.warning("worker_replaced", extra={"fields": {"snapshot": generation.name}})
                _admit(generation, fresh)
                return
        generation.idle.put_nowait(None)

    async def _drain(self, generation: Generation) -> None:
        """Its waiting callers come first in the queue, then each of its workers ends."""
        for _ in range(self._size):
            worker = await generation.idle.get()
            if worker is not None:
                generation.alive -= 1
                await self._ended(worker)

    async def _started(self, generation: Generation) -> Worker:
        worker = await generation.start()
        self._workers.add(worker)
        return worker

    async def _ended(self, worker: Worker) -> None:
        await worker.stop()
        self._workers.discard(worker)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _admit(generation: Generation, worker: Worker) -> None:
    generation.alive += 1
    generation.idle.put_nowait(worker)
