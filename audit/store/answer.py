"""From a running query to an HTTP answer: headers, status, streaming, cancellation, errors after the first byte."""

import asyncio
import contextlib
import json
import secrets
import string
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import CancelledError as FutureCancelled

from starlette.requests import ClientDisconnect
from starlette.responses import Response, StreamingResponse

from audit.store.accounts import Account
from audit.store.engine import Duty
from audit.store.execute import NeedsDuty, Progress, execute, kill
from audit.store.faults import Fault
from audit.store.request import Query
from audit.store.serving import Store
from runtime import log
from runtime.ids import uuid7

# What is kept back before the status goes out: an error in the first part of a result still gets its proper status.
HELD_BYTES = 1 << 20
WHOLE_BYTES = 256 << 20  # wait_end_of_query: hold everything, up to this
CLIENT_PATIENCE_SECONDS = 60  # a client that takes nothing for so long loses its query
POLL_SECONDS = 0.25  # how soon a client that left is noticed

_log = log.get("store")
Left = Callable[[], Awaitable[bool]]
_MEDIA = {
    "JSON": "application/json; charset=UTF-8",
    "JSONCompact": "application/json; charset=UTF-8",
    "JSONEachRow": "application/x-ndjson; charset=UTF-8",
    "CSV": "text/csv; charset=UTF-8; header=absent",
    "CSVWithNames": "text/csv; charset=UTF-8; header=present",
    "TabSeparated": "text/tab-separated-values; charset=UTF-8",
    "TSV": "text/tab-separated-values; charset=UTF-8",
    "TabSeparatedWithNames": "text/tab-separated-values; charset=UTF-8",
    **dict.fromkeys(("Native", "RowBinary", "Parquet", "Arrow", "ArrowStream"), "application/octet-stream"),
}


class Gone(Exception):
    """The client left; nobody is told."""


class Pipe:
    """Blocks from the worker thread to the event loop, a few at a time; `None` ends it, an exception fails it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[bytes | BaseException | None] = asyncio.Queue(maxsize=4)
        self._closed = False

    def put(self, item: bytes | BaseException | None) -> None:
        """Called in the worker thread. Raises Gone when the reader left or took nothing for too long."""
        if self._closed:
            raise Gone
        waiting = asyncio.run_coroutine_threadsafe(self._queue.put(item), self._loop)
        try:
            waiting.result(CLIENT_PATIENCE_SECONDS)
        except (TimeoutError, FutureCancelled):
            waiting.cancel()
            raise Gone from None

    async def get(self, left: Left | None = None) -> bytes | None:
        """The next block; raises what the thread raised, and ClientDisconnect once `left` says so."""
        while True:
            try:
                async with asyncio.timeout(POLL_SECONDS if left else None):
                    item = await self._queue.get()
                break
            except TimeoutError:
                if left is not None and await left():
                    raise ClientDisconnect from None
        if isinstance(item, BaseException):
            raise item
        return item

    def close(self) -> None:
        """Nobody reads any more: the thread learns it at its next block, also while it waits with one."""
        self._closed = True
        with contextlib.suppress(asyncio.QueueEmpty):
            while True:
                self._queue.get_nowait()


class Job:
    """One query in its worker thread."""

    def __init__(self, store: Store, account: Account, query: Query, query_id: str, duty: Duty) -> None:
        self.progress = Progress(query.output)
        self._store, self._account, self._query, self._query_id = store, account, query, query_id
        self._duty, self._tag = duty, uuid7()
        self._pipe = Pipe()
        self._done = threading.Event()

    async def start(self) -> None:
        """Raises Fault 202 when too many read already."""
        store, reads = self._store, self._query.insert is None and self._account is not Account.WRITER
        if self._duty is Duty.SERVE:
            await store.turnstile.enter()
        store.reading += reads
        store.running[self._query_id] = (self._account, self._tag)
        thread = asyncio.get_running_loop().run_in_executor(store.readers if reads else store.writers, self._work)
        thread.add_done_callback(lambda _: self._leave(reads))

    def _leave(self, reads: bool) -> None:
        store = self._store
        store.reading -= reads
        if store.running.get(self._query_id) == (self._account, self._tag):
            del store.running[self._query_id]
        if self._duty is Duty.SERVE:
            store.turnstile.leave()

    def _work(self) -> None:
        """In the thread. Whatever happens goes through the pipe; nobody looks at the thread's own result."""
        last: BaseException | None = None
        try:
            execute(
                self._store.engine,
                self._account,
                self._query,
                tag=self._tag,
                emit=self._pipe.put,
                progress=self.progress,
                duty=self._duty,
            )
        except (Fault, NeedsDuty, Gone) as error:
            last = error
        except BaseException as error:
            _log.error("query_broke", exc_info=error, extra={"fields": {"query_id": self._query_id}})
            last = Fault(1001, "STD_EXCEPTION", f"the store failed: {type(error).__name__}")
        finally:
            self._done.set()
        with contextlib.suppress(Gone):
            self._pipe.put(last)

    async def first_part(self, limit: int, left: Left) -> tuple[bytes, bool]:
        """Bytes up to about `limit`, and whether that was all. Raises Fault, NeedsDuty, ClientDisconnect."""
        held = bytearray()
        while (block := await self._pipe.get(left)) is not None:
            held += block
            if len(held) >= limit:
                return bytes(held), False
        return bytes(held), True

    async def rest(self, held: bytes, tag: str, version: str) -> AsyncIterator[bytes]:
        """The held part, then block after block; an error becomes the tagged tail that clients look for."""
        try:
            yield held
            while (block := await self._pipe.get()) is not None:
                yield block
        except Fault as fault:
            message = fault.body(version)
            size = len(message.encode())
            yield f"\r\n__exception__\r\n{tag}\r\n{message}{size} {tag}\r\n__exception__\r\n".encode()
        finally:
            self.stop()

    def stop(self) -> None:
        """Ends the query if it still runs; its thread leaves by itself."""
        self._pipe.close()
        if not self._done.is_set():
            with contextlib.suppress(RuntimeError):  # the pools are shut down: so is the engine, soon
                self._store.killers.submit(_kill, self._store, self._tag, self._done)


