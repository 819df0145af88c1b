"""How deciding again compares with the record."""

import pytest

from console.redecide import compare
from snapshot.decision import Decision, Effect, Reason

OLD, NEW = "sha256:" + "a" * 64, "sha256:" + "b" * 64
RECORDED = {"effect": "deny", "rules": ["r1", "r2"], "snapshot": OLD}


def decision(effect: str = "deny", rules: tuple[str, ...] = ("r1", "r2"), snapshot: str = OLD) -> Decision:
    return Decision(Effect(effect), tuple(Reason(rule, "m") for rule in rules), snapshot)


@pytest.mark.parametrize(
    ("again", "how", "words"),
    [
        (decision(), "same", "the engine decides the same again: deny (r1, r2)"),
        (decision("allow", ("ok",)), "different", "OTHERWISE UNDER THE SAME SNAPSHOT: allow (ok)"),
        (decision(rules=("r1",)), "different", "OTHERWISE"),
        (decision(snapshot=NEW), "other_snapshot", "decides the same under it"),
        (decision("allow", ("ok",), NEW), "other_snapshot", "decides otherwise under it: allow (ok)"),
    ],
)
def test_the_sentence(again: Decision, how: str, words: str):
    result = compare(RECORDED, again, "the engine")
    assert result.how == how
    assert words in result.sentence
    assert result.as_dict()["effect"] == str(again.effect)
