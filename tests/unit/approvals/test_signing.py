"""The statement that an approver signs: everything about the answer is in it."""

import hashlib
from dataclasses import replace
from typing import Any

import pytest

from approvals.facts import Narrowing, Vote, Voter, Wish
from approvals.signing import Kind, Statement, count_of, packed, unpacked
from tests.kit.signatures import signature

VOTE = Vote(
    Voter("people", "alice", "alice@bank.example", ("ledger-approvers",)),
    "a" * 64,
    "checked; grüße",
    Narrowing(("pci",), 4096),
    Wish(2, 60, "POST /ledger/*"),
    asked="d" * 64,
)
STATEMENT = Statement("a1", Kind.GRANT, VOTE, "0f" * 16, 120_000_000, "exeat")


def test_a_statement_is_canonical_json_under_a_purpose() -> None:
    words = hashlib.sha256("checked; grüße".encode()).hexdigest()
    text = (
        '{"answer":"grant","approval":"a1","approver":{"issuer":"people","subject":"alice"},'
        f'"asked":"{"d" * 64}","expires_us":120000000,"gateway":"exeat","groups":["ledger-approvers"],'
        f'"justification":"{words}","masking":["pci"],"max_response_bytes":4096,"nonce":"{"0f" * 16}",'
        f'"shown":"{"a" * 64}","wish":{{"action":"POST /ledger/*","seconds":60,"uses":2}}}}'
    )
    assert STATEMENT.to_bytes() == text.encode()
    assert STATEMENT.challenge == hashlib.sha256(b"exeat/approval-answer/v2\n" + text.encode()).digest()


@pytest.mark.parametrize(
    "changed",
    [
        {"approval": "a2"},
        {"answer": Kind.REFUSE},
        {"answer": Kind.BREAK_GLASS},
        {"nonce": "00" * 16},
        {"expires_us": 120_000_001},
        {"vote": replace(VOTE, shown_digest="b" * 64)},
        {"vote": replace(VOTE, justification="checked")},
        {"vote": replace(VOTE, narrowing=Narrowing(("pci",)))},
        {"vote": replace(VOTE, narrowing=Narrowing((), 4096))},
        {"vote": replace(VOTE, wish=None)},
        {"vote": replace(VOTE, wish=Wish(3, 60, "POST /ledger/*"))},
        {"vote": replace(VOTE, wish=Wish(2, 60))},
        {"gateway": "another"},
        {"vote": replace(VOTE, asked="e" * 64)},
        {"vote": replace(VOTE, voter=replace(VOTE.voter, groups=("risk",)))},
        {"vote": replace(VOTE, voter=replace(VOTE.voter, subject="bob"))},
        {"vote": replace(VOTE, voter=replace(VOTE.voter, issuer="elsewhere"))},
    ],
)
def test_another_answer_is_another_challenge(changed: dict[str, Any]) -> None:
    assert replace(STATEMENT, **changed).challenge != STATEMENT.challenge


def test_addresses_may_change_meanwhile() -> None:
    moved = replace(VOTE, voter=replace(VOTE.voter, email=""))
    assert replace(STATEMENT, vote=moved).challenge == STATEMENT.challenge


def test_bytes_travel_as_webauthn_writes_them() -> None:
    assert packed(b"\xfb\xff") == "-_8"
    assert unpacked("-_8") == b"\xfb\xff"
    assert count_of(signature(count=258)) == 258
