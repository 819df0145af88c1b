"""Cases as data: merged over a stranger, compared by what they want."""

import pytest

from snapshot.cases import Case, differences, parse_cases
from snapshot.located import RepositoryRefused
from snapshot.sample import STRANGER

TEXT = """given: {identity: {groups: [research]}}
cases:
  - description: one
    input: {identity: {subject: ada}}
    want: {effect: deny, rules: [no_role]}
"""


def test_a_case_lies_over_what_is_given_and_that_over_a_stranger() -> None:
    (case,) = parse_cases(TEXT, "f")
    assert (case.description, case.line) == ("one", 3)
    assert case.input["identity"] == {**STRANGER["identity"], "groups": ["research"], "subject": "ada"}
    assert case.input["findings"] == []


def test_a_file_may_hold_one_case() -> None:
    (case,) = parse_cases("description: one\nwant: {effect: deny}\n", "f")
    assert case.input == STRANGER


def test_trying_needs_no_expectation() -> None:
    (case,) = parse_cases("description: one\n", "f", need_want=False)
    assert case.want == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("description: one\n", "f:1: the case has no `want`"),
        ("want: {effect: deny}\n", "f:1: the case has no `description`"),
        ("description: one\nwant: {}\n", "f:2: want is empty"),
        ("description: one\nwant: {effekt: deny}\n", "f:2: want has an unknown key"),
        ("cases:\n  - description: one\n    wants: {}\n", "f:3: the case has an unknown key"),
        ("cases: {}\n", "f:1: cases is not a list"),
        ("- a\n", "f:1: the file is not a mapping"),
    ],
)
def test_what_is_refused_says_where(text: str, words: str) -> None:
    with pytest.raises(RepositoryRefused) as caught:
        parse_cases(text, "f")
    assert words in caught.value.message


DECISION = {
    "effect": "hold",
    "reasons": [{"rule": "b", "message": "m"}, {"rule": "a", "message": "m"}],
    "approval": {"any": ["g"], "quorum": 1},
    "masking": ["pii", "pci"],
}


def wanting(**want: object) -> list[str]:
    return list(differences(Case("f", 1, "d", {}, want), DECISION))


def test_only_what_is_wanted_is_compared() -> None:
    assert wanting(effect="hold") == []
    assert wanting(rules=["a", "b"], masking=["pci", "pii"], approval={"any": ["g"]}) == []
    assert wanting(restore=False, record="full") == []


def test_each_difference_is_a_sentence() -> None:
    assert wanting(effect="allow") == ["effect is 'hold', not 'allow'"]
    assert len(wanting(rules=["a"], masking=["pci"])) == 2
    assert len(wanting(approval={"quorum": True})) == 1
    assert len(wanting(approval={"all": ["g"]})) == 1
