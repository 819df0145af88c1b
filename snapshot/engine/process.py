"""A worker, seen from its owner: started by exec, called with a deadline, killed when it overruns."""

import asyncio
import contextlib
import json
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runtime.errors import GatewayError
from snapshot.engine.frames import BrokenFrame, pack, read
from snapshot.engine.library import LibraryMissing

# GOGC: Go's collector runs less often for more memory: 15 to 25 % less CPU a decision, some 10 MB more a worker
# (measured). GOTRACEBACK: a worker that runs out of memory says so in one line.
ENVIRONMENT = ("GOGC=400", "GOTRACEBACK=none")
START_SECONDS = 30.0  # loading the library and compiling a large repository on a busy machine


class WorkerDied(GatewayError):
    """The process ended by itself: out of memory, or killed from outside."""

    code = "engine_died"


class WorkerSlow(GatewayError):
    """The deadline passed; the process was killed, for nothing else ends an evaluation."""

    code = "engine_slow"


class RegoFailed(GatewayError):
    """OPA's refusal or failure. `text` may quote content: for the policy's author, never for a log."""

    code = "rego_failed"

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(f"the engine answers {kind}")
        self.kind = kind
        self.text = text


@dataclass(frozen=True, slots=True)
class Evaluated:
    """`json`: the document's value as JSON, None when it is undefined."""

    json: bytes | None
    coverage: dict[str, Any] | None = None
    trace: list[dict[str, Any]] | None = None

    @property
    def value(self) -> Any:
        return None if self.json is None else json.loads(self.json)


class Worker:
    """One call at a time. After WorkerSlow, WorkerDied or a cancelled call it is dead and stays so."""

    def __init__(
        self, process: asyncio.subprocess.Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer
        self._killed = False

    @classmethod
    async def start(cls) -> "Worker":
        ours, theirs = socket.socketpair()
        with theirs:
            process = await asyncio.create_subprocess_exec(
                "env", *ENVIRONMENT, sys.executable, "-m", "snapshot.engine.worker", str(theirs.fileno()),
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, pass_fds=(theirs.fileno(),),
            )  # fmt: skip
        ours.setblocking(False)
        reader, writer = await asyncio.open_connection(sock=ours, limit=1 << 20)
        return cls(process, reader, writer)

    @classmethod
    @contextlib.asynccontextmanager
    async def running(cls) -> "AsyncIterator[Worker]":
        """For checks and tests: a worker for the length of a block."""
        worker = await cls.start()
        try:
            yield worker
        finally:
            await worker.stop()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def dead(self) -> bool:
        return self._killed or self._process.returncode is not None

    async def parse(self, path: str, source: str, *, seconds: float = START_SECONDS) -> dict[str, Any]:
        """The module's syntax tree. Raises RegoFailed(parse_error)."""
        header, _ = await self._call({"op": "parse", "path": path, "source": source}, b"", seconds)
        tree: dict[str, Any] = header["tree"]
        return tree

    async def load(
        self,
        modules: Mapping[str, str],
        data: Mapping[str, Any],
        *,
        warm: Sequence[Sequence[str]],
        seconds: float = START_SECONDS,
    ) -> None:
        """Replaces what is loaded; `warm`: the documents that will be asked for. Raises RegoFailed."""
        header = {"op": "load", "modules": dict(modules), "data": dict(data), "warm": [list(path) for path in warm]}
        await self._call(header, b"", seconds)

    async def evaluate(
        self, path: Sequence[str], body: bytes, *, seconds: float, coverage: bool = False, trace: bool = False
    ) -> Evaluated:
        """The document `data.<path>` for the JSON object `{"input": …}` in `body`. Raises RegoFailed."""
        header = {"op": "eval", "path": list(path), "coverage": coverage, "trace": trace}
        reply, payload = await self._call(header, body, seconds)
        return Evaluated(payload if reply["defined"] else None, reply.get("coverage"), reply.get("trace"))

    async def each(
        self, paths: Sequence[Sequence[str]], *, seconds: float, coverage: bool = False
    ) -> tuple[list[list[Any]], dict[str, Any] | None]:
        """Several documents without input, at the price of one: [value] or [] each, and the coverage of all.

        Raises RegoFailed when any of them fails.
        """
        header = {"op": "each", "paths": [list(path) for path in paths], "coverage": coverage}
        reply, _ = await self._call(header, b"", seconds)
        return reply["values"], reply.get("coverage")

    async def many(self, path: Sequence[str], inputs: Sequence[bytes], *, seconds: float) -> list[tuple[str, Any, int]]:
        """The same document for many inputs (JSON each): ("value", V, cpu), ("undefined", None, cpu) or (kind of
        error, text, cpu), with the microseconds of CPU it took."""
        header = {"op": "many", "path": list(path), "sizes": [len(item) for item in inputs]}
        reply, _ = await self._call(header, b"".join(inputs), seconds)
        return [(kind, value, cpu_us) for kind, value, cpu_us in reply["outcomes"]]

    async def stop(self) -> None:
        """Ends the process, whatever it does."""
        self._kill()
        await self._process.wait()

    async def _call(self, header: dict[str, Any], payload: bytes, seconds: float) -> tuple[dict[str, Any], bytes]:
        try:
            async with asyncio.timeout(seconds):
                self._writer.write(pack(header, payload))
                reply, result = await read(self._reader)
        except TimeoutError:
            self._kill()
            raise WorkerSlow(f"the engine gave no answer in {seconds:.3f} s and was killed") from None
        except (BrokenFrame, OSError):
            self._kill()
            raise WorkerDied("the engine's worker process ended") from None
        except BaseException:
            self._kill()  # its late answer would be taken for the next call's
            raise
        if "error" in reply:
            kind, text = reply["error"]["kind"], reply["error"]["text"]
            raise LibraryMissing(text) if kind == LibraryMissing.code else RegoFailed(kind, text)
        return reply, result

    def _kill(self) -> None:
        self._killed = True
        self._writer.close()
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
