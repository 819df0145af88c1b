"""Refusals of strangers: the first at once, the rest as sums."""

from audit.write import Draft, Kind
from authz.refusals import Refusals


def draft(connection: str = "ledger", code: str = "token_missing") -> Draft:
    data = {"effect": "refused", "status": 401, "code": code, "method": "GET"}
    return Draft(Kind.DECISION, "decision.refused", "e-1", "", connection, data=data)


def test_the_first_is_recorded_and_the_others_summed() -> None:
    refusals = Refusals(100)
    assert refusals.note("token_missing", draft(), 10)
    assert not any(refusals.note("token_missing", draft(), at) for at in (20, 30, 40))
    assert refusals.due(109) == []
    (found,) = refusals.due(110)
    assert found.exchange == ""
    assert found.data == {
        "effect": "refused", "status": 401, "code": "token_missing", "count": 3, "first_us": 20, "last_us": 40,
    }  # fmt: skip
    assert refusals.due(1000) == []


def test_kinds_are_told_apart() -> None:
    refusals = Refusals(100)
    assert refusals.note("token_missing", draft(), 0)
    assert refusals.note("token_missing", draft("anthropic"), 0)
    assert refusals.note("token_expired", draft(), 0)


def test_a_single_one_leaves_no_sum() -> None:
    refusals = Refusals(100)
    refusals.note("token_missing", draft(), 0)
    assert refusals.due(100) == []
    assert refusals.note("token_missing", draft(), 101)


def test_the_end_takes_all_of_them() -> None:
    refusals = Refusals(100)
    for at in range(5):
        refusals.note("token_missing", draft(), at)
    assert [found.data["count"] for found in refusals.due(5, all_of_them=True)] == [4]


def test_a_flood_stays_small() -> None:
    refusals = Refusals(100)
    for _ in range(10_000):
        refusals.note("token_missing", draft(), 1)
    assert len(refusals._sums) == 1
