"""Standing grants in the book: who gives one, what it lets go, and how it ends."""

from typing import Any

import pytest

from approvals.book import Book
from approvals.facts import Granted, Narrowing, State, Vote, Voter, Wish
from approvals.revocations import By, Made, Scope
from approvals.standing import Phase, TooWide
from approvals.steps import Consume, Grant, Refuse, Why
from snapshot.decision import ApprovalTerms, Bounds, BreakGlass
from tests.kit.approvals import ask

SECOND = 1_000_000
GLASS = BreakGlass(("on-call",), 2, 600)
TERMS = ApprovalTerms(any=("ledger-approvers",), standing=Bounds(3, 3600), break_glass=GLASS)
TWO = ApprovalTerms(any=("ledger-approvers",), quorum=2, standing=Bounds(3, 3600))
SHOWN = ask().shown.digest
WISH = Wish(2, 60)


def voter(name: str, group: str = "ledger-approvers") -> Voter:
    return Voter("people", name, f"{name}@bank.example", (group,))


def vote(name: str, wish: Wish | None = None, **changed: Any) -> Vote:
    return Vote(voter(name), **{"shown_digest": SHOWN, "justification": "checked", "wish": wish, **changed})


class Desk:
    """A book whose every group is taken by the disk; times in seconds."""

    def __init__(self, terms: ApprovalTerms = TERMS) -> None:
        self.book, self.terms, self.number = Book((), 100), terms, 0

    def ask(self, at: int = 0, **changed: Any) -> Any:
        self.number += 1
        asked = ask(
            **{"exchange": f"e-{self.number}", "received_digest": f"{self.number}", "terms": self.terms, **changed}
        )
        approval = self.book.request(asked, at * SECOND, f"a-{self.number}")
        self.book.settle()
        return approval

    def grant(self, approval_id: str, given: Vote, at: int = 1) -> Any:
        after = self.book.step(approval_id, Grant(at * SECOND, given), f"s-{approval_id}")
        self.book.settle()
        return after

    def glass(self, approval_id: str, given: Vote, wish: Wish) -> Any:
        after = self.book.break_glass(approval_id, SECOND, given, wish, f"s-{approval_id}")
        self.book.settle()
        return after


def with_standing(wish: Wish = WISH) -> Desk:
    desk = Desk()
    after, why = desk.grant(desk.ask().id, vote("alice", wish))
    assert (after.state, why) == (State.GRANTED, None)
    return desk


def test_what_it_covers_is_granted_at_once_and_each_use_is_counted() -> None:
    desk = with_standing()
    first, second, third = desk.ask(2), desk.ask(3), desk.ask(4)
    assert [each.state for each in (first, second, third)] == [State.GRANTED, State.GRANTED, State.REQUESTED]
    assert first.standing == "s-a-1"
    assert first.votes[0].shown_digest == ""  # its giver did not see this one
    assert desk.book.standings.kept() == []
    used, why = desk.book.step(first.id, Consume(4 * SECOND, first.card.binding)) or (None, None)
    assert (used and used.state, why) == (State.USED, None)


def test_every_use_is_a_fact_of_both() -> None:
    desk = with_standing()
    approval = desk.book.request(ask(exchange="e-9", received_digest="9", terms=TERMS), 2 * SECOND, "a-9")
    assert [stand.fact.type for stand in desk.book.stands] == ["taken"]
    assert [change.fact.type for change in desk.book.changes] == ["requested", "granted"]
    assert isinstance(desk.book.changes[-1].fact, Granted)
    desk.book.drop()  # the disk did not take it: no use is lost, nothing is granted
    assert desk.book.get(approval.id) is None
    assert desk.book.standings.kept()[0].uses_left == 2


def test_it_ends_with_its_time() -> None:
    desk = with_standing(Wish(2, 60))
    desk.book.standings.tick("s-a-1", 60 * SECOND)
    desk.book.standings.tick("s-a-1", 61 * SECOND)
    assert [stand.after.phase for stand in desk.book.stands] == [Phase.OVER]  # given at second 1
    desk.book.settle()
    assert desk.ask(62).state is State.REQUESTED


def test_late_is_late_also_before_the_tick() -> None:
    assert with_standing(Wish(2, 60)).ask(61).state is State.REQUESTED


@pytest.mark.parametrize("wish", [Wish(4, 60), Wish(1, 3601), Wish(0, 60), Wish(1, 0)])
def test_nobody_can_give_more_than_the_policy_says(wish: Wish) -> None:
    desk = Desk()
    approval = desk.ask()
    with pytest.raises(TooWide):
        desk.grant(approval.id, vote("alice", wish))
    assert desk.book.get(approval.id).state is State.REQUESTED  # type: ignore[union-attr]


@pytest.mark.parametrize("action", ["POST /ledger/accounts", "* /ledger/transfers", "POST /other/*"])
def test_the_pattern_covers_the_request_at_hand(action: str) -> None:
    desk = Desk()
    with pytest.raises(TooWide):
        desk.grant(desk.ask().id, vote("alice", Wish(1, 60, action)))


