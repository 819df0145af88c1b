"""Registered authenticators in the book: whose counts, and that a counter only goes up."""

from dataclasses import replace

import pytest

from approvals.authenticators import MOST, Authenticator, CounterWentBack
from approvals.book import Book
from approvals.errors import NotAllowed, SignatureRefused, UnknownApproval
from approvals.facts import State, Vote, Voter
from approvals.steps import Grant, Refuse, Why
from snapshot.decision import ApprovalTerms
from tests.kit.approvals import ask
from tests.kit.signatures import signature

TERMS = ApprovalTerms(any=("ledger-approvers",), quorum=2, signature=True)
VOTE = Vote(Voter("people", "alice", "alice@bank.example", ("ledger-approvers",)), ask().shown.digest, "checked")


def key(id_: str = "k1", **changed: object) -> Authenticator:
    about = {"issuer": "people", "subject": "alice", "email": "alice@bank.example", "name": "mine", "credential": ""}
    places = {"rp_id": "localhost", "origin": "http://localhost:8800"}
    return replace(Authenticator(id_, **about, key="", algorithm=-7, **places, count=0, added_us=1), **changed)  # type: ignore[arg-type]


def book(*keys: Authenticator) -> Book:
    made = Book((), 100, authenticators=keys)
    made.request(ask(terms=TERMS), 0, "a1")
    made.settle()
    return made


def signed(count: int = 1, credential: str = "k1", name: str = "alice") -> Vote:
    return replace(
        VOTE, voter=replace(VOTE.voter, subject=name), signature=signature(credential, count, expires_us=1000)
    )


def test_an_answer_that_is_asked_to_be_signed_and_is_not_counts_for_nothing() -> None:
    made = book(key())
    for step in (Grant(1, VOTE), Refuse(1, VOTE)):
        after = made.step("a1", step)
        assert after is not None
        assert (after[0].state, after[1]) == (State.REQUESTED, Why.SIGNATURE)
    assert made.changes == []


def test_a_signed_one_counts_and_its_counter_is_kept() -> None:
    made = book(key())
    made.step("a1", Grant(1, signed(5)))
    assert [(each.what, each.after.count, each.after.used_us) for each in made.enrolments] == [("used", 5, 1)]
    made.settle()
    (mine,) = made.authenticators.of("people", "alice")
    assert mine.count == 5


@pytest.mark.parametrize(("count", "counts"), [(4, False), (5, False), (0, False), (6, True)])
def test_a_counter_that_does_not_go_on_is_the_sign_of_a_copy(count: int, counts: bool) -> None:
    made = book(key(count=5))
    if counts:
        made.step("a1", Grant(1, signed(count)))
        assert len(made.changes) == 1
        return
    with pytest.raises(CounterWentBack):
        made.step("a1", Grant(1, signed(count)))
    assert (made.changes, made.enrolments) == ([], [])


def test_one_that_keeps_no_counter_says_nothing_for_ever() -> None:
    made = book(key(count=0))
    made.step("a1", Grant(1, signed(0)))
    assert len(made.changes) == 1


def test_two_answers_of_one_group_see_each_others_counter() -> None:
    made = book(key())
    made.request(ask(exchange="exchange-2", received_digest="2" * 64, terms=TERMS), 0, "a2")
    made.step("a1", Grant(1, signed(3)))
    with pytest.raises(CounterWentBack):
        made.step("a2", Grant(1, signed(3)))


def test_a_group_that_the_disk_did_not_take_has_used_nothing() -> None:
    made = book(key())
    made.step("a1", Grant(1, signed(3)))
    made.drop()
    made.step("a1", Grant(2, signed(3)))
    assert len(made.changes) == 1


@pytest.mark.parametrize(
    "keys", [(), (key("k2"),), (key(subject="bob"),), (key(issuer="elsewhere"),), (key(removed_us=1),)]
)
def test_only_ones_own_that_is_registered_now(keys: tuple[Authenticator, ...]) -> None:
    made = book(*keys)
    with pytest.raises(SignatureRefused, match="not one of yours"):
        made.step("a1", Grant(1, signed()))


def test_a_signature_that_lay_about_comes_too_late() -> None:
    made = book(key())
    with pytest.raises(SignatureRefused, match="too late"):
        made.step("a1", Grant(1000, signed()))


def test_adding_and_removing() -> None:
    made = book()
    kept = made.authenticators
    kept.add(key())
    with pytest.raises(SignatureRefused, match="already"):
        kept.add(key(subject="bob"))
    made.settle()
    with pytest.raises(UnknownApproval):
        kept.remove("k1", "people", "bob", 9)
    assert kept.remove("k1", "people", "alice", 9).removed_us == 9
    assert kept.of("people", "alice") == []
    with pytest.raises(SignatureRefused, match="already"):
        kept.add(key())
    assert kept.remove("k1", "people", "alice", 10).removed_us == 9
    for number in range(MOST):
        kept.add(key(f"n{number}"))
    with pytest.raises(NotAllowed, match="remove one"):
        kept.add(key("one too many"))
