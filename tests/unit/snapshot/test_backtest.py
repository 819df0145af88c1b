"""What a backtest counts as a change, and what it makes of answers that are no decisions."""

import pytest

from snapshot.backtest import Outcome, Recorded, Tally, outcome, ranked

DIGEST = "sha256:" + "0" * 64
DECISION = {"effect": "allow", "reasons": [{"rule": "r", "message": "m"}], "snapshot": DIGEST}


def recorded(effect: str = "allow", rules: tuple[str, ...] = ("reading",), who: str = "ada") -> Recorded:
    return Recorded("e-1", "2026-01-01T00:00:00Z", who, "ledger", effect, rules, ("pci",), b"{}")


def tally(*pairs: tuple[Recorded, Outcome]) -> Tally:
    found = Tally()
    for pair in pairs:
        found.add(*pair)
    return found


def test_the_same_verdict_by_other_rules_is_no_change() -> None:
    found = tally(
        (recorded(), Outcome("allow", ("reading",), ("pci",))),
        (recorded(), Outcome("allow", ("reading", "more"), ("pci",))),
    )
    assert (found.decided, found.same, found.other_rules, found.changed) == (2, 2, 1, 0)


def test_a_change_is_counted_by_turn_rule_and_identity() -> None:
    found = tally(
        (recorded(), Outcome("deny", ("model_tier",), ("pci",))),
        (recorded(who="bob"), Outcome("deny", ("model_tier",), ("pci",))),
        (recorded("deny", ("no_role",)), Outcome("allow", (), ("pci",))),
        (recorded(), Outcome("refused", why="undefined")),
    )
    assert dict(found.turns) == {"allow → deny": 2, "deny → allow": 1, "allow → refused": 1}
    assert dict(found.by_rule) == {"model_tier": 2, "without no_role": 1, "without reading": 1}
    assert list(ranked(found.by_identity)) == [("ada", 3), ("bob", 1)]
    assert [change.now.effect for change in found.changes] == ["deny", "deny", "allow", "refused"]


def test_other_masking_is_a_change_unless_nothing_came_back() -> None:
    found = tally(
        (recorded(), Outcome("allow", ("reading",), ())),
        (recorded("deny", ("no_role",)), Outcome("deny", ("no_role",), ())),
    )
    assert dict(found.turns) == {"allow, masked otherwise": 1}
    assert found.same == 1


@pytest.mark.parametrize(
    ("kind", "value", "why"),
    [
        ("undefined", None, "undefined"),
        ("eval_error", "text that may quote content", "eval_error"),
        ("value", {"effect": "allow"}, "malformed_decision"),
        ("value", {**DECISION, "snapshot": "sha256:" + "1" * 64}, "other_snapshot"),
    ],
)
def test_what_the_gateway_would_refuse_is_refused(kind: str, value: object, why: str) -> None:
    assert outcome(kind, value, DIGEST) == Outcome("refused", why=why)
