"""In which order the events of one commit stand."""

from pathlib import Path

from approvals.book import Book
from approvals.facts import Vote, Voter
from approvals.signing import Kind
from approvals.steps import Grant
from approvals.trail import Trail
from runtime.clock import FixedClock
from snapshot.decision import ApprovalTerms
from tests.kit.approvals import ask
from tests.kit.signatures import Signer


def test_what_a_key_signed_stands_between_its_registration_and_its_removal(tmp_path: Path) -> None:
    """All in one group: she registers, answers, and removes what she answered with."""
    asking, alice, book = ask(terms=ApprovalTerms(any=("ledger-approvers",), signature=True)), Signer(), Book((), 9)
    key = book.authenticators.add(alice.register())
    book.request(asking, 1, "a1")
    vote = Vote(Voter("people", "alice", "alice@bank.example", ("ledger-approvers",)), asking.shown.digest)
    book.step("a1", Grant(2, alice.sign("a1", Kind.GRANT, vote, key)))
    book.authenticators.remove(key.id, "people", "alice", 3)
    drafts = Trail(tmp_path, "gateway.test", FixedClock()).drafts(book.changes, (), (), book.enrolments)
    assert [draft.type for draft in drafts] == [
        "person.authenticator_added", "approval.requested", "approval.granted", "person.authenticator_removed",
    ]  # fmt: skip
