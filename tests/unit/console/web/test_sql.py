"""Questions to the record, and charts of their answers."""

import pytest

from audit.read.questions import WrongQuestion
from audit.read.rows import Rows
from console.web.site.sql import NoQuestion, bind, chart

NOW_US = 1_800_000_000_000_000


def test_ones_own_question() -> None:
    assert bind("", {"sql": " SELECT 1 ; ", "csrf": "x"}, NOW_US).sql == "SELECT 1 "
    with pytest.raises(NoQuestion):
        bind("", {"sql": " "}, NOW_US)


def test_a_question_with_a_name_takes_its_own_parameters_alone() -> None:
    question = bind("decisions-by-day", {"since": "2d", "until": "", "csrf": "x", "sql": "DROP"}, NOW_US)
    assert sorted(question.parameters) == ["since", "until"]
    assert "DROP" not in question.sql
    with pytest.raises(WrongQuestion):
        bind("no-such", {}, NOW_US)


def test_answers_with_the_shape_of_a_chart() -> None:
    bars = Rows(("type", "n"), ("LowCardinality(String)", "UInt64"), (("a", "2"), ("b", 1)), False)
    assert chart(bars).count("<rect") == 2
    days = Rows(("day", "effect", "n"), ("Date", "String", "UInt64"), (("d1", "allow", 2), ("d2", "deny", 1)), False)
    assert chart(days).count("<rect") == 2
    for types, rows in ((("String",), (("a",), ("b",))), (("UInt8", "UInt8"), ((1, 2), (3, 4)))):
        assert chart(Rows(("a", "b")[: len(types)], types, rows, False)) == ""
