"""The spool of one service: a group commit in a thread of its own, awaited by futures.

`record()` hands its events to the thread and returns when the commit that holds them was fsynced. A cancelled caller
does not take its events back: the record outlives the request. Any SQLite error fails the whole group with SpoolDown
and closes the spool, until a write succeeds again (`lifecycle.recovered` then says since when it was closed).
"""

import asyncio
import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from audit.write import metrics, tables
from audit.write.commit import Committer
from audit.write.event import Draft, Entry
from audit.write.metrics import Status
from audit.write.tables import SpoolDown, SpoolFull
from runtime import log
from runtime.clock import Clock, SystemClock
from runtime.errors import GatewayError
from runtime.metrics import Measured
from runtime.settings import Settings

IDLE_SECONDS = 1.0  # between looks at the shipper's cursor, and between attempts to open a failed spool again
BEHIND_SECONDS = 0.02  # between trims while there is more to drop
BEAT_US = tables.BEAT_SECONDS * 1_000_000
MAX_GROUP = 1024  # calls per commit: bounds how long the last of a burst waits behind the others

logger = log.get("spool")


class Recorder(Protocol):
    async def record(self, *drafts: Draft) -> None:
        """Returns when the drafts are durable. Raises SpoolFull, SpoolDown, EventInvalid or EventTooLarge."""
        ...


@dataclass(slots=True)
class _Call:
    drafts: Sequence[Draft]
    entries: list[Entry]
    future: asyncio.Future[None]


