"""Standing grants, row by row. Times in seconds after they were given."""

from dataclasses import replace
from typing import Any

import pytest

from approvals.facts import Card, Vote, Voter
from approvals.standing import (
    TABLE,
    Fact,
    Given,
    IllegalStanding,
    Over,
    Phase,
    Reach,
    Reviewed,
    Revoked,
    Standing,
    Taken,
    TooWide,
    apply,
    fits,
    fold,
    give,
    take,
)
from snapshot.decision import ApprovalTerms, Bounds
from tests.kit.approvals import ask

ALICE = Voter("people", "alice", "alice@bank.example", ("ledger-approvers",))
REACH = Reach.of(Card.of(ask()))
SECOND = 1_000_000


def given(**changed: Any) -> Given:
    fields: dict[str, Any] = {"id": "s1", "reach": REACH, "uses": 2, "until_us": 60 * SECOND}
    return Given(**{"n": 1, "at_us": 0, **fields, "votes": (Vote(ALICE, "d"),), **changed})


def asked(number: int, **changed: Any) -> Any:
    return ask(exchange=f"exchange-{number}", received_digest=f"{number}", **changed)


def taken(standing: Standing, number: int, seconds: int = 1, **changed: Any) -> Standing:
    return fold(take(standing, asked(number, **changed), seconds * SECOND), standing)


def test_it_covers_its_count_and_no_more() -> None:
    standing = fold([given()])
    first = taken(standing, 1)
    second = taken(first, 2)
    assert [standing.uses_left, first.uses_left, second.uses_left] == [2, 1, 0]
    assert second.phase is Phase.SPENT
    assert take(second, asked(3), 2 * SECOND) == ()


def test_one_exchange_takes_one_use() -> None:
    standing = taken(fold([given()]), 1)
    assert take(standing, asked(1), 2 * SECOND) == ()


def test_it_ends_with_its_time() -> None:
    standing = fold([given()])
    assert taken(standing, 1, 59).uses_left == 1
    assert taken(standing, 1, 60).phase is Phase.OVER


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": "https://another.example"},
        {"subject": "another"},
        {"agent": "another"},
        {"connection": "another"},
        {"snapshot": "sha256:" + "d" * 64},
        {"action": "POST /ledger/accounts"},
        {"action": "DELETE /ledger/transfers"},
        {"rule": "large_transfer"},
        {"terms": ApprovalTerms(any=("ledger-approvers",), quorum=2)},
    ],
)
def test_it_covers_the_very_same_identity_connection_policy_and_action(changed: dict[str, str]) -> None:
    assert take(fold([given()]), asked(1, **changed), SECOND) == ()


@pytest.mark.parametrize(
    ("pattern", "action", "fitting"),
    [
        ("POST /a/b", "POST /a/b", True),
        ("POST /a/b", "POST /a/b/c", False),
        ("POST /a/b", "POST /a/b?x=1", False),
        ("POST /a/*", "POST /a/b", True),
        ("POST /a/*", "POST /a/", False),
        ("POST /a/*", "POST /a/b/c", False),
        ("POST /a/*/c", "POST /a/b/c", True),
        ("POST /a/*/c", "POST /a/../c", True),  # paths are normalised long before they come here
        ("POST /a/x*", "POST /a/xyz", False),  # a star is a whole part
        ("POST /a/.", "POST /a/b", False),
    ],
)
def test_patterns(pattern: str, action: str, fitting: bool) -> None:
    assert fits(pattern, action) == fitting


@pytest.mark.parametrize(
    "changed",
    [
        {"uses": 0},
        {"uses": 6},
        {"until_us": 0},
        {"until_us": 601 * SECOND},
        {"votes": ()},
        {"reach": replace(REACH, action="* /ledger/transfers")},
        {"reach": replace(REACH, action="")},
    ],
)
def test_nobody_gives_more_than_the_policy_allows(changed: dict[str, Any]) -> None:
    with pytest.raises(TooWide):
        give(given(**changed), Bounds(5, 600))


def test_as_much_as_the_policy_allows_may_be_given() -> None:
    most = given(uses=5, until_us=600 * SECOND)
    assert give(most, Bounds(5, 600)) == most


REVOKE = Revoked(2, 5, ALICE, "done")


def test_a_revoked_one_covers_nothing() -> None:
    revoked = apply(fold([given()]), REVOKE)
    assert (revoked.phase, revoked.uses_left, take(revoked, asked(1), SECOND)) == (Phase.REVOKED, 0, ())


def test_break_glass_owes_a_review_until_it_had_one() -> None:
    standing = fold([given(break_glass=True)])
    assert standing.owes_review
    assert not fold([given()]).owes_review
    for ended in (standing, apply(standing, REVOKE), apply(standing, Over(2, 5)), taken(taken(standing, 1), 2)):
        reviewed = apply(ended, Reviewed(ended.facts + 1, 9, ALICE, "fine"))
        assert (reviewed.phase, reviewed.owes_review) == (ended.phase, False)


@pytest.mark.parametrize("fact", [Taken(3, 9, "x"), Over(3, 9), replace(REVOKE, n=3), given(n=3), given()])
def test_what_has_no_row(fact: Fact) -> None:
    over = apply(fold([given()]), Over(2, 5))
    if fact.n <= over.facts:
        assert apply(over, fact) == over
        with pytest.raises(IllegalStanding):
            fold([Over(1, 0)])
    else:
        with pytest.raises(IllegalStanding):
            apply(over, fact)
    assert set(TABLE) == set(Phase)


def test_folding_twice_is_folding_once() -> None:
    facts: list[Fact] = [given(), Taken(2, 1, "x"), REVOKE]
    facts[2] = replace(REVOKE, n=3)
    assert fold([*facts, *facts]) == fold(facts)
    with pytest.raises(IllegalStanding):
        fold([])
