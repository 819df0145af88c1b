"""Questions as files: their heads, their parameters, their scope."""

import pytest

from audit.read.decisions import Filter
from audit.read.instants import WrongTime
from audit.read.questions import Parameter, WrongQuestion, known, named, parse, scoped

NOW = 1_795_176_000_000_000  # 2026-11-20T12:00Z
TEXT = """-- What did an agent do?
--   agent String: the agent
--   since DateTime = 1d: from then on
--   names Array(String) = a,b: some names
--   seconds UInt32 = 300: how late
-- There must be none.
-- Really.

SELECT 1
-- a comment that stays
"""


def test_a_file_is_a_question():
    question = parse("what", TEXT)
    assert (question.title, question.says) == ("What did an agent do?", "There must be none. Really.")
    assert question.parameters[0] == Parameter("agent", "String", None, "the agent")
    assert question.sql == "SELECT 1\n-- a comment that stays"


def test_words_become_values():
    bound = parse("what", TEXT).bind({"agent": "a", "names": "x,y"}, NOW)
    assert bound.what == "questions.what"
    assert bound.parameters == {
        "agent": "a", "since": "2026-11-19 12:00:00.000000", "names": ["x", "y"], "seconds": 300,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({}, WrongQuestion),
        ({"agent": "a", "other": "b"}, WrongQuestion),
        ({"agent": "a", "seconds": "-1"}, WrongQuestion),
        ({"agent": "a", "seconds": "5000000000"}, WrongQuestion),
        ({"agent": "a", "since": "soon"}, WrongTime),
    ],
)
def test_what_is_missing_unknown_or_of_another_type(given: dict[str, str], error: type[Exception]):
    with pytest.raises(error):
        parse("what", TEXT).bind(given, NOW)


@pytest.mark.parametrize(
    "text", ["SELECT 1", "-- not a question\nSELECT 1", "-- What?\n--   agent Text: x\nSELECT 1", ""]
)
def test_a_head_of_another_form(text: str):
    with pytest.raises(WrongQuestion):
        parse("what", text)


def test_every_shipped_question_reads_and_uses_its_parameters():
    assert len(known()) >= 30
    for question in known().values():
        for parameter in question.parameters:
            assert f"{{{parameter.name}:" in question.sql, (question.name, parameter.name)
        assert question.sql.count("{") == question.sql.count("}")
    with pytest.raises(WrongQuestion, match="no question is named"):
        named("nothing")


def test_a_scope_narrows_the_views_by_parameters():
    head, parameters = scoped(Filter(agent="a' OR 1", connection="c"), "audit")
    assert head.startswith("WITH decisions AS (SELECT * FROM audit.decisions WHERE agent = {scope_agent:String} AND ")
    assert parameters == {"scope_agent": "a' OR 1", "scope_connection": "c"}
    assert "sessions" not in head  # a session has several connections
    assert scoped(Filter(since_us=1), "audit") == ("", {})


def test_a_question_that_stops_says_where():
    assert named("denials").most == 10_000
    assert named("gaps").most is None
