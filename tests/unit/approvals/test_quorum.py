"""Who is enough: terms and voters as a table."""

import pytest

from approvals.facts import Voter
from approvals.quorum import missing, satisfied
from snapshot.decision import ApprovalTerms


def people(*groups: str) -> list[Voter]:
    """One person per argument, named by number; `a+b` is in two groups."""
    return [Voter("issuer", f"p{n}", "", tuple(of.split("+"))) for n, of in enumerate(groups)]


@pytest.mark.parametrize(
    ("terms", "voters", "short_of"),
    [
        # any
        (ApprovalTerms(any=("a",)), [], 1),
        (ApprovalTerms(any=("a",)), ["a"], 0),
        (ApprovalTerms(any=("a", "b")), ["b"], 0),
        (ApprovalTerms(any=("a",)), ["b"], 1),
        (ApprovalTerms(any=("a", "b"), quorum=2), ["a+b"], 1),  # one person in two groups
        (ApprovalTerms(any=("a", "b"), quorum=2), ["a", "b"], 0),
        (ApprovalTerms(any=("a",), quorum=3), ["a", "a", "a"], 0),
        # all: one of each
        (ApprovalTerms(all=("a", "b")), ["a"], 1),
        (ApprovalTerms(all=("a", "b")), ["a", "a"], 1),
        (ApprovalTerms(all=("a", "b")), ["a+b"], 1),
        (ApprovalTerms(all=("a", "b")), ["a+b", "a"], 0),  # the first sits for b, so that the second may sit for a
        (ApprovalTerms(all=("a", "b")), ["a", "a+b"], 0),
        (ApprovalTerms(all=("a", "b", "c")), ["a+b", "b+c", "a+c"], 0),
        (ApprovalTerms(all=("a", "b", "c")), ["a+b", "a+b", "a+b"], 1),
        (ApprovalTerms(all=("a", "b"), quorum=3), ["a", "b"], 1),
        (ApprovalTerms(all=("a", "b"), quorum=3), ["a", "b", "b"], 0),
        # both: a quorum of the one and one each of the others
        (ApprovalTerms(any=("a",), all=("b",)), ["a"], 1),
        (ApprovalTerms(any=("a",), all=("b",)), ["a+b"], 1),
        (ApprovalTerms(any=("a",), all=("b",)), ["a+b", "a"], 0),
        (ApprovalTerms(any=("a",), all=("b",), quorum=2), ["a", "b"], 1),
        (ApprovalTerms(any=("a",), all=("b",), quorum=2), ["a", "b", "a"], 0),
        # nobody is asked: nobody can grant
        (ApprovalTerms(), ["a", "b"], None),
    ],
)
def test_seats(terms: ApprovalTerms, voters: list[str], short_of: int | None) -> None:
    assert satisfied(people(*voters), terms) == (short_of == 0)
    if short_of is not None:
        assert missing(people(*voters), terms) == short_of


def test_many_groups_are_quick() -> None:
    names = tuple(f"g{n}" for n in range(64))
    assert satisfied(people(*["+".join(names)] * 84), ApprovalTerms(any=names, all=names, quorum=20))
