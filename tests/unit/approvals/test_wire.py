"""Messages ↔ nouns without loss; and the committed stubs are those of the .proto file."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from approvals import approvals_pb2 as pb
from approvals import wire
from approvals.facts import Card, Narrowing, Shown, State, Vote, Voter, Wish
from approvals.machine import Approval, decide, fold, request
from approvals.standing import Reviewed, Taken, given
from approvals.standing import fold as stood
from approvals.steps import Grant, Leave, Refuse, Revoke, Step
from approvals.wire_standing import standing_from, standing_to
from snapshot.decision import ApprovalTerms, Bounds, BreakGlass
from tests.kit.approvals import ask

ASK = ask(
    terms=ApprovalTerms(
        ("a", "b"),
        ("c",),
        1,
        60,
        "respond",
        "optional",
        ("requester",),
        Bounds(3, 60),
        BreakGlass(("d",), 2, 30),
        ("e",),
    ),
    email="e@x",
    justification="because",
    risk="high",
    tool="execute_sql",
    hits=3,
)
ALICE = Voter("people", "alice", "alice@bank.example", ("a", "c"))
VOTE = Vote(ALICE, ASK.shown.digest, "checked", Narrowing(("pci",), 4096), Wish(1, 30, "POST /ledger/*"))
OTHER = Vote(Voter("people", "bob", "", ("c",)), ASK.shown.digest)


def approval(*steps: Step) -> Approval:
    found = fold([request("a1", Card.of(ASK), 5)])
    for step in steps:
        found = fold(decide(found, step).facts, found)
    return found


def test_an_ask_goes_over_whole() -> None:
    assert wire.ask_from(pb.Ask.FromString(wire.ask_to(ASK).SerializeToString())) == ASK


@pytest.mark.parametrize(
    "steps",
    [
        (),
        (Grant(6, VOTE),),
        (Grant(6, VOTE), Grant(7, OTHER)),
        (Grant(6, VOTE), Refuse(7, OTHER)),
        (Leave(6, "exchange-1"),),
        (Revoke(6),),
    ],
)
def test_an_approval_goes_over_whole(steps: tuple[Step, ...]) -> None:
    found = approval(*steps)
    message = pb.Approval.FromString(wire.approval_to(found, ASK.shown).SerializeToString())
    assert wire.approval_from(message) == found
    assert wire.shown_from(message) == ASK.shown


def test_a_grace_goes_over_too() -> None:
    left = fold([request("a1", Card.of(ask()), 5)])
    left = fold(decide(left, Leave(6, "exchange-1")).facts, left)
    assert left.grace_until_us is not None
    assert wire.approval_from(wire.approval_to(left)) == left


def test_a_status_tells_who_answered_last() -> None:
    granted = wire.status_to(approval(Grant(6, VOTE), Grant(7, OTHER)))
    assert (granted.state, granted.answered_by, granted.justification) == (State.GRANTED, "bob", "")
    refused = wire.status_to(approval(Grant(6, OTHER), Refuse(7, VOTE)))
    assert (refused.state, refused.answered_by, refused.justification) == ("refused", "alice@bank.example", "checked")
    assert wire.status_to(approval()).answered_by == ""


def test_a_status_tells_what_all_together_took_away() -> None:
    bob = replace(OTHER, narrowing=Narrowing(("pii-us", "pci"), 100))
    found = wire.status_to(approval(Grant(6, VOTE), Grant(7, bob)))
    assert wire.narrowing_from(found.narrowing) == Narrowing(("pci", "pii-us"), 100)


def test_how_far_it_is_and_when_it_ends() -> None:
    first = wire.approval_to(approval())
    assert (first.missing, first.deadline_us) == (2, 5 + 60_000_000)
    assert wire.approval_to(approval(Grant(6, VOTE))).missing == 1
    assert wire.approval_to(approval(Revoke(6))).deadline_us == 0


@pytest.mark.parametrize("break_glass", [False, True])
def test_a_standing_grant_goes_over_whole(break_glass: bool) -> None:
    made = given("s1", 5, approval(), (VOTE, OTHER), Wish(2, 20), break_glass=break_glass)
    standing = stood([made, Taken(2, 6, "exchange-1"), Taken(3, 7, "exchange-2")])
    after = stood([Reviewed(4, 9, VOTE.voter, "seen")], standing)
    for each in (standing, replace(after, reviewed=replace(after.reviewed, by=replace(VOTE.voter, groups=())))):  # type: ignore[type-var]
        assert standing_from(pb.Standing.FromString(standing_to(each).SerializeToString())) == each


def test_words_that_are_not_known_here() -> None:
    for changed in ({"wait": "forever"}, {"justification": "sometimes"}):
        message = wire.ask_to(ASK)
        message.terms.MergeFrom(pb.Terms(**changed))
        with pytest.raises(KeyError):
            wire.ask_from(message)


def test_shown_is_told_by_its_content() -> None:
    assert Shown("a/b", b"x").digest == Shown("c/d", b"x").digest != Shown("a/b", b"y").digest


def test_the_stubs_are_those_of_the_proto_file(tmp_path: Path) -> None:
    outputs = [f"--{kind}_out={tmp_path}" for kind in ("python", "pyi", "grpc_python")]
    command = [sys.executable, "-m", "grpc_tools.protoc", "-Iapprovals=proto", *outputs, "approvals/approvals.proto"]
    root = Path(wire.__file__).parent.parent
    subprocess.run(command, cwd=root, check=True)
    for made in (tmp_path / "approvals").iterdir():
        assert made.read_text() == (root / "approvals" / made.name).read_text(), f"{made.name}: make proto"
