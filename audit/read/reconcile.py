"""Envoy's access log against the decisions, exchange by exchange. Pure: lines and facts in, findings out.

A line without a decision is a breach: something passed that nobody decided. A decision without a line is explained
when Envoy died at that time (its last lines, and whatever was open, died with it), else it is a finding, too. What
Envoy turned away by itself, before it asked anybody, went nowhere and is only counted.

    `Reconciler.line` for every line → `unknown()` ids to ask the record for → `decided`, `ended`, `granted`, `summed`,
    `envoy` with what it says → `finish()`
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from audit.read.access_log import Line, Torn

SLACK_US = 1_000_000  # clocks of one machine, read by two processes
FLUSH_US = 3_000_000  # Envoy buffers lines for a second (--file-flush-interval-msec), under load a little longer
FRESH_US = 60_000_000  # what is younger may still be on its way into the record or the log
OPEN_US = 3_700_000_000  # the longest hold (one hour) and the answer behind it


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
    findings: list[Found] = field(default_factory=list)
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
        return not self.findings

    @property
    def breaches(self) -> int:
        return sum(found.breach for found in self.findings)


class Reconciler:
    def __init__(self, now_us: int, covered_from_us: int) -> None:
        """`covered_from_us`: from then on the log is claimed to be whole."""
        self._now, self._from = now_us, covered_from_us
        self._lines: dict[str, Line] = {}  # by exchange
        self._nameless: dict[str, Line] = {}  # by request id: authz's answer never reached Envoy
        self._decisions: dict[str, Decided] = {}
        self._granted: set[str] = set()
        self._sums: list[Sum] = []
        self._starts: list[Start] = []
        self._ends: list[int] = []  # when lines were written
        self._torn: list[Torn] = []
        self._out = Outcome()

    def line(self, line: Line | Torn) -> None:
        if isinstance(line, Torn):
            self._torn.append(line)
            return
        if line.end_us < self._from:
            return
        self._out.lines += 1
        self._ends.append(line.end_us)
        if not line.exchange:
            self._without_exchange(line)
        elif line.exchange in self._lines:
            self._find(False, "a second line for the same exchange", line)
        else:
            self._lines[line.exchange] = line

    def decided(self, decision: Decided) -> None:
        if decision.exchange in self._decisions and decision.effect:
            what = f"a second decision of one exchange ({decision.effect})"
            self._out.findings.append(Found(False, what, decision.exchange, at_us=decision.ts_us))
        self._decisions[decision.exchange] = decision

    def granted(self, exchanges: Iterable[str]) -> None:
        """Held exchanges whose grant was used."""
        self._granted.update(exchanges)

    def summed(self, sums: Iterable[Sum]) -> None:
        self._sums += sums

    def envoy(self, starts: Iterable[Start]) -> None:
        self._starts += starts

    def unknown(self) -> list[str]:
        """Exchanges of lines whose decision was not told yet: they may be older than the time that was asked for."""
        return [exchange for exchange in self._lines if exchange not in self._decisions]

    def finish(self) -> Outcome:
        self._out.gaps = self._gaps()
        left = _Sums(self._sums)
        for line in self._lines.values():
            self._check_line(line, left)
        for decision in self._decisions.values():
            self._check_decision(decision)
        self._check_torn()
        self._out.findings.sort(key=lambda found: (not found.breach, found.at_us))
        return self._out

    def _without_exchange(self, line: Line) -> None:
        """Nobody was asked, or nobody's answer came: then nothing may have gone out."""
        if line.attempts:
            self._find(True, f"{line.attempts} upstream attempts without any decision", line)
            return
        if line.request_id:
            self._nameless[line.request_id] = line
        self._out.turned_away[line.flags or str(line.status)] += 1

    def _check_line(self, line: Line, sums: "_Sums") -> None:
        decision = self._decisions.get(line.exchange)
        if decision is None:
            self._undecided(line, sums)
            return
        self._out.matched += 1
        if line.effect != decision.effect:
            what = f"the line says {line.effect or 'nothing'}, the decision {decision.effect}"
            self._find(bool(line.attempts), what, line)
        elif line.attempts and decision.effect in ("deny", "refused"):
            self._find(True, f"decided {decision.effect}, and yet sent to the upstream", line)
        elif line.attempts and decision.effect == "hold" and line.exchange not in self._granted:
            self._find(True, "held, and sent to the upstream without a grant", line)
        elif decision.request_id and line.request_id and decision.request_id != line.request_id:
            self._find(True, "the line's request is not the one that was decided", line)

    def _undecided(self, line: Line, sums: "_Sums") -> None:
        if line.effect == "refused" and not line.attempts and sums.take(line):
            self._out.summed += 1
        elif line.end_us > self._now - FRESH_US:
            self._out.fresh += 1
        elif line.effect == "refused" and not line.attempts:
            self._find(False, "a refusal that is not recorded; nothing went out", line)
        else:
            self._find(True, "no decision of this exchange is recorded", line)

    def _check_decision(self, decision: Decided) -> None:
        if decision.exchange in self._lines or decision.ts_us < self._from:
            return
        self._out.decisions += 1
        ended = decision.ended_us or (decision.ts_us if decision.effect in ("deny", "refused") else 0)
        if decision.request_id in self._nameless:
            self._out.left += 1
        elif any(decision.ts_us < end and (not ended or ended >= begin) for begin, end in self._out.gaps):
            self._out.explained += 1
        elif (ended or decision.ts_us) > self._now - (FRESH_US if ended else OPEN_US):
            self._out.open += 1
        else:
            what = f"decided {decision.effect}, but Envoy's log has no line, and Envoy did not restart then"
            self._out.findings.append(Found(False, what, decision.exchange, at_us=decision.ts_us))

    def _gaps(self) -> list[tuple[int, int]]:
        """When lines were lost with an Envoy: from the last one it wrote to the start of the next. Not longer than
        from when it was last seen alive, so that a restart excuses no more than a restart costs."""
        gaps = []
        ends = sorted(self._ends)
        for start in self._starts:
            before = [end for end in ends if end <= start.started_us]
            begin = max(before[-1] if before else 0, start.seen_us - FLUSH_US) - SLACK_US
            gaps.append((begin, start.started_us + SLACK_US))
        return gaps

    def _check_torn(self) -> None:
        """Each Envoy that was killed may leave one half line."""
        for torn in self._torn[len(self._starts) :]:
            self._out.findings.append(Found(False, "not a line of Envoy's", where=torn.where))

    def _find(self, breach: bool, what: str, line: Line) -> None:
        self._out.findings.append(Found(breach, what, line.exchange, line.where, line.start_us))


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
