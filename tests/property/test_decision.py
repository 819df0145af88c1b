"""Whatever a policy answers, `parse` gives a well-formed decision or MalformedDecision, and nothing between."""

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from snapshot.decision import (
    DIGEST,
    MAX_HOLD_SECONDS,
    MAX_QUORUM,
    MAX_RESPOND_SECONDS,
    Decision,
    Effect,
    MalformedDecision,
    parse,
)
from snapshot.verdict import Verdict

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.lists(st.from_regex(r"[a-z][a-z0-9_-]{0,20}", fullmatch=True), max_size=3)
REASONS = st.lists(
    st.fixed_dictionaries(
        {"rule": st.from_regex(r"[a-z_]{1,20}", fullmatch=True), "message": st.just("A sentence.")},
        optional={"controls": NAMES},
    ),
    min_size=1,
    max_size=3,
)
TERMS = st.fixed_dictionaries(
    {"any": NAMES.filter(bool)},
    optional={
        "all": NAMES,
        "quorum": st.integers(1, MAX_QUORUM),
        "expires_in": st.sampled_from(["30s", "9m", "55m", "1h", "200h"]),
        "wait": st.sampled_from(["hold", "respond"]),
        "justification": st.sampled_from(["none", "optional", "required"]),
    },
)
DECISIONS = st.fixed_dictionaries(
    {
        "effect": st.sampled_from(["allow", "deny", "hold"]),
        "reasons": REASONS,
        "snapshot": st.just("sha256:" + "0" * 64),
    },
    optional={
        "approval": st.none() | TERMS,
        "tools": st.fixed_dictionaries({}, optional={"hold": NAMES, "hide": NAMES}),
        "masking": NAMES,
        "restore": st.booleans(),
        "record": st.just("full"),
    },
)


def checked(result: object) -> Decision | None:
    """The decision, held against every promise of the type; None when it was refused."""
    try:
        decision = parse(result)
    except MalformedDecision:
        return None
    assert isinstance(decision.effect, Effect)
    assert decision.reasons
    assert DIGEST.fullmatch(decision.snapshot)
    assert type(decision.restore) is bool
    for names in (decision.masking, decision.tools_hold, decision.tools_hide):
        assert all(type(name) is str and name for name in names)
    needed = decision.effect is Effect.HOLD or (decision.effect is Effect.ALLOW and bool(decision.tools_hold))
    assert (decision.approval is not None) == needed
    if decision.approval is not None:
        terms = decision.approval
        assert terms.any or terms.all
        assert 1 <= terms.quorum <= MAX_QUORUM
        assert 0 < terms.expires_s <= (MAX_HOLD_SECONDS if terms.wait == "hold" else MAX_RESPOND_SECONDS)
    return decision


@given(JSON)
def test_anything(value: Any) -> None:
    assert checked(value) is None


@given(DECISIONS)
def test_what_looks_like_a_decision_survives_the_metadata(value: dict[str, Any]) -> None:
    decision = checked(value)
    if decision is None:
        return
    verdict = Verdict(
        exchange="e",
        effect=decision.effect,
        connection="c",
        kind="http",
        snapshot=decision.snapshot,
        masking=decision.masking,
        tools_hold=decision.tools_hold,
        tools_hide=decision.tools_hide,
        approval=decision.approval,
        restore=decision.restore,
    )
    assert Verdict.from_metadata(verdict.to_metadata()) == verdict


@given(DECISIONS, st.data())
def test_one_part_replaced_by_anything(value: dict[str, Any], data: st.DataObject) -> None:
    spoilt = copy.deepcopy(value)
    places = list(_places(spoilt))
    place, key = data.draw(st.sampled_from(places))
    place[key] = data.draw(JSON)
    checked(spoilt)


@given(DECISIONS, st.data())
def test_one_part_missing_or_added(value: dict[str, Any], data: st.DataObject) -> None:
    spoilt = copy.deepcopy(value)
    objects = [place for place, _ in _places(spoilt) if isinstance(place, dict)]
    place = data.draw(st.sampled_from(objects))
    key = data.draw(st.sampled_from(sorted(place)) | st.text(max_size=8))
    if key in place:
        del place[key]
        checked(spoilt)
    else:
        place[key] = data.draw(JSON)
        assert checked(spoilt) is None or key in KNOWN


KNOWN = {
    *(
        "effect",
        "reasons",
        "approval",
        "tools",
        "masking",
        "restore",
        "record",
        "snapshot",
        "rule",
        "message",
        "controls",
    ),
    *("any", "all", "quorum", "expires_in", "wait", "justification", "hold", "hide"),
}


def _places(value: Any) -> Any:
    """Every container with each of its keys."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield value, key
            yield from _places(item)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield value, index
            yield from _places(item)