class Spool:
    """`async with Spool(...) as spool: await spool.record(draft)`. One per process and file; one event loop."""

    def __init__(
        self,
        path: Path,
        role: str,
        gateway: str,
        *,
        max_bytes: int = 2 << 30,
        reserved_percent: int = 20,
        window_ms: float = 2.0,
        max_age_seconds: int = tables.WEEK_SECONDS,
        clock: Clock | None = None,
        cursor: Path | None = None,
    ) -> None:
        """`cursor`: the shipper's database; default `<state_dir>/log/cursor.db` for a spool in `<state_dir>/spool/`."""
        self._clock = clock or SystemClock()
        cursor = cursor or path.parent.parent / "log" / "cursor.db"
        self._committer = Committer(
            path, role, gateway, max_bytes, reserved_percent, self._clock, cursor, max_age_seconds
        )
        self._window = window_ms / 1000
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=f"spool-{role}", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing = False
        self._refused = 0  # calls turned away while down
        self._next_trim_us = 0
        self._next_beat_us = self._clock.monotonic_us() + BEAT_US

    async def __aenter__(self) -> Self:
        """Raises SpoolLocked if another process writes this file, SpoolDown if it cannot be opened."""
        self._loop = asyncio.get_running_loop()
        await asyncio.to_thread(self._committer.open)
        self._thread.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing = True
        self._calls.put(None)
        await asyncio.to_thread(self._thread.join)

    async def record(self, *drafts: Draft) -> None:
        if self._loop is None or self._closing:
            raise SpoolDown("the spool is not open")
        if self._committer.down_since is not None:
            self._refused += 1
            raise SpoolDown("the spool failed and is closed until a write succeeds")
        call = _Call(drafts, tables.entries_of(drafts, self._clock), self._loop.create_future())
        self._calls.put(call)
        await call.future

    @property
    def metrics(self) -> Measured:
        return metrics.spool(self.status)

    def status(self) -> Status:
        used, cap = self._committer.usage
        return Status(used, cap, self._calls.qsize(), self._committer.down_since is not None)

    # the thread

    def _run(self) -> None:
        try:
            while self._turn():
                pass
        except Exception:  # a fault of ours; nobody may go on as if there were a spool
            logger.critical("spool_thread_died", exc_info=True)
        finally:
            self._closing = True
            self._committer.close()
            self._reject_rest()

    def _turn(self) -> bool:
        """One group commit, one attempt to recover, or one look at the cursor. False when told to stop."""
        calls, going = self._gather()
        if self._committer.down_since is not None:
            self._settle(calls, SpoolDown("the spool failed and is closed until a write succeeds"))
            self._recover()
            return going
        if calls:
            self._commit(calls)
        if going and self._clock.monotonic_us() >= self._next_trim_us:
            self._trim()
        if going and self._clock.monotonic_us() >= self._next_beat_us:
            self._beat()
        return going

    def _gather(self) -> tuple[list[_Call], bool]:
        try:
            first = self._calls.get(timeout=self._pause())
        except queue.Empty:
            self._next_trim_us = 0
            return [], True
        calls: list[_Call] = []
        if first is not None and self._window:
            time.sleep(self._window)
        while first is not None:
            calls.append(first)
            if len(calls) == MAX_GROUP or self._calls.empty():
                return calls, True
            first = self._calls.get()
        return calls, False

    def _pause(self) -> float:
        if self._committer.down_since is not None:
            return IDLE_SECONDS
        ahead = (self._next_trim_us - self._clock.monotonic_us()) / 1e6
        return min(max(ahead, BEHIND_SECONDS), IDLE_SECONDS)

    def _commit(self, calls: list[_Call]) -> None:
        try:
            with metrics.COMMIT.time():
                verdicts = self._committer.commit([call.entries for call in calls])
        except SpoolDown as error:
            logger.error("spool_down", extra={"fields": {"reason": error.message}})
            self._settle(calls, error)
            return
        if any(verdicts):
            logger.error("spool_full", extra={"fields": {"used": self._committer.usage[0]}})
        for call, refused in zip(calls, verdicts, strict=True):
            if refused is None:
                metrics.count(call.drafts)
        self._settle(calls, None, verdicts)

    def _recover(self) -> None:
        refused = self._refused
        if self._committer.recover(refused):
            self._refused -= refused
            logger.warning("spool_recovered", extra={"fields": {"refused": refused}})

    def _trim(self) -> None:
        try:
            more = self._committer.trim()
        except SpoolDown as error:
            logger.error("spool_down", extra={"fields": {"reason": error.message}})
            return
        pause = BEHIND_SECONDS if more else IDLE_SECONDS
        self._next_trim_us = self._clock.monotonic_us() + int(pause * 1e6)

    def _beat(self) -> None:
        self._next_beat_us = self._clock.monotonic_us() + BEAT_US
        try:
            self._committer.beat()
        except SpoolDown as error:
            logger.error("spool_down", extra={"fields": {"reason": error.message}})

    def _settle(
        self, calls: list[_Call], error: GatewayError | None, verdicts: Sequence[SpoolFull | None] = ()
    ) -> None:
        """Wakes the callers, all in one turn of their loop."""
        if not calls or self._loop is None or self._loop.is_closed():
            return
        results: Sequence[GatewayError | None] = verdicts or [error] * len(calls)
        self._loop.call_soon_threadsafe(_wake, calls, results)

    def _reject_rest(self) -> None:
        rest: list[_Call] = []
        while not self._calls.empty():
            call = self._calls.get()
            if call is not None:
                rest.append(call)
        self._settle(rest, SpoolDown("the spool is closing"))


def _wake(calls: list[_Call], errors: Sequence[GatewayError | None]) -> None:
    for call, error in zip(calls, errors, strict=True):
        if call.future.done():  # its caller was cancelled
            continue
        if error is None:
            call.future.set_result(None)
        else:
            call.future.set_exception(error)


def open_spool(settings: Settings, role: str, clock: Clock | None = None) -> Spool:
    """The spool of service `role`, where and as large as the settings say."""
    state = settings.gateway.state_dir
    return Spool(
        state / "spool" / f"{role}.db",
        role,
        settings.gateway.id,
        max_bytes=settings.spool.max_bytes,
        reserved_percent=settings.spool.reserved_percent,
        window_ms=settings.spool.commit_window_ms,
        max_age_seconds=settings.spool.max_age_seconds,
        clock=clock,
        cursor=state / "log" / "cursor.db",
    )
