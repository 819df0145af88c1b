"""Groups of steps: staged, settled when the disk took them, dropped when it did not."""

from dataclasses import replace

import pytest

from approvals.book import Book, Learned, first
from approvals.errors import AskInvalid, Revoked, TooManyWaiting
from approvals.evidence import Change
from approvals.facts import State, Vote, Voter, Wish, target
from approvals.machine import MAX_EXCHANGES, fold
from approvals.revocations import By, Made, Scope
from approvals.rows import entries
from approvals.steps import Consume, Grant, Leave, Revoke, Tick, Why
from snapshot.decision import Bounds
from tests.kit.approvals import TERMS, ask

VOTE = Vote(Voter("people", "alice", "", ("ledger-approvers",)), ask().shown.digest)
MINUTE = 60_000_000
BY = By("people", "rita", "rita@bank.example")


def test_a_request_becomes_a_card_with_its_content() -> None:
    book = Book((), most=10)
    approval = book.request(ask(), 0, "a1")
    assert (approval.state, approval.expires_us) == (State.REQUESTED, 540_000_000)
    assert [change.shown for change in book.changes] == [ask().shown]
    assert book.get("a1") is None, "not before it is durable"
    assert book.settle() == [approval]
    assert book.get("a1") == approval


def test_the_same_request_finds_its_card() -> None:
    book = Book((), most=10)
    book.request(ask(), 0, "a1")
    again = book.request(ask(exchange="exchange-2"), 1, "a2")
    assert (again.id, again.waiting) == ("a1", ("exchange-1", "exchange-2")), "within one group"
    book.settle()
    assert book.request(ask(exchange="exchange-3"), 2, "a3").id == "a1", "and later"


@pytest.mark.parametrize("name", ["connection", "upstream", "received_digest", "forwarded_digest", "target"])
@pytest.mark.parametrize("who", ["issuer", "subject", "agent", "snapshot"])
def test_another_request_is_another_card(name: str, who: str) -> None:
    for field in (name, who):
        book = Book((), most=10)
        assert [book.request(ask(), 0, "a1").id, book.request(ask(**{field: "x"}), 0, "a2").id] == ["a1", "a2"]


def test_the_same_body_sent_elsewhere_is_another_card() -> None:
    book = Book((), most=10)
    elsewhere = ask(exchange="exchange-2", target=target("DELETE", "/ledger/accounts/1", "application/json"))
    assert [book.request(ask(), 0, "a1").id, book.request(elsewhere, 0, "a2").id] == ["a1", "a2"]
    book.step("a1", Grant(1, VOTE))
    refused = book.step("a1", Consume(2, elsewhere.binding))
    assert refused is not None
    assert refused[1] is Why.NOT_BOUND


def test_after_its_end_the_same_request_is_a_new_card() -> None:
    book = Book((), most=10)
    book.request(ask(), 0, "a1")
    book.settle()
    late = book.request(ask(exchange="exchange-2"), 540_000_000, "a2")
    assert late.id == "a2"
    assert [(change.after.id, change.fact.type) for change in book.changes] == [("a1", "expired"), ("a2", "requested")]
    book.settle()
    assert [approval.id for approval in book.open()] == ["a2"]


def test_a_dropped_group_never_was() -> None:
    book = Book((), most=10)
    book.request(ask(), 0, "a1")
    book.settle()
    before = book.get("a1")
    book.step("a1", Grant(1, VOTE))
    book.step("a1", Consume(2, ask().binding))
    book.request(ask(received_digest="f" * 64), 3, "a2")
    book.drop()
    assert (book.get("a1"), len(book), book.changes) == (before, 1, [])
    assert book.request(ask(exchange="exchange-2"), 4, "a3").id == "a1"
    assert book.request(ask(received_digest="f" * 64), 4, "a4").id == "a4"


def test_only_one_of_a_group_consumes() -> None:
    book = Book((), most=10)
    book.request(ask(), 0, "a1")
    book.step("a1", Grant(1, VOTE))
    whys = [after[1] for _ in range(5) if (after := book.step("a1", Consume(2, ask().binding)))]
    assert whys == [None, Why.USED, Why.USED, Why.USED, Why.USED]


def test_what_is_not_open() -> None:
    book = Book((), most=10)
    assert book.step("nothing", Tick(0)) is None
    book.request(ask(), 0, "a1")
    book.step("a1", Tick(540_000_000))
    book.settle()
    assert (book.step("a1", Tick(541_000_000)), len(book)) == (None, 0)


def test_a_bounded_number_is_open_at_once() -> None:
    book = Book((), most=2)
    for number in (1, 2):
        book.request(ask(received_digest=f"{number}"), 0, f"a{number}")
    with pytest.raises(TooManyWaiting):
        book.request(ask(received_digest="3"), 0, "a3")
    book.settle()
    with pytest.raises(TooManyWaiting):
        book.request(ask(received_digest="3"), 0, "a3")
    assert book.request(ask(received_digest="1", exchange="again"), 0, "a4").id == "a1", "who has a card may come back"
    book.step("a2", Tick(540_000_000))
    assert book.request(ask(received_digest="3"), 540_000_000, "a3").id == "a3"


def test_a_malformed_request_stages_nothing() -> None:
    book = Book((), most=10)
    with pytest.raises(AskInvalid):
        book.request(ask(subject=""), 0, "a1")
    assert book.changes == []


def test_one_card_takes_a_bounded_number_of_retries() -> None:
    book = Book((), most=10)
    for number in range(MAX_EXCHANGES):
        book.request(ask(exchange=f"exchange-{number}"), 0, "a1")
    with pytest.raises(TooManyWaiting):
        book.request(ask(exchange="one too many"), 0, "a2")


