"""YAML with lines: strict about what YAML is loose about."""

import pytest

from snapshot.located import RepositoryRefused, read


def test_values_know_their_lines() -> None:
    document = read("a:\n  - one\n  - {b: 2}\n", "f.yaml").mapping("it")
    items = document["a"].items("a")
    assert [item.line for item in items] == [2, 3]
    assert read("a:\n  - one\n  - {b: 2}\n", "f").plain() == {"a": ["one", {"b": 2}]}


def test_scalars_are_those_of_yaml_1_2() -> None:
    text = "a: no\nb: true\nc: 010\nd: 1.5\ne: ~\nf: '1'\ng: 12:30\nh: 2026-01-01\ni: NO"
    assert read(text, "f").plain() == {
        "a": "no", "b": True, "c": 10, "d": 1.5, "e": None, "f": "1", "g": "12:30", "h": "2026-01-01", "i": "NO",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: 1\nb: 2\na: 3", "f:3: "),
        ("a: &x 1\nb: *x", "f:1: "),
        ("a: 1\nb: *x", "f:2: "),
        ("a: !!python/object:os.system x", "f:1: "),
        ("a: 1\n---\nb: 2", "f:2: "),
        ("a: [1, 2", "f:1: "),
        ("a: 1\n\tb: 2", "f:2: "),
        ("{1: {[a]: 2}}", "f:1: "),
        ("a: \x00", "f: "),
        ("[" * 2000, "f"),
        ("[" * 30 + "]" * 30, "f:1: "),
    ],
)
def test_what_yaml_would_let_pass_is_refused_with_its_place(text: str, place: str) -> None:
    with pytest.raises(RepositoryRefused) as caught:
        read(text, "f")
    assert caught.value.message.startswith(place)


def test_an_empty_document_is_null() -> None:
    assert read("# nothing\n", "f").value is None
