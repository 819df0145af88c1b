"""The counters of a running service: a thread of its own does the writing, callers await it. Shell.

Calls that wait together share one transaction, in the order in which they came; so a release that was posted is seen
by every reservation after it. If one of them fails, nothing of the transaction happened, and each is tried in one of
its own, in the same order: who fails, fails alone. What fails outside of a call (no file, no server, no commit) fails
all of them with UsageDown; the next one opens the file again. A transaction in which nothing comes back from a server
is cut by the first call after TURN_SECONDS, and the next one makes a connection of its own.
"""

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from runtime import log
from runtime.clock import Clock
from runtime.errors import Error
from runtime.settings import Settings
from usage.amounts import Amounts
from usage.book import Book
from usage.errors import UsageDown
from usage.ledger import Numbers, Reservation
from usage.scopes import Who
from usage.shared import SharedBook

T = TypeVar("T")
CALL_SECONDS = 3.0  # a caller waits no longer; the lock itself is waited for 1 s
TURN_SECONDS = 6.0  # then a transaction hangs: its callers are gone, and so is every limit that the server keeps
KEEP_SECONDS = 1.0  # between two purges
MOST_CALLS = 256  # in one transaction
MOST_WAITING = 10_000

logger = log.get("usage")


class Counting(Protocol):
    """What authz and extproc need of it; `usage.memory.Uncounted` is the fake."""

    async def reserve(self, wanted: Reservation) -> Numbers: ...
    async def look(self, exchange: str) -> Numbers: ...
    def release(self, exchange: str, *, denied: bool = False) -> None: ...
    async def settle(self, exchange: str, who: Who, used: Amounts, tokens: Iterable[bytes]) -> None: ...
    async def renew(self, exchanges: Mapping[str, bool]) -> None: ...
    async def untold(self) -> list[Reservation]: ...
    async def told(self, exchanges: Iterable[str]) -> None: ...


class _Call:
    def __init__(self, step: Callable[[Book], Any], loop: asyncio.AbstractEventLoop) -> None:
        self.step, self.future = step, loop.create_future()


