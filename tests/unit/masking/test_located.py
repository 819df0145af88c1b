import pytest

from masking.errors import RuleError
from masking.located import load


def test_values_know_their_lines() -> None:
    document = load("a: 1\nb:\n  - x\n  - y\n", "f.yaml").mapping()
    assert document["b"].line == 3
    assert document["b"].texts() == ("x", "y")
    assert document["a"].texts() == ("1",)
    assert document["a"].text() == "1"
    assert load("a: true", "f").mapping()["a"].flag() is True


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "f:1: the file is empty"),
        ("a: [", "f:1: not YAML"),
        ("a: 1\na: 2", "f:2: 'a' occurs twice"),
        ("a: &x 1\nb: *x", "f:2: aliases"),
        ("a: 1\n---\nb: 2", "not YAML"),
        ("a: \tb\n\t- c", "not YAML"),
    ],
)
def test_files_that_cannot_be_read(text: str, message: str) -> None:
    with pytest.raises(RuleError, match=message):
        load(text, "f").mapping()


def test_wrong_kinds_of_values() -> None:
    document = load("a: {b: 1}\nc:\nd: maybe", "f").mapping()
    for broken in (document["a"].text, document["c"].text, document["d"].mapping, document["d"].flag):
        with pytest.raises(RuleError, match=r"f:[123]: expected"):
            broken()
