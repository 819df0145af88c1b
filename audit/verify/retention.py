"""What is gone because somebody was allowed to make it go, and said so in the log first. Pure.

    retention.pruned  {id, partitions: [{table, class, month, rows}]}    the last event of an id counts
    frame.remasked    {frames: [{writer, seq, ordinal, h, n}]}           salted hash and length of the new content

A pruned partition excuses exactly as many rows as the event names: one more that is missing there is a finding, and so
are all of them if only some are.
"""

import datetime
from collections import Counter
from dataclasses import dataclass

from audit.verify.body import Event, NamedFrame
from audit.verify.findings import MAX_KEPT, Finding, Flaw, Report

TRAFFIC = frozenset({"exchange", "masking", "frame"})  # kinds of the class `traffic`; all others are `record`
Partition = tuple[str, str, int]  # table, class ("" for frames), month as 202611
Place = tuple[str, int, int]  # writer, seq, ordinal


@dataclass(frozen=True, slots=True)
class _Other:
    """A frame that is not what its event names."""

    digest: bytes
    length: int
    finding: Finding


class Retention:
    """Takes every event, and every finding that pruning or masking anew may explain; `settle` keeps the others."""

    def __init__(self) -> None:
        self.quarantined: set[tuple[str, int]] = set()
        self._pruned: dict[str, Counter[Partition]] = {}
        self._remasked: dict[Place, set[tuple[bytes, int]]] = {}
        self._missing: dict[Partition, list[Finding]] = {}
        self._counts: Counter[Partition] = Counter()
        self._others: dict[Place, _Other] = {}

    def told(self, event: Event) -> None:
        if event.type == "retention.pruned":
            rows: Counter[Partition] = Counter()
            for part in event.data.get("partitions", []):
                rows[str(part["table"]), str(part["class"]), int(part["month"])] += int(part["rows"])
            self._pruned[str(event.data.get("id"))] = rows
        elif event.type == "log.quarantined":
            self.quarantined.add((str(event.data.get("writer")), int(event.data.get("seq") or 0)))
        elif event.type == "frame.remasked":
            for frame in event.data.get("frames", []):
                place = (str(frame["writer"]), int(frame["seq"]), int(frame["ordinal"]))
                self._remasked.setdefault(place, set()).add((bytes.fromhex(frame["h"]), int(frame["n"])))

    @property
    def pruned_events(self) -> int:
        """Rows of audit.events that were pruned, by all events together."""
        return sum(rows for (table, _, _), rows in self._allowed().items() if table == "events")

    def record_gone(self, *, seen: bool) -> int | None:
        """The first month of which events of the class `record` were pruned. `seen`: what is missing was looked for, so
        that what the log says was pruned and is there does not count."""
        gone = [part for part, rows in self._allowed().items() if rows and part[:2] == ("events", "record")]
        return min((part[2] for part in gone if not seen or self._counts[part]), default=None)

    def event_missing(self, event: Event, finding: Finding) -> None:
        class_ = "traffic" if event.columns[3] in TRAFFIC else "record"
        self._lost(("events", class_, _month(event.ts_us)), finding)

    def frame_missing(self, frame: NamedFrame, finding: Finding) -> None:
        self._lost(("frames", "", _month(frame.at_us)), finding)

    def frame_other(self, place: Place, digest: bytes, length: int, finding: Finding) -> None:
        self._others[place] = _Other(digest, length, finding)

    def settle(self, report: Report) -> None:
        """Adds what nothing explains, and notes what is explained."""
        allowed = self._allowed()
        for partition, kept in self._missing.items():
            table, class_, month = partition
            findings = [finding for finding in kept if not self.excused(finding, report)]
            count = self._counts[partition] - (len(kept) - len(findings))
            name = " ".join(filter(None, (table, class_, str(month))))
            if not count:
                continue
            if allowed[partition] == count:
                report.note(f"{count} rows of {name} were pruned, as the log says")
                continue
            if allowed[partition]:
                report.note(
                    f"{allowed[partition]} rows of {name} were pruned, as the log says, but {count} are missing"
                )
            report.total_findings += count - len(findings)
            for finding in findings:
                report.add(finding)
        anew = 0
        for place, other in self._others.items():
            if (other.digest, other.length) in self._remasked.get(place, ()):
                anew += 1
            else:
                report.add(other.finding)
        if anew:
            report.note(f"{anew} frames were masked anew, as the log says")

    def excused(self, finding: Finding, report: Report) -> bool:
        """What the store refused is recorded as such: it is not in the store, and nobody hides it."""
        if finding.flaw is not Flaw.MISSING or (finding.writer, finding.seq or 0) not in self.quarantined:
            return False
        report.note(f"{finding.writer} seq {finding.seq} is in quarantine: the store refused it")
        return True

    def _lost(self, partition: Partition, finding: Finding) -> None:
        self._counts[partition] += 1
        kept = self._missing.setdefault(partition, [])
        if len(kept) < MAX_KEPT:
            kept.append(finding)

    def _allowed(self) -> Counter[Partition]:
        total: Counter[Partition] = Counter()
        for rows in self._pruned.values():
            total.update(rows)
        return total


def _month(us: int) -> int:
    moment = datetime.datetime.fromtimestamp(us // 1_000_000, datetime.UTC)
    return moment.year * 100 + moment.month
