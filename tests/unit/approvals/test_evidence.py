"""What the record says of each fact."""

import hashlib
from typing import Any

import pytest

from approvals.evidence import FRAME_BYTES, Change, draft
from approvals.facts import NOTHING_LESS, Card, Fact, Narrowing, Shown, Vote, Voter
from approvals.machine import apply, decide, fold, request
from approvals.steps import Consume, Grant, Leave, Refuse, Return, Revoke, Step, Tick
from audit.write import Caller, Draft, Kind
from snapshot.decision import ApprovalTerms
from tests.kit.approvals import ask

TERMS = ApprovalTerms(any=("ledger-approvers",), quorum=2, expires_s=540)
ASK = ask(terms=TERMS, risk="high", hits=2)
DIGEST = hashlib.sha256(b'{"amount":4711}').hexdigest()


def vote(name: str, less: Narrowing = NOTHING_LESS) -> Vote:
    return Vote(Voter("people", name, f"{name}@bank.example", ("ledger-approvers",)), DIGEST, "checked", less)


def story(*steps: Step) -> list[Draft]:
    facts: list[Fact] = [request("a1", Card.of(ASK), 1_000_000)]
    approval = fold(facts)
    drafts = [draft(Change(approval, facts[0], ASK.shown))]
    for step in steps:
        for fact in decide(approval, step).facts:
            approval = apply(approval, fact)
            drafts.append(draft(Change(approval, fact)))
    return drafts


def test_the_request_says_everything_that_an_answer_rests_on() -> None:
    (event,) = story()
    assert (event.kind, event.type, event.exchange) == (Kind.APPROVAL, "approval.requested", "exchange-1")
    assert (event.session, event.connection) == ("session-1", "ledger")
    assert event.caller == Caller("https://issuer.example", "ledger-agent", "ledger-agent")
    assert event.data == {
        "approval": "a1",
        "n": 1,
        "state": "requested",
        "at_us": 1_000_000,
        "expires_us": 541_000_000,
        "rule": "ledger_write",
        "message": "Writes to the ledger need approval.",
        "action": "POST /ledger/transfers",
        "target": ASK.target,
        "owner": "dave@bank.example",
        "justification": "",
        "upstream": "https://ledger.internal",
        "received_digest": "a" * 64,
        "forwarded_digest": "b" * 64,
        "snapshot": "sha256:" + "c" * 64,
        "shown": DIGEST,
        "shown_media": "application/json",
        "risk": "high",
        "tool": "",
        "hits": 2,
        "terms": {
            "any": ["ledger-approvers"],
            "all": [],
            "quorum": 2,
            "expires_s": 540,
            "wait": "hold",
            "justification": "none",
            "justification_from": ["approver"],
        },
    }
    (frame,) = event.frames
    assert (frame.direction, frame.media, frame.content) == ("shown", "application/json", b'{"amount":4711}')


def test_an_answer_names_the_person_the_words_and_what_they_saw() -> None:
    _, endorsed, granted = story(Grant(2, vote("alice")), Grant(3, vote("bob")))
    expected: dict[str, Any] = {
        "approver": {"issuer": "people", "subject": "alice", "email": "alice@bank.example"},
        "groups": ["ledger-approvers"],
        "justification": "checked",
        "shown": DIGEST,
        "answers": 1,
        "missing": 1,
    }
    assert endorsed.type == "approval.endorsed"
    assert expected.items() <= dict(endorsed.data).items()
    assert (granted.type, granted.data["answers"], granted.data["missing"]) == ("approval.granted", 2, 0)
    assert granted.data["state"] == "granted"


def test_an_answer_says_what_it_took_away() -> None:
    _, endorsed, granted = story(Grant(2, vote("alice", Narrowing(("pci",), 4096))), Grant(3, vote("bob")))
    assert (endorsed.data["masking"], endorsed.data["max_response_bytes"]) == (["pci"], 4096)
    assert {"masking", "max_response_bytes"}.isdisjoint(granted.data)  # each event says what that person said


@pytest.mark.parametrize(
    ("steps", "type_", "data"),
    [
        ((Refuse(2, vote("bob")),), "refused", {"justification": "checked", "shown": DIGEST}),
        ((Tick(541_000_000),), "expired", {}),
        ((Leave(2_000_000, "exchange-1"),), "left", {"state": "requested"}),
        ((Leave(2_000_000, "exchange-1"), Tick(62_000_000)), "withdrawn", {"reason": "left"}),
        ((Revoke(2),), "withdrawn", {"reason": "revoked"}),
    ],
)
def test_other_ends(steps: tuple[Step, ...], type_: str, data: dict[str, Any]) -> None:
    event = story(*steps)[-1]
    assert event.type == f"approval.{type_}"
    assert data.items() <= dict(event.data).items()
    assert event.frames == ()


def test_who_comes_back_and_uses_it_is_named_by_exchange() -> None:
    steps = (Return(2, "exchange-2"), Grant(3, vote("alice")), Grant(4, vote("bob")))
    binding = ask(exchange="exchange-2").binding
    events = story(*steps, Consume(5, binding))
    assert [event.exchange for event in events] == [f"exchange-{n}" for n in (1, 2, 1, 1, 2)]
    used = events[-1]
    assert (used.type, used.data["received_digest"], used.data["forwarded_digest"]) == (
        "approval.used",
        "a" * 64,
        "b" * 64,
    )


@pytest.mark.parametrize(
    ("size", "pieces"), [(0, 1), (1, 1), (FRAME_BYTES, 1), (FRAME_BYTES + 1, 2), (3 * FRAME_BYTES, 3)]
)
def test_large_content_is_split_and_nothing_is_lost(size: int, pieces: int) -> None:
    content = bytes(n % 251 for n in range(size))
    asked = ask(shown=Shown("text/plain", content))
    fact = request("a1", Card.of(asked), 7)
    frames = draft(Change(fold([fact]), fact, asked.shown)).frames
    assert [frame.index for frame in frames] == list(range(pieces))
    assert b"".join(frame.content for frame in frames) == content
