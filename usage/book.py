"""The counter file: each method is one step inside a transaction, `transaction` is one. Knows nothing of asyncio.

Several processes share the file: WAL, and BEGIN IMMEDIATE, so that a step reads what it then changes. `synchronous`
is FULL: a budget does not come back with the power. On two busy cores with a fast disk that cost a fifth of a
reservation alone (1.05 ms instead of 0.86), and nothing where several share a commit.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from runtime.fileio import private_dir
from usage import ledger, tables
from usage.amounts import Amounts
from usage.errors import UsageDown
from usage.ledger import LEASE_US, SETTLED_US, Numbers, Reservation
from usage.scopes import Who

BUSY_SECONDS = 1.0  # others hold the lock for less than a millisecond
AT_ONCE = 500  # rows that one step expires or purges


class Book:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._conn: sqlite3.Connection | None = None
        self._inode = 0

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Raises UsageDown; then nothing of it happened, and the next one opens the file anew."""
        try:
            conn = self._opened()
            conn.execute("BEGIN IMMEDIATE")
            yield
            conn.execute("COMMIT")
        except (sqlite3.Error, OSError, ValueError) as error:
            self.close()
            name = getattr(error, "sqlite_errorname", type(error).__name__)  # SQLite's texts may quote values
            raise UsageDown(f"{self.path.name}: {name}") from None
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """An open transaction is rolled back by it."""
        conn, self._conn = self._conn, None
        if conn is not None:
            with contextlib.suppress(sqlite3.Error):
                conn.close()

    # the steps

    def reserve(self, wanted: Reservation, now_us: int) -> Numbers:
        """Reserves, and reads what is then used and reserved: by those before, and by this one."""
        self.expire(now_us)
        tables.put(self._now, wanted, now_us + LEASE_US)
        tables.write(self._now, ledger.reserve(wanted.who, wanted.reserved))
        return ledger.numbers(wanted.who, self._read(wanted.who, now_us))

    def look(self, exchange: str, now_us: int) -> Numbers:
        """What `reserve` would say now for a reservation that keeps its place in the line. Raises UsageDown."""
        found = tables.get(self._now, exchange)
        if found is None or not found.open:
            raise UsageDown("the reservation has expired")
        keys = found.who.keys
        return ledger.numbers(found.who, self._read(found.who, now_us), tables.ahead(self._now, exchange, keys))

    def release(self, exchange: str, denied: int, now_us: int) -> None:
        """Nothing left: all is given back. `denied`: 1 if the policy said no."""
        found = tables.get(self._now, exchange)
        if found is None or found.settled:
            return
        tables.write(self._now, found.unsettled())
        tables.write(self._now, ledger.charge(found.who, Amounts(denied=denied), now_us))
        tables.drop(self._now, exchange)

    def settle(self, exchange: str, who: Who, used: Amounts, tokens: Iterable[bytes], now_us: int) -> None:
        """What was reserved becomes what was used. `tokens`: keyed, of the values that were seen.

        The same end again (its commit was not heard of) is charged for what it is more: nothing.
        """
        used = used.bounded()
        found = tables.get(self._now, exchange)
        if found is None:
            found = Reservation(exchange, who, Amounts())
            tables.put(self._now, found, now_us)
        elif not found.settled:
            who = found.who
        tables.write(self._now, found.unsettled())
        tables.write(self._now, ledger.charge(who, used - found.charged, now_us))
        tables.settled(self._now, exchange, used, now_us + SETTLED_US)
        seen = list(dict.fromkeys(tokens))
        for key in who.keys if seen else ():
            tables.write(self._now, ledger.sightings(key, tables.seen(self._now, key, seen, now_us), now_us))

    def renew(self, exchanges: Mapping[str, bool], now_us: int) -> None:
        tables.renew(self._now, exchanges, now_us + LEASE_US)

    def expire(self, now_us: int) -> None:
        for found in tables.expired(self._now, now_us, AT_ONCE):
            charged = ledger.lose(found)
            tables.write(self._now, found.unsettled())
            if not found.sent:
                tables.drop(self._now, found.exchange)
                continue
            tables.write(self._now, ledger.charge(found.who, charged, now_us))
            tables.lost(self._now, found.exchange, charged)

    def untold(self) -> list[Reservation]:
        """Exchanges that were lost and that the evidence does not know as lost yet."""
        return tables.untold(self._now, AT_ONCE)

    def told(self, exchanges: Iterable[str]) -> None:
        tables.told(self._now, exchanges)

    def purge(self, now_us: int) -> None:
        tables.purge(self._now, now_us, AT_ONCE)

    def read(self, who: Who, now_us: int) -> Numbers:
        """What is used and reserved, all together."""
        return ledger.numbers(who, self._read(who, now_us))

    def _read(self, who: Who, now_us: int) -> Mapping[bytes, Mapping[int, Amounts]]:
        return tables.read(self._now, who.keys, now_us)

    def cut(self) -> None:
        """From another thread: what hangs is to fail. A file does not hang."""

    # the file

    @property
    def _now(self) -> tables.Conn:
        if self._conn is None:
            raise UsageDown("not in a transaction")
        return self._conn

    def _opened(self) -> sqlite3.Connection:
        """The connection; a new one when the file is another one than it was (somebody put a backup in its place)."""
        if self._conn is not None and self._inode_now() != self._inode:
            self.close()
        if self._conn is None:
            self._conn = self._connect()
        return self._conn

    def _inode_now(self) -> int:
        """0 when there is no file."""
        try:
            return os.stat(self.path).st_ino
        except FileNotFoundError:
            return 0

    def _connect(self) -> sqlite3.Connection:
        private_dir(self.path.parent)
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        self._inode = self.path.stat().st_ino
        conn = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            conn.execute("PRAGMA journal_mode = WAL")
            conn.execute("PRAGMA synchronous = FULL")
            conn.execute("BEGIN IMMEDIATE")
            tables.install(conn)
            conn.execute("COMMIT")
        except BaseException:
            conn.close()
            raise
        return conn
