"""State and spool of approvals in one SQLite file, so that a fact and its event are durable together or not at all.

    facts(approval, n, body)     what an approval is made of
    cards(id, …)                 an index over it: which are open, when they changed
    shown(id, media, content)    what approvers get to see
    deliveries(notifier, note)   what notifiers were told, or will never be
    revocations(id, n, body)     the facts of revocations; never forgotten
    standings(id, n, body)       the facts of standing grants; never forgotten, a policy bounds how many there are

Beside them stand the spool's own tables. What ended is forgotten after a while, because the evidence has it.
One thread at a time; knows nothing of asyncio.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter

from approvals.began import Began
from approvals.errors import ApprovalsDown
from approvals.evidence import Change, Notice, draft, notice_draft, stand_draft
from approvals.facts import Fact, Shown
from approvals.machine import Approval, IllegalFact, fold
from approvals.revocations import Revocation, RevocationFact
from approvals.revocations import fold as revoked
from approvals.standing import Fact as StandingFact
from approvals.standing import Standing
from approvals.standing import fold as stood
from approvals.standings import Stand
from audit.write import Draft, append, beat, finish, install, metrics, trim
from audit.write.commit import connect
from audit.write.tables import usage
from runtime.clock import Clock
from runtime.fileio import exclusive, private_dir

SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (
  approval TEXT NOT NULL, n INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (approval, n)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cards (
  id TEXT PRIMARY KEY, state TEXT NOT NULL, open INTEGER NOT NULL, changed_us INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS cards_by_change ON cards (open, changed_us);
CREATE TABLE IF NOT EXISTS revocations (
  id TEXT NOT NULL, n INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (id, n)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS standings (
  id TEXT NOT NULL, n INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (id, n)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS deliveries (
  notifier TEXT NOT NULL, note TEXT NOT NULL, at_us INTEGER NOT NULL, PRIMARY KEY (notifier, note)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS shown (id TEXT PRIMARY KEY, media TEXT NOT NULL, content BLOB NOT NULL);
"""
DELIVERIES_KEPT_US = 31 * 86_400_000_000  # longer than anything waits for an answer or a review is told of
FINISHED_SHOWN = 1000  # how many finished ones a list shows at most

_fact: TypeAdapter[Fact] = TypeAdapter(Annotated[Fact, Field(discriminator="type")])
_standing: TypeAdapter[StandingFact] = TypeAdapter(Annotated[StandingFact, Field(discriminator="type")])
_revocation: TypeAdapter[RevocationFact] = TypeAdapter(Annotated[RevocationFact, Field(discriminator="type")])


