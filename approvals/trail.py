"""The SQLite file of a gateway's approvals (`approvals.db`): the spool of their events, and room for more beside it.

One thread at a time; knows nothing of asyncio.
"""

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from approvals.authenticators import Enrolment
from approvals.began import Began
from approvals.errors import ApprovalsDown
from approvals.evidence import Change, Notice, draft, enrolment_draft, notice_draft, stand_draft
from approvals.standings import Stand
from audit.write import Draft, beat, finish, install, metrics, trim
from audit.write.commit import connect, transaction
from audit.write.tables import usage
from runtime.clock import Clock
from runtime.fileio import exclusive, private_dir


class Trail:
    def __init__(
        self,
        state_dir: Path,
        gateway: str,
        clock: Clock,
        *,
        max_bytes: int = 2 << 30,
        reserved_percent: int = 20,
        max_age_seconds: int = 604_800,
    ) -> None:
        self.path, self.cursor = state_dir / "approvals.db", state_dir / "log" / "cursor.db"
        self.gateway, self.clock = gateway, clock
        self._max_bytes, self._reserved_percent, self._max_age_seconds = max_bytes, reserved_percent, max_age_seconds
        self._usage = (0, max_bytes)
        self._began = Began(clock)
        self._conn: sqlite3.Connection | None = None
        self._lock = -1

    @property
    def conn(self) -> sqlite3.Connection:
        if self._conn is None:
            raise ApprovalsDown("the store is not open")
        return self._conn

    def start(self, schema: str, check: Callable[[sqlite3.Connection], None]) -> None:
        """Begins an epoch; `check` may refuse the file. Raises ApprovalsDown, when another process writes it, too."""
        private_dir(self.path.parent)
        self._lock = _exclusive(self.path.with_suffix(".lock"))
        try:
            self._conn = connect(self.path)
            # a commit whose fsync failed may live on in the page cache alone: bring it down before trusting it
            self._conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            with self.transaction() as conn:
                for statement in filter(str.strip, schema.split(";")):
                    conn.execute(statement)
                check(conn)
                install(
                    conn,
                    role="approvals",
                    gateway=self.gateway,
                    max_bytes=self._max_bytes,
                    reserved_percent=self._reserved_percent,
                    max_age_seconds=self._max_age_seconds,
                    clock=self.clock,
                    cursor=self.cursor,
                )
        except sqlite3.Error as error:
            self.close(clean=False)
            raise ApprovalsDown(f"{self.path}: {named(error)}") from None
        except ApprovalsDown:
            self.close(clean=False)
            raise

    def close(self, *, clean: bool = True) -> None:
        if self._conn is not None:
            with contextlib.suppress(sqlite3.Error):
                if clean:
                    with self.transaction() as conn:
                        finish(conn, self.clock)
                self._conn.close()
            self._conn = None
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def drafts(
        self,
        changes: Sequence[Change],
        notices: Sequence[Notice],
        stands: Sequence[Stand],
        enrolments: Sequence[Enrolment],
    ) -> list[Draft]:
        """Their events, with how long each has taken where that is known.

        What a key signed stands between its registration and its removal: no step of a group can have had it otherwise.
        """
        return [
            *map(notice_draft, notices),
            *(enrolment_draft(each) for each in enrolments if each.what == "added"),
            *(stand_draft(stand, self._began.took_us(stand.after.id)) for stand in stands),
            *(draft(change, self._began.took_us(change.after.id)) for change in changes),
            *(enrolment_draft(each) for each in enrolments if each.what == "removed"),
        ]

    def note(self, changes: Sequence[Change], stands: Sequence[Stand]) -> None:
        """They are durable."""
        for change in changes:
            self._began.note(change.after.id, change.fact.n, ended=change.after.state.final)
        for stand in stands:
            self._began.note(stand.after.id, stand.fact.n, ended=not stand.after.kept)

    def over(self, ids: Iterable[str]) -> None:
        """They ended at another gateway."""
        for id_ in ids:
            self._began.note(id_, 0, ended=True)

    def measure(self, conn: sqlite3.Connection) -> None:
        self._usage = usage(conn)

    def beat(self) -> None:
        """This writer's sign of life in the record."""
        with self.transaction() as conn:
            beat(conn, self.clock)

    def status(self) -> metrics.Status:
        """Of its spool; reads no disk."""
        used, most = self._usage
        return metrics.Status(used, most, 0, self._conn is None)

    def trim(self) -> bool:
        """Drops events that the shipper has acknowledged; True if there are more."""
        with self.transaction() as conn:
            more = trim(conn, self.cursor)
            self.measure(conn)
            return more

    def transaction(self) -> AbstractContextManager[sqlite3.Connection]:
        return transaction(self.conn)


def _exclusive(path: Path) -> int:
    """Locks a file beside the database: opening and closing the database itself would drop SQLite's own locks."""
    try:
        return exclusive(path)
    except BlockingIOError:
        raise ApprovalsDown(f"{path}: another approvals process is running") from None


def named(error: sqlite3.Error) -> str:
    """SQLITE_FULL and the like; SQLite's texts may quote values."""
    return getattr(error, "sqlite_errorname", type(error).__name__)
