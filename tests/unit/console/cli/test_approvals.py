"""How an approval looks in a terminal and as JSON."""

import json

from approvals.facts import Card, Shown, Vote, Voter
from approvals.machine import Approval, decide, fold, request
from approvals.steps import Grant, Leave, Refuse, Step
from console.cli.approvals import page
from console.documents import approval_line, of_approval
from console.words import printable
from snapshot.decision import ApprovalTerms
from tests.kit.approvals import ask

SECOND = 1_000_000
ALICE = Vote(Voter("people", "alice", "alice@bank.example", ("ledger-approvers",)), ask().shown.digest, "checked")


def approval(*steps: Step, quorum: int = 2) -> Approval:
    asked = ask(terms=ApprovalTerms(any=("ledger-approvers",), quorum=quorum), message="Needs\x1b[31m two")
    found = fold([request("a1", Card.of(asked), 0)])
    for step in steps:
        found = fold(decide(found, step).facts, found)
    return found


def test_a_line_says_who_wants_what_and_how_long_it_waits() -> None:
    said = approval_line(of_approval(approval()), 60 * SECOND)
    assert said.startswith("a1  requested  ledger-agent → ledger  POST /ledger/transfers  Needs")
    assert said.endswith("480 s left")
    assert "left" not in approval_line(of_approval(approval(Refuse(SECOND, ALICE))), 60 * SECOND)


def test_a_page_says_everything_that_an_answer_rests_on() -> None:
    shown = page(approval(Grant(SECOND, ALICE), Leave(2 * SECOND, "exchange-1")), ask().shown, 10 * SECOND)
    for part in (
        "requested; the client has left and may come back within 52 s",
        "acts for   dave@bank.example",
        "1 more needed of ledger-approvers",
        "granted by alice@bank.example: checked",
        '"amount": 4711',
        "expires    1970-01-01 00:09:00 UTC",
    ):
        assert part in shown, part


def test_content_that_is_no_json_is_shown_as_it_is() -> None:
    assert page(approval(), Shown("application/json", b"{broken"), 0).endswith("{broken")
    assert page(approval(), Shown("text/plain", b"a\nb\xff"), 0).endswith("a\nb\ufffd")


def test_nothing_steers_the_terminal() -> None:
    assert printable("a\x1b[2J\x07\u202eb\nc") == "a\\x1b[2J\\x07\\u202eb\\nc"
    assert printable("a\nb", lines=True) == "a\nb"
    for said in (approval_line(of_approval(approval()), 0), page(approval(), Shown("text/plain", b"\x1b]0;x\x07"), 0)):
        assert "\x1b" not in said


def test_json_is_plain_and_complete() -> None:
    found = json.loads(json.dumps(of_approval(approval(Grant(SECOND, ALICE)), ask().shown)))
    assert (found["id"], found["state"], found["missing"]) == ("a1", "requested", 1)
    assert (found["granted_by"], found["refused_by"]) == (["alice@bank.example"], "")
    assert (found["shown"], found["action"]) == ('{"amount":4711}', "POST /ledger/transfers")
    assert "shown" not in of_approval(approval())
    assert of_approval(approval(Refuse(SECOND, ALICE)))["refused_by"] == "alice@bank.example"
