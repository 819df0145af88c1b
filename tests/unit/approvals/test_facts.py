"""The nouns: what makes two requests the same, what is final, who is the same person."""

from dataclasses import fields, replace

import pytest

from approvals.facts import (
    MAX_JUSTIFICATION,
    MAX_MESSAGE,
    NOTHING_LESS,
    Binding,
    Card,
    Narrowing,
    Shown,
    State,
    Voter,
    target,
)
from tests.kit.approvals import ask


def test_only_two_states_are_open() -> None:
    assert [state for state in State if not state.final] == [State.REQUESTED, State.GRANTED]


@pytest.mark.parametrize("name", [field.name for field in fields(Binding)])
def test_the_key_is_everything_but_the_exchange(name: str) -> None:
    binding = ask().binding
    same = replace(binding, **{name: "another"}).key == binding.key
    assert same == (name == "exchange")


def test_where_a_body_goes_is_method_path_and_type() -> None:
    found = {target(*parts) for parts in (("A", "b", "c"), ("A", "b", ""), ("A", "bc", ""), ("Ab", "", "c"))}
    assert len(found) == 4
    assert target("A", "/caf\udcc3", "") != target("A", "/caf", ""), "a path that is not UTF-8 has one too"


def test_a_card_keeps_the_digest_and_not_the_content() -> None:
    card = Card.of(ask(shown=Shown("text/plain", b"content"), message="m" * 9999, justification="j" * 9999))
    assert (card.shown_digest, card.shown_media) == (Shown("", b"content").digest, "text/plain")
    assert "content" not in repr(card)
    assert (len(card.message), len(card.justification)) == (MAX_MESSAGE, MAX_JUSTIFICATION)


def test_a_person_is_an_issuer_and_a_subject() -> None:
    alice = Voter("people", "alice", "a@x", ("g",))
    assert alice.same_person(replace(alice, email="b@x", groups=()))
    assert not alice.same_person(replace(alice, issuer="other"))
    assert not alice.same_person(replace(alice, subject="bob"))


def test_two_narrowings_are_never_wider_than_each() -> None:
    one, two = Narrowing(("pci",), 100), Narrowing(("pii-us", "pci"), 0)
    assert one & two == Narrowing(("pci", "pii-us"), 100)
    assert two & Narrowing((), 50) & one == Narrowing(("pii-us", "pci"), 50)
    assert NOTHING_LESS & NOTHING_LESS == NOTHING_LESS
    assert NOTHING_LESS & one == one
