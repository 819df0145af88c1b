"""The counters of several gateways, in PostgreSQL: the same steps, one transaction after the other by one lock.

Sequence numbers are given under that lock, so the places in line are one row of all gateways. Commits are synchronous:
a budget does not come back with the server.
"""

import contextlib
import threading
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime import postgres
from runtime.settings import Shared
from usage import tables
from usage.amounts import Amounts
from usage.book import AT_ONCE, Book
from usage.errors import UsageDown
from usage.ledger import Reservation
from usage.scopes import Who
from usage.windows import WINDOWS

if TYPE_CHECKING:
    import psycopg

MIGRATIONS = Path(__file__).with_name("migrations")
BEGIN = "BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('exeat usage', 0))"  # one way to the server and back
OWN = " AND gateway = current_setting('exeat.gateway')"
READ = tables.READ.replace("SELECT grain,", "SELECT key, grain,").replace("key = ?", "key = ANY(?)")
READ = READ.replace("GROUP BY grain", "GROUP BY key, grain")


class SharedBook(Book):
    def __init__(self, shared: Shared, gateway: str) -> None:
        super().__init__(Path("usage"))  # a name for messages
        self._shared, self._gateway = shared, gateway
        self._server: psycopg.Connection[Any] | None = None
        self._ending = threading.Lock()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Raises UsageDown; then nothing of it happened, or its commit was not heard of, and the next one connects."""
        try:
            with postgres.told(self._shared):
                conn = self._server or self._joined()
                conn.execute(BEGIN)
                yield
                conn.execute("COMMIT")
        except postgres.SharedDown as error:
            self.close()
            raise UsageDown(error.message) from None
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        with self._ending:
            conn, self._server = self._server, None
            if conn is not None:
                with contextlib.suppress(Exception):
                    conn.close()

    def cut(self) -> None:
        """Not one that is being closed: the number of its socket may be another's by then."""
        if self._ending.acquire(blocking=False):
            try:
                postgres.cut(self._server)
            finally:
                self._ending.release()

    def untold(self) -> list[Reservation]:
        """Of this gateway: each records its own."""
        return tables.untold(self._now, AT_ONCE, OWN)

    def _read(self, who: Who, now_us: int) -> Mapping[bytes, Mapping[int, Amounts]]:
        """All four keys at once."""
        since = [window.first(now_us) for window in WINDOWS]
        found: dict[bytes, dict[int, Amounts]] = {key: {} for key in who.keys}
        for key, grain, *sums in self._now.execute(READ, (list(who.keys), *since)):
            found[bytes(key)][grain] = Amounts(*sums)
        return found

    @property
    def _now(self) -> tables.Conn:
        if self._server is None:
            raise UsageDown("not in a transaction")
        return _Spoken(self._server)

    def _joined(self) -> "psycopg.Connection[Any]":
        """Held before anything is said on it, so that it can be cut; `transaction` closes it if that fails."""
        conn = self._server = postgres.connect(self._shared, f"exeat usage {self._gateway}"[:63])
        postgres.migrate(conn, "usage", MIGRATIONS)
        conn.execute("SELECT set_config('exeat.gateway', %s, false)", (self._gateway,))
        return conn


class _Spoken:
    """The driver's connection, with SQLite's placeholders."""

    def __init__(self, conn: "psycopg.Connection[Any]") -> None:
        self._conn = conn

    def execute(self, sql: str, parameters: Any = (), /) -> Any:
        return self._conn.execute(_placed(sql), parameters)

    def executemany(self, sql: str, parameters: Any, /) -> None:
        with self._conn.cursor() as cursor:
            cursor.executemany(_placed(sql), parameters)


@cache
def _placed(sql: str) -> bytes:
    return sql.replace("?", "%s").encode()
