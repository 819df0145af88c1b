"""Envoy's access log against the decisions, exchange by exchange. Pure: lines and facts in, findings out.

A line without a decision is a breach: something passed that nobody decided. A decision without a line is explained
when Envoy died at that time (its last lines, and whatever was open, died with it), else it is a finding, too. What
Envoy turned away by itself, before it asked anybody, went nowhere and is only counted.

    `Reconciler.line` for every line, which keeps numbers only → for each part of the exchanges `part()`: its lines,
    `unknown()` ids to ask the record for, `decided`, `granted`, `close` → `finish()`

Memory is that of one part, however long the log is.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field

from audit.read.access_log import Line, Torn

SLACK_US = 1_000_000  # clocks of one machine, read by two processes
FLUSH_US = 3_000_000  # Envoy buffers lines for a second (--file-flush-interval-msec), under load a little longer
UPTIME_US = 1_000_000  # Envoy tells whole seconds, so it may have started, and written lines, so much earlier
FRESH_US = 60_000_000  # what is younger may still be on its way into the record or the log
OPEN_US = 3_700_000_000  # the longest hold (one hour) and the answer behind it
MAX_KEPT = 10_000  # findings kept in full: whoever can write into the log must not fill our memory


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision as recorded. `ended_us`: when its exchange ended, 0 if no such event is there."""

    exchange: str
    ts_us: int
    effect: str
    request_id: str = ""
    ended_us: int = 0


@dataclass(frozen=True, slots=True)
class Sum:
    """Refusals of strangers that were recorded as a number."""

    connection: str
    status: int
    first_us: int
    last_us: int
    count: int


@dataclass(frozen=True, slots=True)
class Start:
    """Envoy began; `seen_us`: when the one before it was last seen alive, 0 if nobody had looked."""

    started_us: int
    seen_us: int


@dataclass(frozen=True, slots=True)
class Found:
    """`breach`: something left, or came back, that no decision covers. Otherwise the two witnesses disagree."""

    breach: bool
    what: str
    exchange: str = ""
    where: str = ""
    at_us: int = 0


@dataclass(slots=True)
class Outcome:
    findings: list[Found] = field(default_factory=list)  # the first of each part; `total` counts all
    total: int = 0
    breaches: int = 0
    lines: int = 0
    decisions: int = 0
    matched: int = 0
    turned_away: Counter[str] = field(default_factory=Counter)  # by Envoy alone: flags or status → lines
    summed: int = 0  # lines of refusals that were recorded as a number
    explained: int = 0  # decisions whose lines died with an Envoy
    left: int = 0  # decisions whose caller was gone before the answer
    open: int = 0  # decisions whose exchange goes on
    fresh: int = 0  # lines younger than what the record must have
    gaps: list[tuple[int, int]] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.total

    def add(self, found: Found) -> None:
        self.total += 1
        self.breaches += found.breach
        if len(self.findings) < MAX_KEPT:
            self.findings.append(found)


class Reconciler:
    """All lines, and what holds for all parts."""

    def __init__(
        self,
        now_us: int,
        covered_from_us: int,
        starts: Iterable[Start] = (),
        sums: Iterable[Sum] = (),
        lines_from_us: int = 0,
    ) -> None:
        """`covered_from_us`: from then on the log is claimed to be whole. `lines_from_us`: older lines do not count."""
        self.now, self.covered_from, self.lines_from = now_us, covered_from_us, lines_from_us
        self.out, self.sums = Outcome(), _Sums(sums)
        self._starts = sorted(starts, key=lambda start: start.started_us)
        self._started = [start.started_us - UPTIME_US for start in self._starts]
        self._last = [0] * len(self._starts)  # the last line that was written before each start
        self._torn: list[Torn] = []

    def line(self, line: Line | Torn) -> bool:
        """Counts it. True: it is to be kept, for the part of its exchange or as one without."""
        if isinstance(line, Torn):
            self._torn_line(line)
            return False
        if line.end_us < self.lines_from:
            return False
        self.out.lines += 1
        if (at := bisect_left(self._started, line.end_us)) < len(self._last):
            self._last[at] = max(self._last[at], line.end_us)
        if not line.exchange:
            self._without_exchange(line)
        return True

    def altered(self, file: str) -> None:
        """A file that was put aside and is not what the record says it was."""
        self.out.add(Found(False, "not the file whose hash was recorded when it was put aside", where=file))

    def missing(self, file: str) -> None:
        """A file that was put aside and is gone: its lines are no witnesses any more."""
        self.out.add(Found(False, "put aside, not removed by the shipper, and not there", where=file))

    def part(self) -> "Part":
        """Only after all lines: when Envoy was away shows in all of them."""
        self.out.gaps = self._gaps()
        return Part(self)

    def finish(self) -> Outcome:
        self.out.gaps = self._gaps()
        self.out.findings.sort(key=lambda found: (not found.breach, found.at_us, found.exchange, found.where))
        return self.out

    def find(self, breach: bool, what: str, line: Line) -> None:
        self.out.add(Found(breach, what, line.exchange, line.where, line.start_us))

    def _torn_line(self, torn: Torn) -> None:
        """Each Envoy that was killed may leave one half line."""
        self._torn.append(torn)
        if len(self._torn) > len(self._starts):
            self.out.add(Found(False, "not a line of Envoy's", where=self._torn.pop().where))

    def _without_exchange(self, line: Line) -> None:
        """Nobody was asked, or nobody's answer came: then nothing may have gone out."""
        if line.attempts:
            self.find(True, f"{line.attempts} upstream attempts without any decision", line)
        else:
            self.out.turned_away[line.flags or str(line.status)] += 1

    def _gaps(self) -> list[tuple[int, int]]:
        """When lines were lost with an Envoy: from the last one it wrote to the start of the next. Not longer than
        from when it was last seen alive, so that a restart excuses no more than a restart costs."""
        gaps, before = [], 0
        for start, last in zip(self._starts, self._last, strict=True):
            before = max(before, last)
            gaps.append((max(before, start.seen_us - FLUSH_US) - SLACK_US, start.started_us + SLACK_US))
        return gaps


