"""Starts parts in order, keeps them running, ends them in the reverse order. Starts by exec, never by a bare fork.

Life of a part: started → ready (its own check says so) → watched: when it dies it is started again after a pause that
doubles up to 30 s; when it answers no check for 30 s it is killed first. Each step is one sentence through `say`.
A part that dies before it was ever ready ends the whole start, with the part's last words.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from runtime.errors import GatewayError
from runtime.fileio import private_dir

CHECK_SECONDS = 0.05
WATCH_SECONDS = 5.0
PATIENCE_SECONDS = 8.0  # then the start says what it waits for
SILENT_SECONDS = 30.0  # longer than a store's slowest answer seen under load
PAUSE_SECONDS = (0.2, 30.0)
CALM_SECONDS = 60.0  # after running so long, the pause starts small again


class PartFailed(GatewayError):
    code = "part_failed"


async def _always() -> bool:
    return True


async def _nothing() -> None:
    return None


@dataclass(frozen=True)
class Part:
    """One process. `ready` is asked often at the start, seldom afterwards; `drain` runs before it is told to stop."""

    name: str
    argv: Sequence[str]
    ready: Callable[[], Awaitable[bool]] = _always
    drain: Callable[[], Awaitable[None]] = _nothing
    ready_seconds: float = 60.0
    stop_seconds: float = 15.0
    environment: Mapping[str, str] = field(default_factory=dict)


class Supervisor:
    def __init__(self, parts: Sequence[Part], logs: Path, say: Callable[[str], None]) -> None:
        self._parts = parts
        self._logs = private_dir(logs)
        self._say = say
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._stopping = False

    def pid(self, name: str) -> int | None:
        """The process id of a part that runs now."""
        process = self._running.get(name)
        return process.pid if process and process.returncode is None else None

    async def run(self, stop: asyncio.Event, up: Callable[[], Awaitable[None]] = _nothing) -> None:
        """Until `stop`. `up` runs once all parts are ready. Raises PartFailed when the start fails."""
        try:
            for part in self._parts:
                await self._start(part)
                if not await self._until_ready(part, stop):
                    return
            await up()
            await self._watch(stop)
        finally:
            self._stopping = True
            await self._end()

    async def _watch(self, stop: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as group:
            keepers = [group.create_task(self._keep(part)) for part in self._parts]
            await stop.wait()
            self._stopping = True
            for keeper in keepers:
                keeper.cancel()

    async def _start(self, part: Part) -> None:
        with (self._logs / f"{part.name}.log").open("ab") as log:
            try:
                self._running[part.name] = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", "runtime.child", str(os.getpid()), *part.argv,
                    stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
                    env={**os.environ, **part.environment},  # noqa: TID251 - children inherit it
                    start_new_session=True,  # Ctrl-C reaches the supervisor alone, which then drains in order
                )  # fmt: skip
            except OSError as error:
                raise PartFailed(f"{part.name} cannot be started: {error.strerror}") from None

    async def _until_ready(self, part: Part, stop: asyncio.Event) -> bool:
        """False when asked to stop meanwhile."""
        process = self._running[part.name]
        loop = asyncio.get_running_loop()
        deadline = loop.time() + part.ready_seconds
        patience = loop.time() + PATIENCE_SECONDS
        while not stop.is_set():
            if process.returncode is not None:
                raise PartFailed(f"{part.name} ended before it was ready: {self.last_words(part.name)}")
            if await _ask(part):
                return True
            if loop.time() > patience:
                self._say(f"{part.name} is not ready yet: {self.last_words(part.name)}")
                patience = deadline
            if loop.time() > deadline:
                words = self.last_words(part.name)
                raise PartFailed(f"{part.name} was not ready within {part.ready_seconds:.0f} s: {words}")
            await asyncio.sleep(CHECK_SECONDS)
        return False

    async def _keep(self, part: Part) -> None:
        pause = PAUSE_SECONDS[0]
        loop = asyncio.get_running_loop()
        while not self._stopping:
            began = loop.time()
            process = self._running[part.name]
            why = await self._until_gone(part, process)
            if self._stopping:
                return
            if loop.time() - began > CALM_SECONDS:
                pause = PAUSE_SECONDS[0]
            self._say(f"{part.name} {why}; starting it again in {pause:.1f} s")
            await asyncio.sleep(pause)
            pause = min(pause * 2, PAUSE_SECONDS[1])
            try:
                await self._start(part)
            except PartFailed as error:
                self._say(error.message)

    async def _until_gone(self, part: Part, process: asyncio.subprocess.Process) -> str:
        """Waits for its death, or for a silence that is as good as one; says which."""
        silent = 0.0
        while True:
            try:
                code = await asyncio.wait_for(process.wait(), WATCH_SECONDS)
                return f"{_ending(code)}: {self.last_words(part.name)}"
            except TimeoutError:
                silent = 0.0 if await _ask(part) else silent + WATCH_SECONDS
            if silent >= SILENT_SECONDS:
                process.kill()
                await process.wait()
                return f"gave no answer for {SILENT_SECONDS:.0f} s and was killed"

    async def _end(self) -> None:
        for part in reversed(self._parts):
            process = self._running.get(part.name)
            if process is None or process.returncode is not None:
                continue
            await part.drain()
            process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), part.stop_seconds)
            except TimeoutError:
                self._say(f"{part.name} did not end within {part.stop_seconds:.0f} s and was killed")
                process.kill()
                await process.wait()

    def last_words(self, name: str) -> str:
        """The last line of its log, cut to one screen line or two."""
        try:
            tail = (self._logs / f"{name}.log").read_bytes()[-4096:]
        except OSError:
            return "it said nothing"
        lines = [line for line in tail.decode("utf-8", "replace").splitlines() if line.strip()]
        return lines[-1][:300] if lines else "it said nothing"


def _ending(code: int) -> str:
    return f"was ended by signal {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


async def _ask(part: Part) -> bool:
    try:
        return await asyncio.wait_for(part.ready(), 2.0)
    except (TimeoutError, OSError):
        return False
