"""Revocations: what they hit, their two phases, and that twice is once."""

from dataclasses import replace
from typing import Any

import pytest

from approvals.facts import Card
from approvals.revocations import (
    TABLE,
    By,
    IllegalRevocation,
    Lifted,
    Made,
    Phase,
    Revocation,
    Revocations,
    Scope,
    Traits,
    apply,
    fold,
)
from tests.kit.approvals import ask

BY = By("people", "rita", "rita@bank.example")
TRAITS = Traits("https://issuer.example", "ledger-agent", "agent-7", "session-1", "jti-1")
LIFT = Lifted(2, 2, "it was the other one", BY)


def made(scope: Scope, value: str, issuer: str = "", revocation_id: str = "r1") -> Revocation:
    return fold([Made(1, 1, revocation_id, scope, value, issuer, "lost laptop", BY)])


@pytest.mark.parametrize(
    ("scope", "value"),
    [
        (Scope.SUBJECT, "ledger-agent"),
        (Scope.AGENT, "agent-7"),
        (Scope.SESSION, "session-1"),
        (Scope.JTI, "jti-1"),
    ],
)
def test_each_scope_hits_its_own_trait_alone(scope: Scope, value: str) -> None:
    revocation = made(scope, value)
    assert revocation.hits(TRAITS)
    assert Revocations([revocation]).find(TRAITS) == revocation
    for name in ("subject", "agent", "session", "jti"):
        other: Any = replace(TRAITS, **{name: "another"})
        assert revocation.hits(other) == (name != scope.value)
        assert bool(Revocations([revocation]).find(other)) == (name != scope.value)


def test_an_issuer_narrows_it() -> None:
    assert made(Scope.SUBJECT, "ledger-agent", TRAITS.issuer).hits(TRAITS)
    assert not made(Scope.SUBJECT, "ledger-agent", "https://another.example").hits(TRAITS)


@pytest.mark.parametrize("scope", Scope)
def test_what_is_empty_matches_nothing(scope: Scope) -> None:
    nobody = Traits("", "")
    assert not made(scope, "").hits(nobody)
    assert Revocations([made(scope, "")]).find(nobody) is None


def test_a_lifted_one_hits_nothing_any_more() -> None:
    lifted = apply(made(Scope.SUBJECT, "ledger-agent"), LIFT)
    assert (lifted.phase, lifted.active, lifted.hits(TRAITS)) == (Phase.LIFTED, False, False)
    revocations = Revocations([made(Scope.SUBJECT, "ledger-agent")])
    revocations.put(lifted)
    assert (revocations.find(TRAITS), revocations.active(), revocations.get("r1")) == (None, [], lifted)


def test_two_that_hit_the_same_lift_one_by_one() -> None:
    first, second = made(Scope.AGENT, "agent-7"), made(Scope.AGENT, "agent-7", TRAITS.issuer, "r2")
    revocations = Revocations([first, second])
    revocations.put(apply(first, LIFT))
    assert revocations.find(TRAITS) == second
    assert revocations.same(Scope.AGENT, "agent-7", TRAITS.issuer) == second
    assert revocations.same(Scope.AGENT, "agent-7", "") is None


def test_folding_twice_is_folding_once() -> None:
    facts = [made(Scope.JTI, "x").made, LIFT]
    assert fold([*facts, *facts]) == fold(facts)


def test_what_has_no_row() -> None:
    revocation = made(Scope.JTI, "x")
    lifted = apply(revocation, LIFT)
    for at, fact in (
        (lifted, replace(LIFT, n=3)),
        (revocation, replace(LIFT, n=3)),
        (revocation, replace(revocation.made, n=2)),
    ):
        with pytest.raises(IllegalRevocation):
            apply(at, fact)
    for facts in ([], [LIFT]):
        with pytest.raises(IllegalRevocation):
            fold(facts)
    assert set(TABLE) == set(Phase)


def test_the_traits_of_a_card() -> None:
    card = Card.of(ask(jti="jti-9"))
    assert Traits.of(card) == Traits("https://issuer.example", "ledger-agent", "ledger-agent", "session-1", "jti-9")
