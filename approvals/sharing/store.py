"""Approvals in a PostgreSQL that several gateways share; the events of this gateway's facts stay in its own spool.

A fact is durable in both before anybody is told: its event is written into the spool's transaction, the shared one
commits, then the spool's does. Between the two the log holds what the spool lacks, and `_drain` makes up for it.
Three connections: `_round` holds the lock of a round, `_side` is for everything else, `_ear` hears of others' commits.
One thread at a time, but for `heard` and `cut`; knows nothing of asyncio.
"""

import contextlib
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from approvals.authenticators import Authenticator, Enrolment
from approvals.errors import ApprovalsDown, StoreFailed
from approvals.evidence import Change, Notice
from approvals.facts import Shown
from approvals.machine import Approval
from approvals.machine import fold as folded
from approvals.revocations import Revocation
from approvals.revocations import fold as revoked
from approvals.rows import Entry, entries
from approvals.sharing import notes, tables
from approvals.sharing.moving import move
from approvals.standing import Standing
from approvals.standing import fold as stood
from approvals.standings import Stand
from approvals.store import SCHEMA, Kept
from approvals.trail import Trail
from audit.write import Draft, SpoolFull, append, metrics
from audit.write.tables import entries_of, write
from runtime import postgres
from runtime.clock import Clock
from runtime.settings import Shared

MIGRATIONS = Path(__file__).parent
CLAIM_PAUSE_S = 0.1
NOTE_US = 1_000_000
READ_MS = 20_000  # all revocations and standing grants that ever were: they are kept for good
T = TypeVar("T")


