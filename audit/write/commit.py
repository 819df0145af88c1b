"""A spool's connection and what is done with it. One thread at a time; knows nothing of asyncio."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from audit.write import tables
from audit.write.event import Draft, Entry, Kind
from audit.write.tables import SpoolDown, SpoolFull, SpoolLocked
from runtime.clock import Clock
from runtime.fileio import exclusive, private_dir

BUSY_SECONDS = 1.0  # only a stranger can hold the write lock; a longer wait is as bad as a failed disk
WAL_KEPT_BYTES = 64 << 20  # a WAL that a long reader made grow is cut back to this


class Committer:
    """Opens an epoch, commits groups, trims, and comes back after errors."""

    def __init__(
        self,
        path: Path,
        role: str,
        gateway: str,
        max_bytes: int,
        reserved_percent: int,
        clock: Clock,
        cursor: Path,
        max_age_seconds: int = tables.WEEK_SECONDS,
    ) -> None:
        self.path, self.clock, self.cursor = path, clock, cursor
        self._role, self._gateway = role, gateway
        self._max_bytes, self._reserved_percent, self._max_age_seconds = max_bytes, reserved_percent, max_age_seconds
        self._conn: sqlite3.Connection | None = None
        self._lock = -1
        self.down_since: int | None = None  # unix microseconds; None while healthy
        self.usage = (0, max_bytes)  # bytes held, cap

    @property
    def conn(self) -> sqlite3.Connection:
        if self._conn is None:
            raise sqlite3.OperationalError("not open")
        return self._conn

    def open(self) -> None:
        """Takes the single-writer lock and starts an epoch. Raises SpoolLocked, SpoolDown."""
        private_dir(self.path.parent)
        self._lock = _exclusive(self.path.with_suffix(".lock"))
        try:
            self._conn = connect(self.path)
            with transaction(self.conn) as conn:
                tables.install(
                    conn,
                    role=self._role,
                    gateway=self._gateway,
                    max_bytes=self._max_bytes,
                    reserved_percent=self._reserved_percent,
                    clock=self.clock,
                    cursor=self.cursor,
                    max_age_seconds=self._max_age_seconds,
                )
                self.usage = tables.usage(conn)
        except (sqlite3.Error, OSError) as error:
            self.release()
            raise SpoolDown(f"{self.path}: {_name(error)}") from None
        except SpoolDown:
            self.release()
            raise

    def commit(self, groups: Sequence[Sequence[Entry]]) -> list[SpoolFull | None]:
        """One transaction for all groups that fit. Raises SpoolDown: then none of them counts as recorded."""
        try:
            with transaction(self.conn) as conn:
                verdicts = tables.over_limit(conn, groups)
                fitting = [group for group, full in zip(groups, verdicts, strict=True) if full is None]
                tables.write(conn, [entry for group in fitting for entry in group])
                self.usage = tables.usage(conn)
        except Exception as error:  # whatever it is, nobody may be told that this is durable
            raise self._broken(error) from None
        return verdicts

    def beat(self) -> None:
        """Raises SpoolDown."""
        try:
            with transaction(self.conn) as conn:
                tables.beat(conn, self.clock)
                self.usage = tables.usage(conn)
        except Exception as error:
            raise self._broken(error) from None

    def trim(self) -> bool:
        """Drops what the shipper has acknowledged; True if there is more. Raises SpoolDown."""
        try:
            if not tables.trimmable(self.conn, self.cursor):
                return False
            with transaction(self.conn) as conn:
                more = tables.trim(conn, self.cursor)
                self.usage = tables.usage(conn)
                return more
        except Exception as error:
            raise self._broken(error) from None

    def recover(self, refused: int) -> bool:
        """Tries to come back after an error; True if the spool can be trusted again.

        A commit that failed at its fsync may still be seen in the page cache though the disk never got it, and the
        pages behind such a hole in the WAL are lost with it. So the WAL first moves into the database file, with
        fsyncs of its own; only then the chain goes on.
        """
        try:
            self._disconnect()
            self._conn = connect(self.path)
            if self._conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                return False  # a reader was in the way: try again
            data = {"since": self.down_since or 0, "refused": refused}
            entries = tables.entries_of([Draft(Kind.LIFECYCLE, "lifecycle.recovered", data=data)], self.clock)
            with transaction(self.conn) as conn:
                tables.write(conn, entries)
        except (sqlite3.Error, OSError):
            return False
        self.down_since = None
        return True

    def close(self) -> None:
        """Ends the epoch, if the disk still lets us, and gives up the lock."""
        if self.down_since is None:
            with contextlib.suppress(sqlite3.Error), transaction(self.conn) as conn:
                tables.finish(conn, self.clock)
        self.release()

    def release(self) -> None:
        self._disconnect()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _broken(self, error: Exception) -> SpoolDown:
        if self.down_since is None:
            self.down_since = self.clock.now_us()
        return SpoolDown(f"{self.path.name}: {_name(error)}")

    def _disconnect(self) -> None:
        if self._conn is not None:
            with contextlib.suppress(sqlite3.Error):
                self._conn.close()
            self._conn = None


@contextlib.contextmanager
def transaction(conn: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """One that writes, from its begin on; rolled back when anything is raised."""
    conn.execute("BEGIN IMMEDIATE")
    try:
        yield conn
        conn.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            conn.execute("ROLLBACK")
        raise


def connect(path: Path) -> sqlite3.Connection:
    """A connection that is durable at each commit; the file is 0600 from its first byte."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    conn = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    conn.execute("PRAGMA journal_mode = WAL")
    conn.execute("PRAGMA synchronous = FULL")
    conn.execute(f"PRAGMA journal_size_limit = {WAL_KEPT_BYTES}")
    return conn


def _exclusive(path: Path) -> int:
    """Locks a file beside the database: opening and closing the database itself would drop SQLite's own locks."""
    try:
        return exclusive(path)
    except BlockingIOError:
        raise SpoolLocked(f"{path}: another process writes this spool") from None


def _name(error: Exception) -> str:
    """SQLITE_FULL and the like; SQLite's texts may quote values."""
    return getattr(error, "sqlite_errorname", type(error).__name__)
