"""How a process of a gateway that shares begins: it joins, records what is owed, and reads all of one moment. Shell."""

import contextlib
import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from approvals.authenticators import Enrolment
from approvals.errors import ApprovalsDown, StoreFailed
from approvals.evidence import Change, Notice
from approvals.machine import Approval
from approvals.rows import Entry
from approvals.sharing import folded, notes, tables
from approvals.sharing.moving import move, own
from approvals.standings import Stand
from approvals.store import SCHEMA, Kept
from approvals.trail import Trail, named
from audit.write.tables import entries_of, write
from runtime import postgres
from runtime.clock import Clock
from runtime.settings import Shared

MIGRATIONS = Path(__file__).parent
CLAIM_PAUSE_S = 0.1
READ_MS = 20_000  # all revocations and standing grants that ever were: they are kept for good


class Opening(Trail):
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
        except (StoreFailed, sqlite3.Error) as error:
            self.close(clean=False)
            said = error if isinstance(error, StoreFailed) else named(error)
            raise ApprovalsDown(f"approvals cannot be shared: {said}") from None
        except BaseException:
            self.close(clean=False)
            raise

    def kept(self) -> Kept:
        """What else there was when it was opened."""
        kept, self._kept = self._kept, Kept([], [], [], {})
        return kept

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
        brought = [] if joined is not None else own(self.conn, self.gateway)
        with self._round.transaction():
            database, pos, mark = tables.lock(self._round)
            self._owed = pos
            if joined is not None:
                self._check(joined, database, pos)
            else:
                pos, mark = move(self.conn, self._round, brought, pos, mark)
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
        self._kept = Kept(
            folded.revocations(revocations),
            folded.standings(standings),
            folded.authenticators(authenticators),
            elsewhere,
        )
        return folded.approvals(found)

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
        tables.alive(self._side, self.gateway, self._drained, self._noted)

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
                changes.append(Change(folded.approvals(rows)[0], each.fact, shown))
            elif each.kind == "revocation":
                notices.append(Notice(folded.revocations(rows)[0], each.fact))
            else:
                stands.append(Stand(folded.standings(rows)[0], each.fact))
        return changes, notices, stands, enrolments

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """The driver's errors become StoreFailed."""
        try:
            with postgres.told(self._to):
                yield
        except postgres.SharedDown as error:
            raise StoreFailed(error.message) from None
