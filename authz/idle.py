"""When callers without a session key began and were last seen: one small SQLite file, over restarts and for all authz
processes of a gateway. Shell.

Without it each process, and each restart, would have a session of its own for such a caller, and whoever revoked one
would stop nobody. It is a memory, not evidence: written without fsync, and when somebody was last seen every few
seconds, so that a power cut costs at worst all of it.
"""

import contextlib
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
BUSY_SECONDS = 0.2  # others hold the lock for less than a millisecond; a check does not wait longer for this
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
    """`with Idle(state_dir) as idle:`. Never raises: a file that cannot be used is said in the log, once."""

    def __init__(self, state_dir: Path) -> None:
        self._path = state_dir / FILE
        self._db: sqlite3.Connection | None = None
        self._failed = False

    def __enter__(self) -> Self:
        with self._told():
            private_dir(self._path.parent)
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
            db = sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None)
            self._db = db
            db.execute("PRAGMA synchronous = OFF")
            for statement in SCHEMA:
                db.execute(statement)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._db is not None:
            self._db.close()

    def began(self, caller: tuple[str, str, str], now_us: int) -> int:
        """When the caller's session began, by whichever process; now, if it is a new one."""
        began = now_us
        with self._told(), self._transaction() as db:
            row = db.execute(FIND, (*caller, now_us - IDLE_US)).fetchone()
            if row is None:
                db.execute(BEGIN, (*caller, now_us, now_us))
            else:
                began = int(row[0])
        return began

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
        db.execute("BEGIN IMMEDIATE")
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
