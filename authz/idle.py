"""When callers without a session key began and were last seen: one small SQLite file, over restarts and for all authz
processes of a gateway. Shell.

Without it each process, and each restart, would have a session of its own for such a caller, and whoever revoked one
would stop nobody. It is a memory, not evidence: written without fsync, and when somebody was last seen every few
seconds, so that a power cut costs at worst all of it.
"""

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from authz.session import IDLE_US, Seen
from runtime import log
from runtime.fileio import private_dir

FILE = "sessions.db"
BUSY = "PRAGMA busy_timeout = 200"  # ms; others hold the lock for less than one, and a check does not wait longer
START_SECONDS = 5.0  # where several processes start at once; nobody waits for a check yet
SCHEMA = (
    """CREATE TABLE IF NOT EXISTS idle (
        issuer TEXT NOT NULL, subject TEXT NOT NULL, agent TEXT NOT NULL,
        began_us INTEGER NOT NULL, last_us INTEGER NOT NULL, PRIMARY KEY (issuer, subject, agent)) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS idle_by_age ON idle (last_us)",
)
FIND = "SELECT began_us FROM idle WHERE issuer = ? AND subject = ? AND agent = ? AND last_us >= ?"
BEGIN = "INSERT OR REPLACE INTO idle VALUES (?, ?, ?, ?, ?)"
SEEN = "UPDATE idle SET last_us = max(last_us, ?) WHERE issuer = ? AND subject = ? AND agent = ? AND began_us = ?"
logger = log.get("authz")


class Idle:
    """`with Idle(state_dir) as idle:`. Never raises: a file that cannot be used is said in the log, once.

    A damaged one is forgotten, so that at least what begins from now on is kept.
    """

    def __init__(self, state_dir: Path) -> None:
        self._path = state_dir / FILE
        self._db: sqlite3.Connection | None = None
        self._failed = False

    def __enter__(self) -> Self:
        with self._told():
            private_dir(self._path.parent)
            try:
                self._db = self._open()
            except sqlite3.DatabaseError as error:
                if not _damaged(error):
                    raise
                self._db = self._open_anew()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._db is not None:
            self._db.close()

    def _open(self) -> sqlite3.Connection:
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
        db = sqlite3.connect(self._path, timeout=START_SECONDS, isolation_level=None)
        try:
            db.execute("PRAGMA synchronous = OFF")
            for statement in SCHEMA:
                db.execute(statement)
            if db.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):  # pages that a power cut left out
                raise sqlite3.DatabaseError("damaged")
            db.execute(BUSY)
        except BaseException:
            db.close()
            raise
        return db

    def _open_anew(self) -> sqlite3.Connection:
        """One process after the other, so that none removes the file that another has just made."""
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            try:
                return self._open()
            except sqlite3.DatabaseError as error:
                if not _damaged(error):
                    raise
            logger.error("sessions_forgotten")
            # the journal first, so that never one is left without its file
            self._path.with_name(f"{FILE}-journal").unlink(missing_ok=True)
            self._path.unlink()
            return self._open()
        finally:
            os.close(folder)

    def began(self, caller: tuple[str, str, str], began_us: int, now_us: int) -> int | None:
        """When the caller's session began, by whichever process; `began_us`, if none knows one. None: cannot say."""
        with self._told(), self._transaction() as db:
            row = db.execute(FIND, (*caller, now_us - IDLE_US)).fetchone()
            if row is None:
                db.execute(BEGIN, (*caller, began_us, now_us))
            return began_us if row is None else int(row[0])
        return None

    def save(self, seen: Iterable[Seen], now_us: int) -> None:
        """When they were last seen; and what is over is dropped."""
        rows = [(one.last_us, *one.caller, one.began_us) for one in seen]
        if not rows:
            return
        with self._told(), self._transaction() as db:
            db.executemany(SEEN, rows)
            db.execute("DELETE FROM idle WHERE last_us < ?", (now_us - IDLE_US,))

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        db = self._db
        if db is None:
            raise sqlite3.OperationalError("not open")
        try:
            db.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            db.execute("PRAGMA busy_timeout = 0")  # a lock that somebody keeps is waited for once, not by every check
            raise
        db.execute(BUSY)
        try:
            yield db
            db.execute("COMMIT")
        finally:
            if db.in_transaction:
                db.rollback()

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            if not self._failed:
                logger.error("sessions_not_kept", extra={"fields": {"error_type": type(error).__name__}})
            self._failed = True


def _damaged(error: sqlite3.DatabaseError) -> bool:
    """Its subclasses are about anything else: locks, disks, rights. SQLITE_NOTADB and SQLITE_CORRUPT have none."""
    return type(error) is sqlite3.DatabaseError