def test_it_goes_on_from_what_the_disk_holds() -> None:
    first = Book((), most=10)
    first.request(ask(), 0, "a1")
    first.step("a1", Leave(1, "exchange-1"))
    kept: list[Change] = first.changes
    book = Book([fold(change.fact for change in kept)], most=10)
    assert book.request(ask(exchange="exchange-2"), MINUTE, "a2").id == "a1"
    assert book.request(replace(ask(), terms=replace(TERMS, quorum=2)), MINUTE, "a3").id == "a1", "terms are no key"


def revoke(scope: Scope, value: str, revocation_id: str = "r1") -> Made:
    return Made(1, 7, revocation_id, scope, value, "", "stolen", BY)


def test_a_revocation_counts_within_its_own_group() -> None:
    book = Book((), most=10)
    book.request(ask(), 0, "a1")
    book.request(ask(subject="intern-agent"), 0, "a2")
    made = book.revoke(revoke(Scope.SUBJECT, "ledger-agent"))
    assert book.revoke(revoke(Scope.SUBJECT, "ledger-agent", "r2")) == made
    with pytest.raises(Revoked):
        book.request(ask(exchange="exchange-2"), 1, "a3")
    assert [notice.after for notice in book.notices] == [made]
    assert [(at.id, at.state) for at in book.settle()] == [("a1", "withdrawn"), ("a2", "requested")]
    with pytest.raises(Revoked):
        book.request(ask(), 2, "a4")


@pytest.mark.parametrize(
    ("scope", "value"), [(Scope.AGENT, "ledger-agent"), (Scope.SESSION, "session-1"), (Scope.JTI, "jti-1")]
)
def test_by_any_trait(scope: Scope, value: str) -> None:
    book = Book((), most=10)
    book.request(ask(jti="jti-1"), 0, "a1")
    book.settle()
    book.revoke(revoke(scope, value))
    assert [at.withdrawn for at in book.settle()] == ["revoked"]


def test_a_dropped_revocation_never_was() -> None:
    book = Book((), most=10)
    book.request(ask(), 0, "a1")
    book.settle()
    book.revoke(revoke(Scope.SUBJECT, "ledger-agent"))
    book.drop()
    assert (book.notices, book.revocations.active(), book.request(ask(), 1, "a2").id) == ([], [], "a1")


def test_lifting() -> None:
    book = Book((), most=10)
    book.revoke(revoke(Scope.SUBJECT, "ledger-agent"))
    book.settle()
    assert book.lift("nothing", 8, "", BY) is None
    book.lift("r1", 8, "found", BY)
    book.settle()
    assert book.request(ask(), 9, "a1").id == "a1"


def test_a_screen_gets_what_ends_first_and_what_changed_last() -> None:
    book = Book((), 100)
    for number in range(6):
        book.request(ask(received_digest=f"{number}" * 64), 1_000_000 + number, f"id-{number}")
    book.settle()
    listed = book.open()
    assert [each.id for each in first(listed, 2)] == ["id-0", "id-1"]
    assert first(listed, 0) == first(listed, 6) == listed
    ended = [book.step(f"id-{number}", Revoke(9_000_000 + number)) for number in range(3)]
    mixed = [*(each[0] for each in ended if each), *listed[3:]]
    assert [each.id for each in first(mixed, 1)] == ["id-2", "id-3"]


def learned(book: Book, *others: Book) -> Learned:
    """What is staged in the other books, as their gateways would tell of it."""
    found = [entry for other in others for entry in entries("b", other.changes, other.notices, other.stands)]
    for other in others:
        other.settle()
    return book.learn(found)


def test_what_others_did_is_true_here() -> None:
    ours, theirs = Book((), most=10), Book((), most=10)
    theirs.request(ask(), 0, "a1")
    assert [each.id for each in learned(ours, theirs).approvals] == ["a1"]
    assert ours.request(ask(exchange="exchange-2"), 1, "a2").id == "a1", "its card is found by what it asks for"
    ours.drop()
    theirs.step("a1", Grant(2, VOTE))
    theirs.step("a1", Consume(3, ask().binding))
    (used,) = learned(ours, theirs).approvals
    assert (used.state, ours.get("a1"), len(ours)) == (State.USED, None, 0)
    assert ours.request(ask(), 4, "a3").id == "a3"


def test_who_was_revoked_elsewhere_is_revoked_here() -> None:
    ours, theirs = Book((), most=10), Book((), most=10)
    made = theirs.revoke(Made(1, 0, "r1", Scope.SUBJECT, "ledger-agent", "", "stolen", BY))
    assert learned(ours, theirs).revocations == [made]
    with pytest.raises(Revoked):
        ours.request(ask(), 1, "a1")
    theirs.lift("r1", 2, "found", BY)
    assert not learned(ours, theirs).revocations[0].active
    assert ours.request(ask(), 3, "a1").state is State.REQUESTED


def test_a_standing_grant_of_elsewhere_is_spent_together() -> None:
    ours, theirs = Book((), most=10), Book((), most=10)
    terms = replace(TERMS, standing=Bounds(2, 600))
    theirs.request(ask(terms=terms), 0, "a1")
    theirs.step("a1", Grant(1, replace(VOTE, wish=Wish(2, 600))), "s1")
    assert [each.id for each in learned(ours, theirs).standings] == ["s1"]
    assert ours.request(ask(terms=terms, exchange="x2", received_digest="2"), 2, "a2").standing == "s1"
    learned(theirs, ours)
    assert theirs.request(ask(terms=terms, exchange="x3", received_digest="3"), 3, "a3").standing == "s1"
    spent = learned(ours, theirs).standings
    assert [each.kept for each in spent] == [False]
    assert ours.request(ask(terms=terms, exchange="x4", received_digest="4"), 4, "a4").standing == ""
