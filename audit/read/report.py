"""What an examiner is given to read: the record of a time, asked by the questions of a framework, as one HTML page.

`gather` asks and returns plain values, `page` is pure. Rows beyond what a page can hold stand in files beside it, and
the page says so.
"""

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audit.read import charts
from audit.read.decisions import Filter
from audit.read.frameworks import Control, Framework
from audit.read.instants import as_sql
from audit.read.questions import SCOPED, Named, named, scoped
from audit.read.reader import Question, Reader

SHOWN = 200  # rows of a table on the page; all of them are in the files
EFFECTS = ("allow", "hold", "deny", "refused")
TABLES = ("decisions", "approvals", "maskings", "exchanges")  # exported whole, as Parquet and CSV
SECTIONS = (
    "decisions-by-rule", "approvals", "approvals-waited", "answers-signed", "denials", "refusals-by-code",
    "findings-in-requests", "maskings-by-rule", "maskings-by-place", "usage-by-agent", "break-glass", "standing",
    "snapshots-used", "snapshots", "writers", "troubles", "gaps", "unended", "reads",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Section:
    question: Named
    rows: Sequence[Mapping[str, Any]]

    @property
    def columns(self) -> list[str]:
        return list(self.rows[0]) if self.rows else []

    @property
    def cut(self) -> bool:
        """There may be more rows than the question gives."""
        return len(self.rows) == self.question.most


@dataclass(frozen=True, slots=True)
class Result:
    control: Control
    rows: Sequence[Mapping[str, Any]]
    asked: Question

    @property
    def verdict(self) -> str:
        return self.control.verdict(len(self.rows))

    @property
    def count(self) -> str:
        """Of rows; a question that stopped has at least so many."""
        return f"{len(self.rows)}{' or more' if len(self.rows) == self.control.question.most else ''}"


@dataclass(slots=True)
class Report:
    framework: Framework
    gateway: str
    scope: Mapping[str, str]  # for people: what was chosen
    sections: list[Section] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    days: list[str] = field(default_factory=list)
    series: dict[str, list[int]] = field(default_factory=dict)
    snapshots: dict[str, bool] = field(default_factory=dict)  # digest → is its text in the package
    verification: list[str] = field(default_factory=list)

    @property
    def findings(self) -> list[Result]:
        return [result for result in self.results if result.verdict in ("finding", "missing")]


class Asker:
    """Asks questions for one time and scope; each only once, however many controls want it."""

    def __init__(self, reader: Reader, which: Filter, database: str, now_us: int) -> None:
        self._reader, self._now_us = reader, now_us
        self._head, self._parameters = scoped(which, database)
        span = {"since": which.since_us, "until": which.until_us}
        self._span = {name: as_sql(us).replace(" ", "T") for name, us in span.items() if us is not None}
        self._known: dict[str, tuple[Question, list[dict[str, Any]]]] = {}

    def ask(self, question: Named) -> tuple[Question, list[dict[str, Any]]]:
        if question.name not in self._known:
            names = {parameter.name for parameter in question.parameters}
            given = {name: value for name, value in self._span.items() if name in names}
            bound = question.bind(given, self._now_us, self._head)
            bound = Question(bound.what, bound.sql, {**bound.parameters, **self._parameters})
            self._known[question.name] = bound, self._reader.ask(bound)
        return self._known[question.name]

    def table(self, name: str) -> Question:
        """All rows of one view for the time and scope."""
        assert name in SCOPED
        column = "requested_at" if name == "approvals" else "ts"
        conditions = [
            f"{column} {sign} {{{key}:DateTime64(6, 'UTC')}}" for key, sign in (("since", ">="), ("until", "<"))
        ]
        kept = [text for key, text in zip(("since", "until"), conditions, strict=True) if key in self._span]
        where = f" WHERE {' AND '.join(kept)}" if kept else ""
        sql = f"{self._head}SELECT * FROM {name}{where} ORDER BY {column}"  # noqa: S608 - our own names
        values = {key: value.replace("T", " ") for key, value in self._span.items()} | self._parameters
        return Question("audit.report", sql, values)


def gather(asker: Asker, report: Report, has_text: Callable[[str], bool]) -> Report:
    """Fills `report`. `has_text`: is the policy of a snapshot in the package? Raises QueryRefused, StoreSilent."""
    report.sections = [Section(named(name), asker.ask(named(name))[1]) for name in SECTIONS]
    for control in report.framework.controls:
        asked, rows = asker.ask(control.question)
        report.results.append(Result(control, rows, asked))
    _by_day(asker.ask(named("decisions-by-day"))[1], report)
    used = asker.ask(named("snapshots-used"))[1]
    report.snapshots = {row["snapshot"]: has_text(row["snapshot"]) for row in used}
    return report


def _by_day(rows: Sequence[Mapping[str, Any]], report: Report) -> None:
    """Days without a decision are drawn as such."""
    counts = {(row["day"], row["effect"]): int(row["decisions"]) for row in rows}
    days = sorted({row["day"] for row in rows})
    every = [days[0] + datetime.timedelta(days=n) for n in range((days[-1] - days[0]).days + 1)] if days else []
    report.days = [day.isoformat() for day in every]
    report.series = {effect: [counts.get((day, effect), 0) for day in every] for effect in EFFECTS}


def page(report: Report, render_cell: Callable[[Any], str]) -> str:
    """The HTML, self-contained and without script. `render_cell`: a value as one line of text."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # only who makes a report pays for it

    folder = Path(__file__).with_name("templates")
    environment = Environment(loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined)
    environment.filters["cell"] = render_cell
    by_rule = [(f"{row['effect']}: {row['rule']}", int(row["decisions"])) for row in _rows(report, "decisions-by-rule")]
    masked = [(f"{row['rule']} ({row['direction']})", int(row["values"])) for row in _rows(report, "maskings-by-rule")]
    used = [(f"{row['agent']} → {row['connection']}", int(row["requests"])) for row in _rows(report, "usage-by-agent")]
    drawn = {
        "days": charts.stacked(report.days, report.series, "Decisions per day by effect"),
        "rules": charts.bars(by_rule, "Decisions by rule"),
        "masked": charts.bars(masked, "Masked values by rule and direction"),
        "used": charts.bars(used, "Requests by agent and connection"),
    }
    return environment.get_template("report.html").render(report=report, charts=drawn, shown=SHOWN)


def _rows(report: Report, name: str) -> Sequence[Mapping[str, Any]]:
    return next((section.rows for section in report.sections if section.question.name == name), [])