def _kill(store: Store, tag: str, done: threading.Event) -> None:
    """Again and again: a kill that comes before the engine has registered the query finds nothing."""
    while not done.wait(0.1):
        with contextlib.suppress(Fault, RuntimeError):
            kill(store.engine, tag)


async def answer(store: Store, account: Account, query: Query, query_id: str, left: Left) -> Response:
    """Runs the query and answers. Raises Fault, ClientDisconnect."""
    try:
        return await _run(Job(store, account, query, query_id, Duty.SERVE), query, query_id, left, store.engine.version)
    except NeedsDuty as needs:
        async with store.on(needs.duty):
            job = Job(store, account, query, query_id, needs.duty)
            return await _run(job, query, query_id, left, store.engine.version)


async def _run(job: Job, query: Query, query_id: str, left: Left, version: str) -> Response:
    await job.start()
    try:
        held, ended = await job.first_part(WHOLE_BYTES if query.whole else HELD_BYTES, left)
    except BaseException:
        job.stop()
        raise
    headers = _headers(job.progress, query_id)
    if ended:
        return Response(held, headers=headers)
    tag = "".join(secrets.choice(string.ascii_lowercase) for _ in range(16))
    headers["X-ClickHouse-Exception-Tag"] = tag
    return StreamingResponse(job.rest(held, tag, version), headers=headers)


def _headers(progress: Progress, query_id: str) -> dict[str, str]:
    counts = {
        "read_rows": 0,
        "read_bytes": 0,
        "written_rows": progress.written_rows,
        "written_bytes": progress.written_bytes,
        "total_rows_to_read": 0,
        "result_rows": progress.result_rows,
        "result_bytes": progress.result_bytes,
    }
    return {
        "Content-Type": _MEDIA.get(progress.output, "text/plain; charset=UTF-8"),
        "X-ClickHouse-Query-Id": query_id,
        "X-ClickHouse-Format": progress.output,
        "X-ClickHouse-Timezone": "UTC",
        "X-ClickHouse-Server-Display-Name": "exeat-store",
        "X-ClickHouse-Summary": json.dumps({name: str(count) for name, count in counts.items()}),
    }


def failed(fault: Fault, version: str, query_id: str) -> Response:
    headers = {"X-ClickHouse-Exception-Code": str(fault.code), "X-ClickHouse-Query-Id": query_id}
    if fault.status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="ClickHouse server HTTP API"'
    return Response(fault.body(version), fault.status, headers, "text/plain; charset=UTF-8")
