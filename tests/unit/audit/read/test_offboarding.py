from dataclasses import replace
from typing import Any

from audit.read.offboarding import Offboarding, gather, revoked_us
from audit.read.reader import Question

ROW = {"effect": "deny"}
NOTHING = Offboarding("dave", 5_000_000, (), (), (), (), (), ())


class Answers:
    def __init__(self) -> None:
        self.asked: dict[str, Question] = {}

    def ask(self, question: Question) -> list[dict[str, Any]]:
        self.asked[question.what] = question
        return []


def test_only_what_was_let_through_went_on_or_was_done_as_a_person_spoils_it():
    assert NOTHING.clean
    assert replace(NOTHING, since=(ROW, {"effect": "refused"})).clean
    for effect in ("allow", "hold"):
        found = replace(NOTHING, since=(ROW, {"effect": effect}))
        assert not found.clean
        assert (len(found.let_through), len(found.denied)) == (1, 1)
    assert not replace(NOTHING, went_on=({},)).clean
    assert not replace(NOTHING, as_person=({},)).clean


def test_what_a_list_does_not_show_is_counted():
    accounts = ({"let_through_since": 0}, {"let_through_since": 1})
    assert replace(NOTHING, accounts=accounts[:1]).clean
    assert not replace(NOTHING, accounts=accounts, since=(ROW,) * 10_000).clean


def test_a_list_that_stopped_is_not_complete():
    assert NOTHING.complete
    assert not replace(NOTHING, since=(ROW,) * 10_000).complete
    assert NOTHING.as_dict()["left"].startswith("1970-01-01 00:00:05")


def test_each_question_is_asked_about_the_person_and_the_time():
    reader = Answers()
    assert gather(reader, "dave", 5_000_000, 6_000_000) == replace(
        NOTHING, accounts=[], tokens=[], revocations=[], since=[], went_on=[], as_person=[]
    )  # type: ignore[arg-type]
    assert len(reader.asked) == 6
    for question in reader.asked.values():
        assert question.parameters["person"] == "dave"
        assert question.parameters.get("left", "1970-01-01 00:00:05.000000") == "1970-01-01 00:00:05.000000"
    assert revoked_us(reader, "dave", 6_000_000) is None  # type: ignore[arg-type]