def test_a_policy_that_says_nothing_allows_none() -> None:
    desk = Desk(ApprovalTerms(any=("ledger-approvers",)))
    with pytest.raises(TooWide, match="does not allow"):
        desk.grant(desk.ask().id, vote("alice", Wish(1, 60)))
    with pytest.raises(TooWide, match="break-glass"):
        desk.glass(desk.ask().id, vote("alice"), Wish(1, 60))


def test_all_who_are_needed_must_wish_it_and_the_least_counts() -> None:
    desk = Desk(TWO)
    approval = desk.ask()
    desk.grant(approval.id, vote("alice", Wish(3, 600)))
    assert desk.book.standings.kept() == []
    desk.grant(approval.id, vote("bob", Wish(2, 900), narrowing=Narrowing(("pci",))))
    (standing,) = desk.book.standings.kept()
    assert (standing.given.uses, standing.given.until_us) == (2, 601 * SECOND)
    assert [each.voter.subject for each in standing.given.votes] == ["alice", "bob"]
    assert desk.ask(2).narrowing == Narrowing(("pci",))


@pytest.mark.parametrize("other", [None, Wish(2, 60, "POST /ledger/*")])
def test_a_person_who_did_not_wish_it_gives_just_this_one(other: Wish | None) -> None:
    desk = Desk(TWO)
    approval = desk.ask()
    desk.grant(approval.id, vote("alice", Wish(3, 600)))
    after, _ = desk.grant(approval.id, vote("bob", other))
    assert after.state is State.GRANTED
    assert desk.book.standings.kept() == []


def test_a_rule_that_asks_for_more_people_is_not_covered() -> None:
    desk = with_standing()
    assert desk.ask(2, terms=TWO).state is State.REQUESTED
    assert desk.ask(2, rule="large_transfer").state is State.REQUESTED
    assert desk.ask(2, subject="another").state is State.REQUESTED
    assert desk.ask(2).state is State.GRANTED


def test_revoked_it_covers_nothing() -> None:
    desk = with_standing()
    revoked = desk.book.standings.revoke("s-a-1", 2 * SECOND, voter("bob"), "enough")
    assert revoked is not None
    assert revoked.phase is Phase.REVOKED
    desk.book.settle()
    assert desk.ask(3).state is State.REQUESTED
    assert desk.book.standings.revoke("s-a-1", 2 * SECOND, voter("bob"), "enough") is None


def test_a_stopped_identity_keeps_nothing() -> None:
    desk = with_standing()
    made = Made(1, 2 * SECOND, "r-1", Scope.SUBJECT, "ledger-agent", "", "stolen", By("people", "erin"))
    desk.book.revoke(made)
    assert [(stand.fact.type, stand.after.phase) for stand in desk.book.stands] == [("revoked", Phase.REVOKED)]
    desk.book.settle()
    assert desk.book.standings.kept() == []


# break-glass


def test_one_person_alone_and_a_review_is_owed() -> None:
    desk = Desk(ApprovalTerms(any=("ledger-approvers",), quorum=2, break_glass=GLASS))
    approval = desk.ask()
    after, why = desk.glass(approval.id, vote("olga"), Wish(2, 600))
    assert (after.state, why, after.standing) == (State.GRANTED, None, "s-a-1")
    (standing,) = desk.book.standings.kept()
    assert (standing.given.break_glass, standing.owes_review, standing.uses_left) == (True, True, 1)
    assert standing.exchanges == ("e-1",)
    assert desk.ask(2).state is State.GRANTED
    assert [each.phase for each in desk.book.standings.kept()] == [Phase.SPENT]  # kept: it owes a review
    desk.book.standings.review("s-a-1", 5 * SECOND, voter("bob"), "it was needed")
    desk.book.settle()
    assert desk.book.standings.kept() == []


@pytest.mark.parametrize(
    ("changed", "expected"),
    [({"justification": " "}, Why.JUSTIFICATION), ({"shown_digest": "other"}, Why.SHOWN_DIFFERS)],
)
def test_an_emergency_has_a_reason_and_was_looked_at(changed: dict[str, str], expected: Why) -> None:
    desk = Desk()
    after, why = desk.glass(desk.ask().id, vote("olga", **changed), Wish(1, 60))
    assert (after.state, why) == (State.REQUESTED, expected)
    assert desk.book.standings.kept() == []


def test_what_has_ended_stays_ended() -> None:
    desk = Desk()
    refused = desk.ask()
    desk.book.step(refused.id, Refuse(SECOND, vote("alice")))
    assert desk.book.break_glass(refused.id, SECOND, vote("olga"), Wish(1, 60), "s")[1] is Why.REFUSED  # type: ignore[index]
    desk.book.settle()
    assert desk.book.break_glass(refused.id, SECOND, vote("olga"), Wish(1, 60), "s") is None
    late = desk.ask()
    after, why = desk.book.break_glass(late.id, 541 * SECOND, vote("olga"), Wish(1, 60), "s")  # type: ignore[misc]
    assert (after.state, why) == (State.EXPIRED, Why.EXPIRED)


def test_an_emergency_is_bounded_too() -> None:
    desk = Desk()
    for wish in (Wish(3, 60), Wish(1, 601)):
        with pytest.raises(TooWide):
            desk.glass(desk.ask().id, vote("olga"), wish)