class SharedStore(Trail):
    shared = True
    opening_s: float | None = 60.0  # three connections, a claim, a lock, and all that is kept: each has its own limit
    patience_s: float | None = 10.0  # the server ends a statement after 5 s; this is for one that has stopped
    claim_s = 6.0  # a server notices within moments that a process is dead, and within 5 s that a machine is

    def __init__(self, state_dir: Path, gateway: str, clock: Clock, *, to: Shared, **limits: int) -> None:
        super().__init__(state_dir, gateway, clock, **limits)
        self._to = to
        self._round: Any = None
        self._side: Any = None
        self._ear: Any = None
        self._seen, self._mark = 0, ""  # position up to which this process knows the log
        self._noted, self._note_us = 0, 0  # up to where it has said so in its own file, and when it may again
        self._drained = 0  # position up to which its own facts are in its spool
        self._owed = self._joined = 0  # the same where it is known to be full, and with what it brought
        self._kept = Kept([], [], [], {})
        self._leads = self._deaf = False

    def open(self) -> list[Approval]:
        """Starts an epoch, records what is owed, returns what is open. Raises ApprovalsDown."""
        try:
            with self._told():
                self._connect()
                self.start(SCHEMA, lambda conn: None)
                self._claim()
                self._join()
                self._drain()
                return self._read()
        except (StoreFailed, SpoolFull, sqlite3.Error) as error:
            self.close(clean=False)
            raise ApprovalsDown(f"approvals cannot be shared: {error}") from None
        except BaseException:
            self.close(clean=False)
            raise

    def kept(self) -> Kept:
        """What else there was when it was opened."""
        kept, self._kept = self._kept, Kept([], [], [], {})
        return kept

    def close(self, *, clean: bool = True) -> None:
        if clean and self._side is not None:
            with contextlib.suppress(Exception):  # it waits in the shared log, or is seen once more
                self._note()
                self.absent()
        for conn in (self._round, self._side, self._ear):
            if conn is not None:
                with contextlib.suppress(Exception):
                    conn.close()
        self._round = self._side = self._ear = None
        super().close(clean=clean)

    # One round: begin, then commit or abandon.

    def begin(self) -> Sequence[Entry]:
        """No other process takes a step before this round ends; returns what they did since the last look."""
        with self._told():
            if self._round.info.transaction_status:  # a round that was given up half-way
                self._round.execute("ROLLBACK")
            self._round.execute("BEGIN")
            return self._since(self._round, *tables.lock(self._round)[1:])

    def catch_up(self) -> Sequence[Entry]:
        """The same without a round. Positions are given under the lock, so what is read is never overtaken."""
        if self._deaf:
            raise StoreFailed("the connection that hears of others is gone")
        with self._told():
            found = self._since(self._side, *tables.last(self._side))
        self._note_in_time()
        return found

    def abandon(self) -> None:
        with self._told():
            self._round.execute("ROLLBACK")
        self._note_in_time()

    def commit(
        self,
        changes: Sequence[Change],
        notices: Sequence[Notice] = (),
        stands: Sequence[Stand] = (),
        enrolments: Sequence[Enrolment] = (),
    ) -> None:
        """Raises SpoolFull (nothing happened), StoreFailed or sqlite3.Error (the next start finds out)."""
        if not self._round.info.transaction_status:
            raise StoreFailed("a commit without a round")  # others could have taken steps meanwhile
        made = list(entries(self.gateway, changes, notices, stands, enrolments))
        drafts = self.drafts(changes, notices, stands, enrolments)
        try:
            with self.transaction() as local, self._told():
                append(local, drafts, self.clock)
                pos, mark = tables.append(self._round, self._seen, made)
                tables.index(self._round, changes)
                notes.drain(local, pos)
                notes.note(local, pos, mark)
                self.measure(local)
                self._round.execute("COMMIT")
        except SpoolFull:
            self.abandon()
            raise
        self._seen = self._drained = self._noted = pos
        self._mark = mark
        self.note(changes, stands)
        metrics.count(drafts)

    # What others ask for.

    def told(self, drafts: Sequence[Draft], delivered: tuple[str, str] | None) -> None:
        """The event first: a delivery that is not marked is made a second time, under the same id."""
        with self.transaction() as local:
            append(local, drafts, self.clock)
            self.measure(local)
        metrics.count(drafts)
        if delivered is not None:
            with self._told():
                tables.deliver(self._side, [delivered], self.clock.now_us())

    def delivered(self) -> frozenset[tuple[str, str]]:
        with self._told():
            return tables.delivered(self._side)

    def get(self, approval_id: str) -> Approval | None:
        with self._told():
            return next(iter(self._folded([approval_id])), None)

    def shown(self, approval_id: str) -> Shown | None:
        with self._told():
            return tables.shown(self._side, approval_id)

    def finished(self) -> list[Approval]:
        with self._told():
            ids = tables.cards(self._side, opened=False)
            found = {approval.id: approval for approval in self._folded(ids)}
        return [found[each] for each in ids if each in found]

    def revocations(self) -> list[Revocation]:
        with self._told():
            return _revocations(tables.facts(self._side, "revocation"))

    def standings(self) -> list[Standing]:
        with self._told():
            return _standings(tables.facts(self._side, "standing"))

    def authenticators(self) -> list[Authenticator]:
        with self._told():
            return _authenticators(tables.latest(self._side, "authenticator"))

    def absent(self) -> frozenset[str]:
        with self._told():
            return tables.alive(self._side, self.gateway, self._drained, self._noted)

    def forget(self, before_us: int, most: int = 500) -> int:
        self._note()
        with self._told(), self._side.transaction():
            tables.alive(self._side, self.gateway, self._drained, self._noted)
            return tables.forget(self._side, before_us, most)

    def leads(self) -> bool:
        """Until this process ends, once it does."""
        if not self._leads:
            with self._told():
                self._leads = tables.claim(self._side, "leader")
        return self._leads

    # From other threads.

    def ear(self) -> int:
        """A file descriptor that is readable when others have committed; then `heard` is to be called."""
        return int(self._ear.fileno())

    def heard(self) -> bool:
        """Takes in what came; False once the connection is gone, of which the next `catch_up` makes an error."""
        try:
            self._ear.pgconn.consume_input()
            while self._ear.pgconn.notifies() is not None:
                pass
        except Exception:  # whatever it is, this ear hears nothing any more
            self._deaf = True
        return not self._deaf

    def cut(self) -> None:
        for conn in (self._round, self._side):
            postgres.cut(conn)

    # How it begins.

    def _connect(self) -> None:
        self._side, self._round, self._ear = (
            postgres.connect(self._to, f"exeat approvals {self.gateway}"[:63]) for _ in range(3)
        )
        postgres.migrate(self._side, "approvals", MIGRATIONS)
        self._ear.execute(f"LISTEN {tables.CHANNEL}")

    def _claim(self) -> None:
        """Two processes of one gateway would both record what it did. Raises ApprovalsDown."""
        for _ in range(int(self.claim_s / CLAIM_PAUSE_S)):
            if tables.claim(self._side, f"gateway {self.gateway}"):
                return
            time.sleep(CLAIM_PAUSE_S)
        raise ApprovalsDown(f"another process shares approvals as gateway {self.gateway}: gateway.id must differ")

    def _join(self) -> None:
        """Takes up where this gateway was, or brings what it has if it never shared. Raises ApprovalsDown."""
        joined = notes.joined(self.conn)
        with self._round.transaction():
            database, pos, mark = tables.lock(self._round)
            self._owed = pos
            if joined is not None:
                self._check(joined, database, pos)
            else:
                pos, mark = move(self.conn, self._round, self.gateway, pos, mark)
            said = tables.drained(self._round, self.gateway)
        if joined is None:  # it may have been here all the same, with a file that is lost
            joined = (database, self._owed if said is None else min(said, self._owed))
            with self.transaction() as local:
                notes.join(local, *joined)
                notes.note(local, pos, mark)
        self._drained, self._joined = joined[1], pos

    def _check(self, joined: tuple[str, int], database: str, pos: int) -> None:
        """Raises ApprovalsDown unless this gateway has been in this database, and all that it saw there is in it."""
        if joined[0] != database:
            raise ApprovalsDown("this gateway shared its approvals in another database")
        seen, mark = notes.saw(self.conn)
        if max(joined[1], seen) > pos or (mark and tables.mark(self._round, seen) != mark):
            raise ApprovalsDown(
                "the shared database is older than what this gateway saw of it, or went on from such a copy (or this"
                " gateway was away for a month): see docs/operating.md#backup-and-loss"
            )

    def _read(self) -> list[Approval]:
        """All of one moment: what is learned later follows on it. Returns what is open, the rest is `kept`."""
        with self._side.transaction():
            self._side.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            self._side.execute(f"SET LOCAL statement_timeout = {READ_MS}")
            self._seen, self._mark = tables.last(self._side)
            found = tables.facts(self._side, "approval", tables.cards(self._side, opened=True))
            revocations, standings = (tables.facts(self._side, kind) for kind in ("revocation", "standing"))
            authenticators = tables.latest(self._side, "authenticator")
            elsewhere = tables.elsewhere(self._side, self.gateway)
        self._kept = Kept(_revocations(revocations), _standings(standings), _authenticators(authenticators), elsewhere)
        return _approvals(found)

    def _drain(self) -> None:
        """Records events of facts of this gateway that a process before this one could not record any more.

        Into a full spool, too: nothing else would make room in it for a process that could not start.
        """
        while self.trim():
            pass
        while owed := tables.own(self._side, self.gateway, self._drained, self._owed):
            changes, notices, stands, enrolments = self._made([each for _, each in owed])
            with self.transaction() as local:
                write(local, entries_of(self.drafts(changes, notices, stands, enrolments), self.clock))
                notes.drain(local, owed[-1][0])
            self._drained = owed[-1][0]
        if self._joined > self._owed:  # what it brought has its events already
            with self.transaction() as local:
                notes.drain(local, self._joined)
            self._drained = self._joined
        self.measure(self.conn)
        self._noted = notes.saw(self.conn)[0]
        self.absent()

    def _made(self, owed: Sequence[Entry]) -> tuple[list[Change], list[Notice], list[Stand], list[Enrolment]]:
        """Each fact with what it made."""
        changes, notices, stands, enrolments = [], [], [], []
        for each in owed:
            if each.kind == "authenticator":
                enrolments.append(each.fact)
                continue
            rows = tables.facts(self._side, each.kind, [each.id])[: each.fact.n]
            if each.kind == "approval":
                shown = tables.shown(self._side, each.id) if each.fact.n == 1 else None
                changes.append(Change(_approvals(rows)[0], each.fact, shown))
            elif each.kind == "revocation":
                notices.append(Notice(_revocations(rows)[0], each.fact))
            else:
                stands.append(Stand(_standings(rows)[0], each.fact))
        return changes, notices, stands, enrolments

    def _note_in_time(self) -> None:
        """What others did, at most once a second: it costs an fsync."""
        if self.clock.monotonic_us() >= self._note_us:
            self._note_us = self.clock.monotonic_us() + NOTE_US
            self._note()

    def _note(self) -> None:
        if self._noted != self._seen:
            with self.transaction() as local:
                notes.note(local, self._seen, self._mark)
            self._noted = self._seen

    def _since(self, conn: Any, pos: int, mark: str) -> list[Entry]:
        if pos < self._seen:
            raise StoreFailed("the shared database is older than what this process has read from it")
        found = tables.since(conn, self._seen, pos) if pos > self._seen else []
        self._seen, self._mark = pos, mark
        return found

    def _folded(self, ids: Sequence[str]) -> list[Approval]:
        return _approvals(tables.facts(self._side, "approval", ids))

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """The driver's errors become StoreFailed."""
        try:
            with postgres.told(self._to):
                yield
        except postgres.SharedDown as error:
            raise StoreFailed(error.message) from None


Rows = Iterable[tables.Row]


def _approvals(rows: Rows) -> list[Approval]:
    return [folded(facts) for facts in tables.grouped("approval", rows).values()]


def _revocations(rows: Rows) -> list[Revocation]:
    return [revoked(facts) for facts in tables.grouped("revocation", rows).values()]


def _standings(rows: Rows) -> list[Standing]:
    return [stood(facts) for facts in tables.grouped("standing", rows).values()]


def _authenticators(rows: Rows) -> list[Authenticator]:
    return [facts[-1].after for facts in tables.grouped("authenticator", rows).values()]
