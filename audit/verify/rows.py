"""Verifying rows in log order against signed checkpoints, and against the published log if it is at hand. Pure.

With the published log (tiles) every flaw is named exactly: the leaf at each index says what must stand there. With
checkpoints alone the writers' chains name it, or else the span between the last checkpoint that fits and the first
that does not. With neither, chains alone: they show accidents and clumsy hands.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from audit.verify import merkle
from audit.verify.body import Event, Malformed, lying, read
from audit.verify.chain import Chains
from audit.verify.findings import Finding, Flaw, Report
from audit.verify.notes import Checkpoint
from audit.verify.retention import Retention
from audit.verify.roots import Log, Roots


@dataclass(slots=True)  # not frozen: of the things that are made per event, that is most of their cost
class Row:
    """An event as it is stored. `columns` in the order of `body.COLUMNS`, None where there are none. `event`: what its
    body says, if somebody has read it already."""

    log_index: int
    writer: str
    seq: int
    body: bytes
    hash: bytes
    columns: tuple[object, ...] | None = None
    event: Event | None = None


def verify_rows(
    rows: Iterable[Row],
    checkpoints: Sequence[Checkpoint] = (),
    *,
    log: Log | None = None,
    subject: str = "rows",
    told: Callable[[Event, int], None] = lambda event, log_index: None,
    fresh_us: int | None = None,
    retention: Retention | None = None,
) -> Report:
    """Rows ordered by log index. `told` gets every event that the record holds, for checks of frames. Entries of the
    published log made after `fresh_us` (unix microseconds) may still be on their way. `retention`, if given, is settled
    by the caller."""
    gone = Retention() if retention is None else retention
    checker = _Checker(checkpoints, log, Report(subject), told, fresh_us, gone)
    for index, group in groupby(rows, key=lambda row: row.log_index):
        checker.at(index, list(group))
    report = checker.finish()
    if retention is None:
        gone.settle(report)
        report.sort()
    return report


class _Checker:
    def __init__(
        self,
        checkpoints: Sequence[Checkpoint],
        log: Log | None,
        report: Report,
        told: Callable[[Event, int], None],
        fresh_us: int | None,
        retention: Retention,
    ) -> None:
        self._retention = retention
        self._log, self._report, self._told, self._fresh_us = log, report, told, fresh_us
        self._chains = Chains()
        self._next = 0  # the log index that must come now
        self._absent: list[int] = []  # log indexes without a row, of which no writer is known yet
        self._tree = Roots(checkpoints, log, report)
        self._absent_count = 0

    def at(self, index: int, rows: list[Row]) -> None:
        """All rows that claim one place in the log."""
        self._report.events += len(rows)
        if index < self._next:
            for row in rows:
                self._find(Flaw.REORDERED, "before its place", row)
            return
        if index > self._next:
            self._skip_to(index)
        self._next = index + 1
        true, others = self._choose(index, rows)
        for row in others:
            flaw = Flaw.DUPLICATED if row.body == true.body else Flaw.FORGED
            self._find(flaw, "a second row at this log index", row)
        self._row(true)

    def finish(self) -> Report:
        self._tail()
        for finding in self._chains.finish():
            self._report.add(finding)
        self._tree.finish(self._next if self._log is None else self._log.size)
        self._count_unknown()
        self._excuse()
        self._report.writers = {
            writer: (self._chains.first[writer], link.seq) for writer, link in self._chains.links.items()
        }
        self._report.sort()
        return self._report

    # one place of the log

    def _choose(self, index: int, rows: list[Row]) -> tuple[Row, list[Row]]:
        """The row to take as the one of this place, and the rest."""
        if len(rows) == 1:
            return rows[0], []
        if self._log is not None and index < self._log.size:
            leaf = self._log.leaf(index)
            fits = [merkle.leaf(row.body) == leaf for row in rows]
        else:
            due = {writer: link.seq + 1 for writer, link in self._chains.links.items()}
            fits = [row.seq == due.get(row.writer, 1) for row in rows]
        chosen = fits.index(True) if True in fits else 0
        return rows[chosen], rows[:chosen] + rows[chosen + 1 :]

    def _row(self, row: Row) -> None:
        hash_ = hashlib.sha256(row.body).digest()
        leaf = merkle.leaf(row.body)
        if self._log is not None and row.log_index < self._log.size:
            if leaf != self._log.leaf(row.log_index):
                self._not_the_signed_one(row, leaf)
                return
        elif self._log is not None:
            self._find(Flaw.FORGED, f"the published log ends at index {self._log.size - 1}", row)
            return
        else:
            self._tree.add(leaf)
        try:
            event = row.event or read(row.body)
        except Malformed as error:
            self._find(Flaw.EDITED, str(error), row)
            return
        self._check_columns(row, event, hash_)
        # an edited body under the old hash is named above; the chain goes on from what the next event will name
        for finding in self._chains.follow(event, row.hash if self._log is None else hash_, row.log_index):
            self._report.add(finding)
        if event.type == "log.key_rotated":
            self._report.note(f"the log's key was changed at log index {row.log_index}; both keys signed over that")
        self._retention.told(event)
        self._told(event, row.log_index)

    def _check_columns(self, row: Row, event: Event, hash_: bytes) -> None:
        if hash_ != row.hash:
            self._find(Flaw.EDITED, "its body does not have the hash that stands beside it", row)
        elif (row.writer, row.seq) != (event.writer, event.seq):
            self._find(Flaw.EDITED, f"its body is that of {event.writer} seq {event.seq}", row)
        elif row.columns is not None:
            names = lying(event, row.columns)
            if names:
                self._find(Flaw.EDITED, f"not what its body says: column {', '.join(names)}", row)

    def _not_the_signed_one(self, row: Row, leaf: bytes) -> None:
        """The row at this index is not the entry that was signed there."""
        assert self._log is not None
        home = self._log.find(leaf)
        if home is not None:
            self._find(Flaw.REORDERED, f"the log has this event at index {home}", row)
        else:
            self._find(Flaw.EDITED, self._signed_there(row), row)
        if not self._follow_log(row.log_index) and home is None:
            self._chains.pass_over(row.writer, row.seq, row.log_index)

    def _signed_there(self, row: Row) -> str:
        assert self._log is not None
        event = _event(self._log.body(row.log_index))
        if event is not None and (event.writer, event.seq) != (row.writer, row.seq):
            return f"not the event that was signed here, which is {event.writer} seq {event.seq}"
        return "not what was signed at its place"

    def _follow_log(self, index: int) -> bool:
        """Lets the chain go on from the signed entry, so that one changed row is one finding. False if the log does
        not have it."""
        body = self._log.body(index) if self._log is not None else None
        event = _event(body)
        if body is not None and event is not None:
            self._chains.trust(event, hashlib.sha256(body).digest(), index)
            self._retention.told(event)
            self._told(event, index)
            return True
        return False

    # places without a row

    def _skip_to(self, index: int) -> None:
        """Every index between the last row and this one has no row."""
        for absent in range(self._next, min(index, self._end())):
            self._missing(absent)
        beyond = index - max(self._next, self._end())
        if beyond > 0:
            if self._log is None:
                self._tree.lost()
            self._absent_count += beyond
            message = f"{beyond} log indexes before it have no row"
            self._report.add(Finding(Flaw.MISSING, message, index))

    def _end(self) -> int:
        """How far places are looked at one by one: the published log, else a bounded stretch."""
        return self._log.size if self._log is not None else self._next + 1000

    def _missing(self, index: int) -> None:
        if self._log is None:
            self._tree.lost()
            self._absent.append(index)
            self._absent_count += 1
            return
        event = _event(self._log.body(index))
        writer, seq = (event.writer, event.seq) if event else ("", None)
        finding = Finding(Flaw.MISSING, "published in the log, not stored", index, writer, seq)
        if event is None:
            self._report.add(finding)
        else:
            self._retention.event_missing(event, finding)
        self._follow_log(index)

    def _tail(self) -> None:
        """The end of the rows must be the end of the log."""
        if self._log is None or self._next >= self._log.size:
            return
        first, last = self._next, self._log.size - 1
        event = _event(self._log.body(first))
        if event is not None and self._fresh_us is not None and event.ts_us >= self._fresh_us:
            self._report.note(f"the newest {last - first + 1} entries are on their way: published, not yet stored")
            return
        writer, seq = (event.writer, event.seq) if event else ("", None)
        message = f"the published log goes on to index {last}: its end was cut off here, or the shipper is behind"
        self._report.add(Finding(Flaw.CUT_OFF, message, first, writer, seq))

    def _count_unknown(self) -> None:
        """Indexes without a row that no writer's gap explains: a writer's end, or a writer as a whole."""
        named = sum(1 for finding in self._report.findings if finding.flaw is Flaw.MISSING and finding.writer)
        unknown = len(self._absent) - named
        if unknown > 0:
            message = f"{unknown} log indexes without a row belong to no gap: a writer's last events, or a whole writer"
            self._report.add(Finding(Flaw.MISSING, message, self._absent[0]))

    def _excuse(self) -> None:
        """Without the log, what is gone can only be counted: as many as were pruned or are in quarantine, or all of it
        is named."""
        kept = [found for found in self._report.findings if not self._retention.excused(found, self._report)]
        refused = len(self._report.findings) - len(kept)
        pruned = self._retention.pruned_events
        if self._log is None and pruned and self._absent_count - refused == pruned:
            self._report.note(
                f"{pruned} events were pruned, as the log says; without its tiles only their number shows"
            )
            kept = [found for found in kept if found.flaw is not Flaw.MISSING]
            self._report.total_findings = len(kept)
        else:
            self._report.total_findings -= refused
        self._report.findings[:] = kept

    def _find(self, flaw: Flaw, message: str, row: Row) -> None:
        self._report.add(Finding(flaw, message, row.log_index, row.writer, row.seq))


def _event(body: bytes | None) -> Event | None:
    """An event that is only there in the published log."""
    try:
        return None if body is None else read(body)
    except Malformed:
        return None
