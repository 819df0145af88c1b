"""Approvals in a PostgreSQL that several gateways share; the events of this gateway's facts stay in its own spool.

A fact is durable in both before those who wait for it here are told; others hear of it as soon as the log has it. Its
event is written into the spool's transaction, the shared one commits, then the spool's does. Between the two the log
holds what the spool lacks, and the next start (opening.py) makes up for it.
Three connections: `_round` holds the lock of a round, `_side` is for everything else, `_ear` hears of others' commits.
One thread at a time, but for `heard` and `cut`; knows nothing of asyncio.
"""

import contextlib
from collections.abc import Sequence
from typing import Any

from approvals.authenticators import Authenticator, Enrolment
from approvals.errors import StoreFailed
from approvals.evidence import Change, Notice
from approvals.facts import Shown
from approvals.machine import Approval
from approvals.revocations import Revocation
from approvals.rows import Entry, entries
from approvals.sharing import folded, notes, tables
from approvals.sharing.opening import Opening
from approvals.standing import Standing
from approvals.standings import Stand
from audit.write import Draft, SpoolFull, append, metrics
from runtime import postgres

NOTE_US = 1_000_000
MANY = 1000  # facts of one round; a group of steps makes some 500


class SharedStore(Opening):
    shared = True

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
                self._still_there(len(made))
                append(local, drafts, self.clock)
                self._still_there(len(made))
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

    def _still_there(self, facts: int) -> None:
        """A revocation may end ten thousand cards, which takes a second: the server is not to think that we stopped."""
        if facts > MANY:
            self._round.execute("SELECT 1")

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
            return folded.revocations(tables.facts(self._side, "revocation"))

    def standings(self) -> list[Standing]:
        with self._told():
            return folded.standings(tables.facts(self._side, "standing"))

    def authenticators(self) -> list[Authenticator]:
        with self._told():
            return folded.authenticators(tables.latest(self._side, "authenticator"))

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

    # What it knows.

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
        return folded.approvals(tables.facts(self._side, "approval", ids))
