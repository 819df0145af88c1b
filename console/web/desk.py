"""What every page stands at: the settings, the current snapshot, and the record, read in a person's own name.

Reading blocks (the store's client is not async), so it happens on a thread; each read is recorded for the person who
asked, before it happens.
"""

import asyncio
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from starlette.requests import Request

from approvals.client import ApprovalsClient
from audit.read import Reader
from audit.store.client import auditor_client
from audit.write import Caller, Draft, Kind, Value
from console.recording import Recorder
from console.web.people import Person
from identity import Identity
from runtime.clock import Clock, SystemClock
from runtime.settings import Settings
from snapshot.current import Current, Snapshot

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

Found = TypeVar("Found")
MOST_READS = 4  # at once: the embedded store works on one question at a time, and a page asks several


class Desk:
    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        self.settings, self.clock = settings, clock or SystemClock()
        self._current = Current(settings.gateway.state_dir, settings.secrets)
        self._client: Client | None = None
        self._connecting = threading.Lock()
        self._reads = asyncio.Semaphore(MOST_READS)

    def snapshot(self) -> Snapshot:
        """What decides now. Raises NoSnapshot."""
        return self._current.get()

    def approvals(self, person: Person) -> ApprovalsClient:
        return ApprovalsClient(self.settings.socket("approvals"), person.token)

    def note(self, identity: Identity, type_: str, data: Mapping[str, Value]) -> None:
        """`person.signed_in` and the like, durable on return. Blocking. Raises NotRecorded."""
        caller = Caller(identity.issuer, identity.subject)
        self._recorder(caller).record(Draft(Kind.PERSON, type_, caller=caller, data=data))

    def recorder(self, person: Person) -> Recorder:
        return self._recorder(Caller(person.identity.issuer, person.identity.subject))

    def _recorder(self, caller: Caller) -> Recorder:
        """Blocking, like the store: its work belongs on a thread."""
        rules = lambda: self._current.get().masking  # noqa: E731
        return Recorder(self.settings, self.clock, caller=caller, rules=rules, required=True)

    async def read(self, person: Person, work: Callable[[Reader], Found]) -> Found:
        """`work` asks the record on a thread. Raises StoreDown, StoreSilent, QueryRefused, NotRecorded."""
        return await self.reading(person)(work)

    def reading(self, person: Person) -> "Reading":
        """For several reads that are one: each kind of question is recorded once."""
        return Reading(self, self.recorder(person))

    async def reader(self, person: Person) -> Reader:
        """For work that reads page after page on threads of its own."""
        return Reader(await asyncio.to_thread(self._store), self.recorder(person).read)

    async def on_thread(self, work: Callable[[Reader], Found], recorder: Recorder) -> Found:
        async with self._reads:
            return await asyncio.to_thread(lambda: work(Reader(self._store(), recorder.read)))

    def _store(self) -> "Client":
        """One client for all: it keeps no session, and works again once the store is back. Raises StoreDown."""
        with self._connecting:
            if self._client is None:
                self._client = auditor_client(self.settings)
            return self._client

    def close(self) -> None:
        if self._client is not None:
            self._client.close()


@dataclass(frozen=True, slots=True)
class Reading:
    """`rows = await reading(lambda reader: reader.ask(question))`."""

    desk: Desk
    recorder: Recorder

    async def __call__(self, work: Callable[[Reader], Found]) -> Found:
        return await self.desk.on_thread(work, self.recorder)


def desk(request: Request) -> Desk:
    found: Desk = request.app.state.desk
    return found
