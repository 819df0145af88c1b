"""Only exactly a decision is a decision."""

import copy
from typing import Any

import pytest

from snapshot.decision import (
    ApprovalTerms,
    Bounds,
    BreakGlass,
    Decision,
    Effect,
    MalformedDecision,
    Reason,
    Shadow,
    parse,
)

DIGEST = "sha256:" + "ab" * 32
ALLOW: dict[str, Any] = {
    "effect": "allow",
    "reasons": [{"rule": "research_models", "message": "Research may use this model."}],
    "snapshot": DIGEST,
}
HOLD: dict[str, Any] = {
    "effect": "hold",
    "reasons": [{"rule": "ledger_write", "message": "A write needs approval.", "controls": ["NIST-800-53:AC-3"]}],
    "approval": {"any": ["ledger-approvers"], "quorum": 2, "expires_in": "3m", "justification": "required"},
    "tools": {"hold": ["execute_sql"], "hide": ["drop_database"]},
    "masking": ["pci", "pii-us"],
    "restore": True,
    "record": "full",
    "snapshot": DIGEST,
}


def test_the_smallest_decision_takes_the_defaults() -> None:
    reason = Reason("research_models", "Research may use this model.")
    assert parse(ALLOW) == Decision(Effect.ALLOW, (reason,), DIGEST)


def test_a_hold_carries_its_terms() -> None:
    decision = parse(HOLD)
    assert decision.approval == ApprovalTerms(
        any=("ledger-approvers",), quorum=2, expires_s=180, justification="required"
    )
    assert (decision.tools_hold, decision.tools_hide) == (("execute_sql",), ("drop_database",))
    assert decision.masking == ("pci", "pii-us")
    assert decision.reasons[0].controls == ("NIST-800-53:AC-3",)
    assert decision.restore


def test_terms_default_to_nine_minutes_of_holding_and_one_yes() -> None:
    terms = parse({**HOLD, "approval": {"all": ["risk", "it"]}}).approval
    assert terms == ApprovalTerms(all=("risk", "it"), quorum=1, expires_s=540, wait="hold", justification="none")


def test_terms_may_foresee_what_is_granted_in_advance_or_alone() -> None:
    more = {"standing": {"uses": 20, "within": "8h"}, "break_glass": {"any": ["on-call"]}}
    givers = {"justification_from": ["requester", "approver"]}
    terms = parse({**HOLD, "approval": {"any": ["risk"], **more, **givers}}).approval
    assert terms is not None
    assert (terms.standing, terms.break_glass) == (Bounds(20, 28800), BreakGlass(("on-call",), 1, 3600))
    assert terms.justification_from == ("requester", "approver")
    assert (terms.never, terms.signature) == ((), False)
    signed = parse({**HOLD, "approval": {"any": ["risk"], "signature": True}}).approval
    assert signed is not None
    assert signed.signature is True
    kept_apart = parse({**HOLD, "approval": {"any": ["risk"], "never": ["exeat-admins"]}}).approval
    assert kept_apart is not None
    assert kept_apart.never == ("exeat-admins",)
    assert not terms.needs_justification("requester")  # only where one is required
    asked = parse({**HOLD, "approval": {"any": ["risk"], "justification": "required"}}).approval
    assert asked is not None
    assert (asked.needs_justification("approver"), asked.needs_justification("requester")) == (True, False)


@pytest.mark.parametrize(
    "more",
    [
        {"standing": {"uses": 0, "within": "1h"}},
        {"standing": {"uses": 1001, "within": "1h"}},
        {"standing": {"uses": True, "within": "1h"}},
        {"standing": {"uses": 1}},
        {"standing": {"within": "1h"}},
        {"standing": {"uses": 1, "within": "169h"}},
        {"standing": {"uses": 1, "within": "1h", "who": "anybody"}},
        {"standing": True},
        {"break_glass": {}},
        {"break_glass": {"any": []}},
        {"break_glass": {"any": ["on-call"], "uses": 1.5}},
        {"break_glass": ["on-call"]},
        {"justification_from": []},
        {"justification_from": ["owner"]},
        {"justification_from": "requester"},
        {"never": "exeat-admins"},
        {"never": [""]},
        {"signature": "required"},
        {"signature": 1},
    ],
)
def test_anything_else_in_advance_is_no_decision(more: dict[str, Any]) -> None:
    with pytest.raises(MalformedDecision):
        parse({**HOLD, "approval": {"any": ["risk"], **more}})


def test_a_deny_drops_terms_of_rules_that_it_overrules() -> None:
    assert parse({**HOLD, "effect": "deny"}).approval is None