class Store:
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
        self._gateway, self._clock = gateway, clock
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

    def open(self) -> list[Approval]:
        """Starts an epoch and returns what is open. Raises ApprovalsDown when another process is the writer."""
        private_dir(self.path.parent)
        self._lock = _exclusive(self.path.with_suffix(".lock"))
        try:
            self._conn = connect(self.path)
            # a commit whose fsync failed may live on in the page cache alone: bring it down before trusting it
            self._conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            with self._transaction() as conn:
                for statement in filter(str.strip, SCHEMA.split(";")):
                    conn.execute(statement)
                install(
                    conn,
                    role="approvals",
                    gateway=self._gateway,
                    max_bytes=self._max_bytes,
                    reserved_percent=self._reserved_percent,
                    max_age_seconds=self._max_age_seconds,
                    clock=self._clock,
                    cursor=self.cursor,
                )
        except sqlite3.Error as error:
            self.close(clean=False)
            raise ApprovalsDown(f"{self.path}: {_name(error)}") from None
        ids = self.conn.execute("SELECT id FROM cards WHERE open = 1 ORDER BY id").fetchall()
        return [self._fold(row[0]) for row in ids]

    def close(self, *, clean: bool = True) -> None:
        if self._conn is not None:
            with contextlib.suppress(sqlite3.Error):
                if clean:
                    with self._transaction() as conn:
                        finish(conn, self._clock)
                self._conn.close()
            self._conn = None
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def commit(self, changes: Sequence[Change], notices: Sequence[Notice] = (), stands: Sequence[Stand] = ()) -> None:
        """All of them, with their events, in one transaction. Raises SpoolFull (nothing happened), sqlite3.Error."""
        with self._transaction() as conn:
            conn.executemany(
                "INSERT INTO facts VALUES (?,?,?)",
                [(change.after.id, change.fact.n, _fact.dump_json(change.fact)) for change in changes],
            )
            conn.executemany(
                "INSERT OR REPLACE INTO cards VALUES (?,?,?,?)",
                [(at.id, at.state, not at.state.final, at.changed_us) for at in (change.after for change in changes)],
            )
            contents = [(change.after.id, change.shown) for change in changes if change.shown]
            rows = [(approval, shown.media, shown.content) for approval, shown in contents]
            conn.executemany("INSERT INTO shown VALUES (?,?,?)", rows)
            conn.executemany(
                "INSERT INTO revocations VALUES (?,?,?)",
                [(notice.after.id, notice.fact.n, _revocation.dump_json(notice.fact)) for notice in notices],
            )
            conn.executemany(
                "INSERT INTO standings VALUES (?,?,?)",
                [(stand.after.id, stand.fact.n, _standing.dump_json(stand.fact)) for stand in stands],
            )
            drafts = [
                *map(notice_draft, notices),
                *(stand_draft(stand, self._began.took_us(stand.after.id)) for stand in stands),
                *(draft(change, self._began.took_us(change.after.id)) for change in changes),
            ]
            append(conn, drafts, self._clock)
            self._usage = usage(conn)
        for change in changes:
            self._began.note(change.after.id, change.fact.n, ended=change.after.state.final)
        for stand in stands:
            self._began.note(stand.after.id, stand.fact.n, ended=not stand.after.kept)
        metrics.count(drafts)

    def told(self, drafts: Sequence[Draft], delivered: tuple[str, str] | None) -> None:
        """Records a delivery, and that it needs no other. Raises SpoolFull, sqlite3.Error."""
        with self._transaction() as conn:
            append(conn, drafts, self._clock)
            if delivered is not None:
                conn.execute("INSERT OR IGNORE INTO deliveries VALUES (?,?,?)", (*delivered, self._clock.now_us()))
            self._usage = usage(conn)
        metrics.count(drafts)

    def delivered(self) -> frozenset[tuple[str, str]]:
        """(notifier, note) of each."""
        return frozenset((row[0], row[1]) for row in self.conn.execute("SELECT notifier, note FROM deliveries"))

    def get(self, approval_id: str) -> Approval | None:
        known = self.conn.execute("SELECT 1 FROM cards WHERE id = ?", (approval_id,)).fetchone()
        return self._fold(approval_id) if known else None

    def shown(self, approval_id: str) -> Shown | None:
        row = self.conn.execute("SELECT media, content FROM shown WHERE id = ?", (approval_id,)).fetchone()
        return Shown(row[0], bytes(row[1])) if row else None

    def finished(self) -> list[Approval]:
        """The latest that ended, newest first."""
        query = "SELECT id FROM cards WHERE open = 0 ORDER BY changed_us DESC LIMIT ?"
        return [self._fold(row[0]) for row in self.conn.execute(query, (FINISHED_SHOWN,)).fetchall()]

    def revocations(self) -> list[Revocation]:
        """All that were ever made, oldest first."""
        facts: dict[str, list[RevocationFact]] = {}
        for row in self.conn.execute("SELECT id, body FROM revocations ORDER BY id, n").fetchall():
            facts.setdefault(row[0], []).append(_revocation.validate_json(row[1]))
        return [revoked(these) for these in facts.values()]

    def standings(self) -> list[Standing]:
        """All that were ever given, oldest first."""
        facts: dict[str, list[StandingFact]] = {}
        for row in self.conn.execute("SELECT id, body FROM standings ORDER BY id, n").fetchall():
            facts.setdefault(row[0], []).append(_standing.validate_json(row[1]))
        return [stood(these) for these in facts.values()]

    def forget(self, before_us: int, most: int = 500) -> int:
        """Drops up to `most` approvals that ended before `before_us`; the evidence has them. Returns how many."""
        query = "SELECT id FROM cards WHERE open = 0 AND changed_us < ? ORDER BY changed_us LIMIT ?"
        ids = self.conn.execute(query, (before_us, most)).fetchall()
        with self._transaction() as conn:
            conn.executemany("DELETE FROM shown WHERE id = ?", ids)
            conn.executemany("DELETE FROM facts WHERE approval = ?", ids)
            conn.executemany("DELETE FROM cards WHERE id = ?", ids)
            conn.execute("DELETE FROM deliveries WHERE at_us < ?", (before_us - DELIVERIES_KEPT_US,))
        return len(ids)

    def beat(self) -> None:
        """This writer's sign of life in the record."""
        with self._transaction() as conn:
            beat(conn, self._clock)

    def status(self) -> metrics.Status:
        """Of its spool; reads no disk."""
        used, most = self._usage
        return metrics.Status(used, most, 0, self._conn is None)

    def trim(self) -> bool:
        """Drops events that the shipper has acknowledged; True if there are more."""
        with self._transaction() as conn:
            more = trim(conn, self.cursor)
            self._usage = usage(conn)
            return more

    def _fold(self, approval_id: str) -> Approval:
        query = "SELECT body FROM facts WHERE approval = ? ORDER BY n"
        bodies = [row[0] for row in self.conn.execute(query, (approval_id,)).fetchall()]
        try:
            return fold(_fact.validate_json(body) for body in bodies)
        except ValueError:
            raise IllegalFact(f"approval {approval_id}: a fact on disk is not one of ours") from None

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        conn = self.conn
        conn.execute("BEGIN IMMEDIATE")
        try:
            yield conn
            conn.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                conn.execute("ROLLBACK")
            raise


def _exclusive(path: Path) -> int:
    """Locks a file beside the database: opening and closing the database itself would drop SQLite's own locks."""
    try:
        return exclusive(path)
    except BlockingIOError:
        raise ApprovalsDown(f"{path}: another approvals process is running") from None


def _name(error: sqlite3.Error) -> str:
    """SQLITE_FULL and the like; SQLite's texts may quote values."""
    return getattr(error, "sqlite_errorname", type(error).__name__)
