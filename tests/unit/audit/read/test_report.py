"""Gathering and the page, with a reader that answers from a list."""

import datetime
from typing import Any

from audit.read.decisions import Filter
from audit.read.frameworks import framework
from audit.read.reader import Question
from audit.read.report import SHOWN, Asker, Report, gather, page

NOW = 1_795_176_000_000_000
DAY = datetime.date(2026, 11, 18)


class Answers:
    def __init__(self, **rows: list[dict[str, Any]]):
        self.rows, self.asked = rows, list[Question]()

    def ask(self, question: Question) -> list[dict[str, Any]]:
        self.asked.append(question)
        return self.rows.get(question.what.removeprefix("questions.").replace("-", "_"), [])


def gathered(reader: Answers, which: Filter = Filter()) -> Report:  # noqa: B008 - frozen
    report = Report(framework("nist-800-53"), "exeat", {"from": "a", "to": "b"})
    return gather(Asker(reader, which, "audit", NOW), report, lambda digest: digest == "sha256:a")  # type: ignore[arg-type]


def test_each_question_is_asked_once_for_the_time_and_scope():
    reader = Answers()
    gathered(reader, Filter(since_us=0, until_us=NOW, agent="a"))
    assert len({question.what for question in reader.asked}) == len(reader.asked)
    for question in reader.asked:
        assert question.sql.startswith("WITH decisions AS")
        assert question.parameters["scope_agent"] == "a"
        if "since" in question.parameters:
            assert question.parameters["since"] == "1970-01-01 00:00:00.000000"


def test_days_without_a_decision_are_drawn():
    rows = [{"day": DAY, "effect": "allow", "decisions": 2}]
    rows.append({"day": DAY + datetime.timedelta(days=2), "effect": "deny", "decisions": 1})
    report = gathered(Answers(decisions_by_day=rows))
    assert report.days == ["2026-11-18", "2026-11-19", "2026-11-20"]
    assert (report.series["allow"], report.series["deny"]) == ([2, 0, 0], [0, 0, 1])


def test_rows_where_none_should_be_are_findings():
    report = gathered(Answers(approvals_of_own=[{"approval": "x"}]))
    results = {result.control.id: result.verdict for result in report.results}
    assert results["AC-5"] == "finding"
    assert results["AU-10"] == "missing"
    assert "finding" in page(report, str)


def test_recorded_text_is_text_and_long_tables_say_so():
    rows = [{"ts": "t", "message": "<script>alert(1)</script>"}] * (SHOWN + 1)
    html = page(gathered(Answers(denials=rows)), str)
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert f"{SHOWN} of {SHOWN + 1} rows" in html


def test_policy_text_that_is_gone_is_said():
    used = [{"snapshot": "sha256:a"}, {"snapshot": "sha256:b"}]
    html = page(gathered(Answers(snapshots_used=used)), str)
    assert "policies/a/" in html
    assert "not on this machine any more" in html


def test_tables_are_cut_to_the_time():
    question = Asker(Answers(), Filter(since_us=0, until_us=NOW, connection="c"), "audit", NOW).table("approvals")  # type: ignore[arg-type]
    assert "requested_at >= {since:" in question.sql
    assert question.parameters == {
        "since": "1970-01-01 00:00:00.000000", "until": "2026-11-20 12:00:00.000000", "scope_connection": "c",
    }  # fmt: skip