class Counters:
    """`async with Counters(path, clock) as counters:`; one event loop. `keeper`: the one that tidies up."""

    def __init__(self, place: Path | Book, clock: Clock, *, keeper: bool = False) -> None:
        self._book = Book(place) if isinstance(place, Path) else place
        self._clock, self._keeper = clock, keeper
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="usage", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._down = False
        self._since_us: int | None = None  # when the transaction began in which the thread is

    async def __aenter__(self) -> Self:
        """Never fails: a file that cannot be opened fails each call, until it can."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._calls.put(None)
        await asyncio.to_thread(self._thread.join, CALL_SECONDS)
        for _ in range(2):  # what hangs, and what is tried after it; then it is left behind
            if self._thread.is_alive():
                self._book.cut()
                await asyncio.to_thread(self._thread.join, CALL_SECONDS)

    async def reserve(self, wanted: Reservation) -> Numbers:
        return await self._ask(lambda book: book.reserve(wanted, self._clock.now_us()))

    async def look(self, exchange: str) -> Numbers:
        return await self._ask(lambda book: book.look(exchange, self._clock.now_us()))

    def release(self, exchange: str, *, denied: bool = False) -> None:
        """Posted, not waited for: were it lost, the reservation would expire."""
        with contextlib.suppress(UsageDown):
            self._post(lambda book: book.release(exchange, int(denied), self._clock.now_us()))

    async def settle(self, exchange: str, who: Who, used: Amounts, tokens: Iterable[bytes]) -> None:
        kept = list(tokens)
        await self._ask(lambda book: book.settle(exchange, who, used, kept, self._clock.now_us()))

    async def renew(self, exchanges: Mapping[str, bool]) -> None:
        kept = dict(exchanges)
        await self._ask(lambda book: book.renew(kept, self._clock.now_us()))

    async def untold(self) -> list[Reservation]:
        """Expires what is due, and tells what was lost by it."""
        return await self._ask(self._untold)

    async def told(self, exchanges: Iterable[str]) -> None:
        kept = list(exchanges)
        await self._ask(lambda book: book.told(kept))

    async def read(self, who: Who) -> Numbers:
        return await self._ask(lambda book: book.read(who, self._clock.now_us()))

    def _untold(self, book: Book) -> list[Reservation]:
        book.expire(self._clock.now_us())
        return book.untold()

    async def _ask(self, step: Callable[[Book], T]) -> T:
        call = self._post(step)
        try:
            async with asyncio.timeout(CALL_SECONDS):
                answer: T = await call.future
        except TimeoutError:
            raise UsageDown("the counters are too slow") from None
        return answer

    def _post(self, step: Callable[[Book], Any]) -> _Call:
        if self._loop is None:
            raise UsageDown("the counters are not open")
        self._watch()
        if self._calls.qsize() >= MOST_WAITING:
            raise UsageDown("too many wait for the counters")
        call = _Call(step, self._loop)
        self._calls.put(call)
        return call

    def _watch(self) -> None:
        since_us = self._since_us
        if since_us is not None and self._clock.monotonic_us() - since_us >= TURN_SECONDS * 1e6:
            self._book.cut()

    # the thread

    def _run(self) -> None:
        going, kept_us = True, self._clock.monotonic_us()
        while going:
            calls, going = self._gather()
            if calls:
                self._turn(calls)
            if self._keeper and self._clock.monotonic_us() - kept_us >= KEEP_SECONDS * 1e6:
                self._keep()
                kept_us = self._clock.monotonic_us()
        self._book.close()

    def _gather(self) -> tuple[list[_Call], bool]:
        try:
            first = self._calls.get(timeout=KEEP_SECONDS)
        except queue.Empty:
            return [], True
        calls: list[_Call] = []
        while first is not None:
            calls.append(first)
            if len(calls) == MOST_CALLS or self._calls.empty():
                return calls, True
            first = self._calls.get()
        return calls, False

    def _turn(self, calls: list[_Call]) -> None:
        """One transaction for all of them; if a call failed it, one for each, for as long as callers wait."""
        began_us = self._clock.monotonic_us()
        answers, own = self._together(calls)
        if not own or len(calls) == 1:
            return self._wake(calls, answers)
        for place, call in enumerate(calls):
            if self._clock.monotonic_us() - began_us >= CALL_SECONDS * 1e6:
                return self._wake(calls[place:], [UsageDown("the counters are too slow")] * len(calls[place:]))
            answers, own = self._together([call])
            if isinstance(answers[0], Error) and not own:  # nor will it be better for the next one
                return self._wake(calls[place:], answers * len(calls[place:]))
            self._wake([call], answers)
        return None

    def _together(self, calls: list[_Call]) -> tuple[list[Any], bool]:
        """One transaction: the answers, and whether it was a call that failed it."""
        own = False
        try:
            with self._transaction():
                own = True
                answers = [None if call.future.cancelled() else call.step(self._book) for call in calls]
                own = False
        except Exception as error:  # nobody may be told that this was counted
            failed = error if isinstance(error, Error) else UsageDown("internal")
            self._say(failed, error)
            return [failed] * len(calls), own
        self._down = False
        return answers, False

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._since_us = self._clock.monotonic_us()
        try:
            with self._book.transaction():
                yield
        finally:
            self._since_us = None

    def _say(self, failed: Error, error: Exception) -> None:
        if not self._down or failed is not error:
            fields = {"reason": failed.message, "error_type": type(error).__name__}
            logger.error("usage_down", extra={"fields": fields})
        self._down = True

    def _keep(self) -> None:
        try:
            with self._transaction():
                self._book.purge(self._clock.now_us())
        except UsageDown as error:
            self._say(error, error)

    def _wake(self, calls: list[_Call], answers: list[Any]) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(_answer, calls, answers)


def _answer(calls: list[_Call], answers: list[Any]) -> None:
    for call, answer in zip(calls, answers, strict=True):
        if call.future.done():  # its caller waits no longer
            continue
        if isinstance(answer, Error):
            call.future.set_exception(answer)
            call.future.exception()  # looked at: of a posted call nobody asks
        else:
            call.future.set_result(answer)


def open_counters(settings: Settings, clock: Clock, *, keeper: bool = False) -> Counters:
    if settings.shared.url and settings.shared.counters:
        return Counters(SharedBook(settings.shared, settings.gateway.id), clock, keeper=keeper)
    return Counters(settings.gateway.state_dir / "usage.db", clock, keeper=keeper)
