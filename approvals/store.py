"""State and spool of approvals in one SQLite file, so that a fact and its event are durable together or not at all.

    facts(approval, n, body)     what an approval is made of
    cards(id, …)                 an index over it: which are open, when they changed
    shown(id, media, content)    what approvers get to see
    deliveries(notifier, note)   what notifiers were told, or will never be
    revocations(id, n, body)     the facts of revocations; never forgotten
    authenticators(id, body)     what people sign with: the last fact of each; removed ones stay
    standings(id, n, body)       the facts of standing grants; never forgotten, a policy bounds how many there are
    shared(database, pos)        one row once this gateway shares its approvals: then they are not here
    saw(pos, mark)               what it saw last of those (sharing/notes.py)

Beside them stand the spool's own tables. What ended is forgotten after a while, because the evidence has it.
One thread at a time; knows nothing of asyncio.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from approvals.attendance import Seat
from approvals.authenticators import Authenticator, Enrolment
from approvals.errors import ApprovalsDown
from approvals.evidence import Change, Notice
from approvals.facts import Shown
from approvals.machine import Approval, IllegalFact, fold
from approvals.revocations import Revocation
from approvals.revocations import fold as revoked
from approvals.rows import ENROLMENT, FACT, REVOCATION, STANDING, Entry, grouped
from approvals.standing import Standing
from approvals.standing import fold as stood
from approvals.standings import Stand
from approvals.trail import Trail
from audit.write import Draft, append, metrics

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
CREATE TABLE IF NOT EXISTS authenticators (id TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS deliveries (
  notifier TEXT NOT NULL, note TEXT NOT NULL, at_us INTEGER NOT NULL, PRIMARY KEY (notifier, note)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS shown (id TEXT PRIMARY KEY, media TEXT NOT NULL, content BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS shared (database TEXT NOT NULL, pos INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS saw (
  single INTEGER PRIMARY KEY CHECK (single = 1), pos INTEGER NOT NULL, mark TEXT NOT NULL);
"""
DELIVERIES_KEPT_US = 31 * 86_400_000_000  # longer than anything waits for an answer or a review is told of
FINISHED_SHOWN = 1000  # how many finished ones a list shows at most


class Kept(NamedTuple):
    revocations: list[Revocation]
    standings: list[Standing]
    authenticators: list[Authenticator]
    elsewhere: Mapping[Seat, str]  # who waits at which other gateway


class Store(Trail):
    """Of one gateway alone; `sharing/store.py` is its like for several."""

    shared = False
    opening_s: float | None = None  # how long it may take to open; a local disk is waited for
    patience_s: float | None = None  # the same of a step of it

    def open(self) -> list[Approval]:
        """Starts an epoch and returns what is open. Raises ApprovalsDown when another process is the writer."""
        self.start(SCHEMA, _alone)
        ids = self.conn.execute("SELECT id FROM cards WHERE open = 1 ORDER BY id").fetchall()
        return [self._fold(row[0]) for row in ids]

    def kept(self) -> Kept:
        """What else there was when it was opened."""
        return Kept(self.revocations(), self.standings(), self.authenticators(), {})

    def begin(self) -> Sequence[Entry]:
        """A round of steps begins, to end with `commit` or `abandon`; returns what others did meanwhile: nothing."""
        return ()

    def catch_up(self) -> Sequence[Entry]:
        return ()

    def abandon(self) -> None:
        """The round has nothing to commit."""

    def absent(self) -> frozenset[str]:
        """Other gateways whose approvals process is away. Says, too, that this one is not."""
        return frozenset()

    def leads(self) -> bool:
        """Whether this process does what one of all must do: telling people."""
        return True

    def cut(self) -> None:
        """What hangs is to fail."""

    def commit(
        self,
        changes: Sequence[Change],
        notices: Sequence[Notice] = (),
        stands: Sequence[Stand] = (),
        enrolments: Sequence[Enrolment] = (),
    ) -> None:
        """All of them, with their events, in one transaction. Raises SpoolFull (nothing happened), sqlite3.Error."""
        with self.transaction() as conn:
            conn.executemany(
                "INSERT INTO facts VALUES (?,?,?)",
                [(change.after.id, change.fact.n, FACT.dump_json(change.fact)) for change in changes],
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
                [(notice.after.id, notice.fact.n, REVOCATION.dump_json(notice.fact)) for notice in notices],
            )
            conn.executemany(
                "INSERT INTO standings VALUES (?,?,?)",
                [(stand.after.id, stand.fact.n, STANDING.dump_json(stand.fact)) for stand in stands],
            )
            conn.executemany(
                "INSERT OR REPLACE INTO authenticators VALUES (?,?)",
                [(each.after.id, ENROLMENT.dump_json(each)) for each in enrolments],
            )
            drafts = self.drafts(changes, notices, stands, enrolments)
            append(conn, drafts, self.clock)
            self.measure(conn)
        self.note(changes, stands)
        metrics.count(drafts)

    def told(self, drafts: Sequence[Draft], delivered: tuple[str, str] | None) -> None:
        """Records a delivery, and that it needs no other. Raises SpoolFull, sqlite3.Error."""
        with self.transaction() as conn:
            append(conn, drafts, self.clock)
            if delivered is not None:
                conn.execute("INSERT OR IGNORE INTO deliveries VALUES (?,?,?)", (*delivered, self.clock.now_us()))
            self.measure(conn)
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
        found = grouped(self.conn.execute("SELECT id, body FROM revocations ORDER BY id, n"))
        return [revoked(map(REVOCATION.validate_json, bodies)) for bodies in found.values()]

    def standings(self) -> list[Standing]:
        """All that were ever given, oldest first."""
        found = grouped(self.conn.execute("SELECT id, body FROM standings ORDER BY id, n"))
        return [stood(map(STANDING.validate_json, bodies)) for bodies in found.values()]

    def authenticators(self) -> list[Authenticator]:
        """All that were ever registered: a credential that was removed does not come back."""
        rows = self.conn.execute("SELECT body FROM authenticators ORDER BY id").fetchall()
        return [ENROLMENT.validate_json(row[0]).after for row in rows]

    def forget(self, before_us: int, most: int = 500) -> int:
        """Drops up to `most` approvals that ended before `before_us`; the evidence has them. Returns how many."""
        query = "SELECT id FROM cards WHERE open = 0 AND changed_us < ? ORDER BY changed_us LIMIT ?"
        ids = self.conn.execute(query, (before_us, most)).fetchall()
        with self.transaction() as conn:
            conn.executemany("DELETE FROM shown WHERE id = ?", ids)
            conn.executemany("DELETE FROM facts WHERE approval = ?", ids)
            conn.executemany("DELETE FROM cards WHERE id = ?", ids)
            conn.execute("DELETE FROM deliveries WHERE at_us < ?", (before_us - DELIVERIES_KEPT_US,))
        return len(ids)

    def _fold(self, approval_id: str) -> Approval:
        query = "SELECT body FROM facts WHERE approval = ? ORDER BY n"
        bodies = [row[0] for row in self.conn.execute(query, (approval_id,)).fetchall()]
        try:
            return fold(FACT.validate_json(body) for body in bodies)
        except ValueError:
            raise IllegalFact(f"approval {approval_id}: a fact on disk is not one of ours") from None


def _alone(conn: sqlite3.Connection) -> None:
    if conn.execute("SELECT 1 FROM shared").fetchone():
        raise ApprovalsDown(
            "this gateway has shared its approvals and revocations in PostgreSQL, and does not know them without it:"
            " set shared.url, see docs/approvals.md#several-gateways"
        )
