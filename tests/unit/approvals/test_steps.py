"""Every state can stand in the way, each with its own word."""

from approvals.facts import State
from approvals.steps import Why


def test_a_word_for_every_state() -> None:
    assert len({Why.of(state) for state in State}) == len(State)