def changed(base: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    copied = copy.deepcopy(base)
    *way, last = path.split(".")
    place: Any = copied
    for part in way:
        place = place[int(part)] if part.isdigit() else place[part]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return copied


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("effect", ...),
        ("effect", "Allow"),
        ("effect", True),
        ("effect", ["allow"]),
        ("effect", None),
        ("reasons", ...),
        ("reasons", []),
        ("reasons", {"rule": "x"}),
        ("reasons", "because"),
        ("reasons.0.rule", ...),
        ("reasons.0.rule", ""),
        ("reasons.0.message", ...),
        ("reasons.0.message", "two\nlines"),
        ("reasons.0.message", "x" * 501),
        ("reasons.0.extra", "x"),
        ("snapshot", ...),
        ("snapshot", ""),
        ("snapshot", "ab" * 32),
        ("snapshot", "sha256:" + "AB" * 32),
        ("allow", True),
        ("masking", "pci"),
        ("masking", ["PCI"]),
        ("masking", [1]),
        ("masking", None),
        ("restore", "false"),
        ("restore", 0),
        ("record", "none"),
        ("tools", ["x"]),
        ("tools", {"hold": [], "mask": []}),
    ],
)
def test_any_other_shape_is_refused(path: str, value: Any) -> None:
    with pytest.raises(MalformedDecision):
        parse(changed(ALLOW, path, value))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("approval", ...),
        ("approval", {}),
        ("approval", {"any": []}),
        ("approval.any", "ledger-approvers"),
        ("approval.quorum", 0),
        ("approval.quorum", True),
        ("approval.quorum", 1.5),
        ("approval.quorum", "1"),
        ("approval.quorum", 21),
        ("approval.expires_in", 540),
        ("approval.expires_in", "0s"),
        ("approval.expires_in", "9 minutes"),
        ("approval.expires_in", "56m"),
        ("approval.wait", "forever"),
        ("approval.justification", True),
        ("approval.by", "x"),
    ],
)
def test_terms_nobody_could_meet_are_refused(path: str, value: Any) -> None:
    with pytest.raises(MalformedDecision):
        parse(changed(HOLD, path, value))


def test_answering_at_once_may_leave_days_to_decide() -> None:
    terms = parse(changed(HOLD, "approval", {"any": ["g"], "wait": "respond", "expires_in": "48h"})).approval
    assert terms is not None
    assert terms.expires_s == 48 * 3600


def test_a_held_tool_on_an_allow_needs_terms_and_terms_need_something_held() -> None:
    terms = {"any": ["g"]}
    assert parse({**ALLOW, "tools": {"hold": ["t"]}, "approval": terms}).effect is Effect.ALLOW
    with pytest.raises(MalformedDecision):
        parse({**ALLOW, "tools": {"hold": ["t"]}})
    with pytest.raises(MalformedDecision):
        parse({**ALLOW, "approval": terms})


@pytest.mark.parametrize("value", [None, True, "allow", 1, [], [ALLOW], {}])
def test_what_is_no_decision_object_is_refused(value: object) -> None:
    with pytest.raises(MalformedDecision):
        parse(value)


def test_a_complaint_never_quotes_the_value() -> None:
    with pytest.raises(MalformedDecision) as caught:
        parse(changed(ALLOW, "masking", ["4111 1111 1111 1111"]))
    assert "4111" not in caught.value.message


def test_a_shadow_is_what_would_have_been() -> None:
    reasons = [{"rule": "new_rule", "message": "No.", "controls": ["C-1"]}]
    found = parse({**ALLOW, "shadow": {"effect": "deny", "reasons": reasons}})
    assert found.effect is Effect.ALLOW
    assert found.shadow == Shadow(Effect.DENY, (Reason("new_rule", "No.", ("C-1",)),))
    assert parse({**ALLOW, "shadow": None}).shadow is None
    for bad in ({}, {"effect": "deny"}, {"effect": "deny", "reasons": []}, {"effect": "x", "reasons": reasons}, True):
        with pytest.raises(MalformedDecision):
            parse({**ALLOW, "shadow": bad})


def test_what_is_hidden_may_be_a_pattern_or_an_exception() -> None:
    found = parse({**ALLOW, "tools": {"hide": ["*", "!search", "delete_*"]}})
    assert found.tools_hide == ("*", "!search", "delete_*")
    for bad in ("", "!", "a\nb", "-x", "a" * 200):
        with pytest.raises(MalformedDecision):
            parse({**ALLOW, "tools": {"hide": [bad]}})
    with pytest.raises(MalformedDecision):
        parse({**ALLOW, "approval": HOLD["approval"], "tools": {"hold": ["delete_*"]}})