def gone(aside: Mapping[str, str], removed: Container[str], there: Container[str]) -> list[str]:
    """Names put aside of whose content no file is there. `aside`: name → SHA-256; `there`: the SHA-256 of files.

    By content, because a crash between the record and the renaming gives one file two names.
    """
    over = {digest for name, digest in aside.items() if name in removed}
    return [name for name, digest in aside.items() if digest not in there and digest not in over]


class Part:
    """The lines and decisions of some exchanges."""

    def __init__(self, whole: Reconciler) -> None:
        self._whole, self._out = whole, whole.out
        self._lines: dict[str, Line] = {}  # by exchange
        self._decisions: dict[str, Decided] = {}
        self._granted: set[str] = set()

    def line(self, line: Line) -> None:
        if line.exchange in self._lines:
            self._whole.find(False, "a second line for the same exchange", line)
        else:
            self._lines[line.exchange] = line

    def decided(self, decision: Decided) -> None:
        if decision.exchange in self._decisions and decision.effect:
            what = f"a second decision of one exchange ({decision.effect})"
            self._out.add(Found(False, what, decision.exchange, at_us=decision.ts_us))
        self._decisions[decision.exchange] = decision

    def granted(self, exchanges: Iterable[str]) -> None:
        """Held exchanges whose grant was used."""
        self._granted.update(exchanges)

    def unknown(self) -> list[str]:
        """Exchanges of lines whose decision was not told yet: they may be older than the time that was asked for."""
        return [exchange for exchange in self._lines if exchange not in self._decisions]

    def close(self, nameless: Iterable[str] = ()) -> None:
        """`nameless`: request ids of lines that name no exchange, since authz's answer never reached Envoy."""
        for line in self._lines.values():
            self._check_line(line)
        lineless = {
            decision.exchange: decision
            for decision in self._decisions.values()
            if decision.exchange not in self._lines and decision.ts_us >= self._whole.covered_from
        }
        self._out.decisions += len(lineless)
        wanted = {decision.request_id: decision.exchange for decision in lineless.values() if decision.request_id}
        for request_id in nameless if wanted else ():
            if lineless.pop(wanted.get(request_id, ""), None) is not None:
                self._out.left += 1
        for decision in lineless.values():
            self._check_decision(decision)

    def _check_line(self, line: Line) -> None:
        decision = self._decisions.get(line.exchange)
        if decision is None:
            self._undecided(line)
            return
        self._out.matched += 1
        find = self._whole.find
        if line.effect != decision.effect:
            what = f"the line says {line.effect or 'nothing'}, the decision {decision.effect}"
            find(bool(line.attempts), what, line)
        elif line.attempts and decision.effect in ("deny", "refused"):
            find(True, f"decided {decision.effect}, and yet sent to the upstream", line)
        elif line.attempts and decision.effect == "hold" and line.exchange not in self._granted:
            find(True, "held, and sent to the upstream without a grant", line)
        elif decision.request_id and line.request_id and decision.request_id != line.request_id:
            find(True, "the line's request is not the one that was decided", line)

    def _undecided(self, line: Line) -> None:
        if line.effect == "refused" and not line.attempts and self._whole.sums.take(line):
            self._out.summed += 1
        elif line.end_us > self._whole.now - FRESH_US:
            self._out.fresh += 1
        elif line.effect == "refused" and not line.attempts:
            self._whole.find(False, "a refusal that is not recorded; nothing went out", line)
        else:
            self._whole.find(True, "no decision of this exchange is recorded", line)

    def _check_decision(self, decision: Decided) -> None:
        """A decision without a line."""
        ended = decision.ended_us or (decision.ts_us if decision.effect in ("deny", "refused") else 0)
        if any(decision.ts_us < end and (not ended or ended >= begin) for begin, end in self._out.gaps):
            self._out.explained += 1
        elif (ended or decision.ts_us) > self._whole.now - (FRESH_US if ended else OPEN_US):
            self._out.open += 1
        else:
            what = f"decided {decision.effect}, but Envoy's log has no line, and Envoy did not restart then"
            self._out.add(Found(False, what, decision.exchange, at_us=decision.ts_us))


class _Sums:
    """How many refusals of a kind were recorded as a number, and are not yet spoken for by a line."""

    def __init__(self, sums: Iterable[Sum]) -> None:
        self._left: dict[tuple[str, int], list[tuple[Sum, list[int]]]] = {}
        for item in sums:
            self._left.setdefault((item.connection, item.status), []).append((item, [item.count]))

    def take(self, line: Line) -> bool:
        for item, left in self._left.get((line.connection, line.status), []):
            apart = line.end_us < item.first_us - SLACK_US or line.start_us > item.last_us + SLACK_US
            if left[0] and not apart:
                left[0] -= 1
                return True
        return False
