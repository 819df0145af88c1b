"""Roles: who has one, what it opens."""

import pytest

from snapshot.located import RepositoryRefused
from snapshot.roles import Role, parse_models, parse_roles, unknown_names

TEXT = "research:\n  groups: [research]\n  connections: [anthropic]\n  models: [standard]\n"


def test_a_role_reads_as_written() -> None:
    assert parse_roles(TEXT, "f") == {"research": Role("research", ("research",), ("anthropic",), ("standard",))}
    assert parse_roles("", "f") == {}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("research: {connections: [a]}", "f:1: "),
        ("research: {groups: []}", "f:1: "),
        ("research:\n  groups: research", "f:2: "),
        ("research:\n  groups: ['']", "f:2: "),
        ("research:\n  groups: [a]\n  model: [b]", "f:3: "),
        ("Research: {groups: [a]}", "f:1: "),
        ("- a", "f:1: "),
    ],
)
def test_what_is_refused_says_where(text: str, place: str) -> None:
    with pytest.raises(RepositoryRefused) as caught:
        parse_roles(text, "f")
    assert caught.value.message.startswith(place)


def test_names_that_nothing_declares_are_noted() -> None:
    notes = [str(note) for note in unknown_names(parse_roles(TEXT, "f"), "f", ["openai"], ["frontier"])]
    assert notes == [
        "f:1: role `research` names connection `anthropic`, which is not declared",
        "f:1: role `research` names tier `standard`, which is not declared",
    ]
    assert list(unknown_names(parse_roles(TEXT, "f"), "f", ["anthropic"], ["standard"])) == []


def test_models_are_tiers_of_patterns() -> None:
    assert parse_models("standard: [a-*, b]\n", "f") == {"standard": ("a-*", "b")}
    with pytest.raises(RepositoryRefused, match="f:1: "):
        parse_models("standard: a-*", "f")
