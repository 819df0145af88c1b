"""The input: what Rego sees, what is hashed, what is kept, byte for byte the same."""

import hashlib
import json
from typing import Any

from authz import wire
from authz.decide import Question, question, verdict
from authz.describe import describe_request
from authz.request import target
from authz.reserve import reservation
from authz.session import Session
from identity import Identity
from snapshot.decision import ApprovalTerms, Decision, Effect, Reason
from snapshot.sample import STRANGER
from tests.kit.blot import DIGEST, Blot, known
from tests.kit.checks import check, message
from usage import ledger

BOT = Identity(
    "https://issuer", "bot", "bot@bank.example", ("research",), "runner", ("a", "b"), "j", "s", 9, owner="dave"
)
SESSION = Session("s-1", "header")


def asked(**fields: Any) -> tuple[Question, Any]:
    request = wire.read(check("/anthropic/v1/messages?x=1", method="POST", body=message(**fields)))
    connection = known()["anthropic"]
    found = describe_request(request, target(request), connection, Blot("planted-secret"), 1 << 20, "d" * 64)
    reserved = reservation("e-1", BOT, SESSION, connection, found)
    used = ledger.numbers(reserved.who, {}, [reserved.reserved] * 4)
    return question("e-1", 17, BOT, SESSION, connection, found, reserved, used), found


def test_the_input_is_what_policies_are_written_for() -> None:
    given = asked()[0].input
    assert given.keys() == STRANGER.keys()
    for name in ("exchange", "request", "connection", "usage", "time"):
        assert given[name].keys() == STRANGER[name].keys(), name
    assert given["identity"].keys() >= STRANGER["identity"].keys()
    assert given["identity"]["groups"] == ["research"]
    assert given["request"]["path"] == "/v1/messages"
    assert given["connection"] == {"name": "anthropic", "kind": "anthropic", "risk": "standard", "mode": "enforce"}
    assert given["session"] == {"id": "s-1", "source": "header"}


def test_what_is_kept_is_what_was_asked() -> None:
    found = asked(temperature=0.7, text="planted-secret é")[0]
    assert json.loads(found.content) == found.input
    assert found.hash == hashlib.sha256(found.content).hexdigest()
    assert b"planted-secret" not in found.content


def test_it_is_canonical() -> None:
    content = asked()[0].content
    assert (
        content == json.dumps(json.loads(content), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    )


def test_a_number_of_any_size_is_kept() -> None:
    found = asked(temperature=2**80)[0]
    assert json.loads(found.content) == found.input


def test_findings_go_without_values() -> None:
    given = asked(text="planted-secret")[0].input
    assert given["findings"] == [{"rule": "blot", "where": "$", "count": 1, "token": "tok_1"}]


def test_the_verdict_carries_ids_and_names() -> None:
    terms = ApprovalTerms(any=("g",))
    decision = Decision(Effect.HOLD, (Reason("r", "m"), Reason("r2", "m2")), DIGEST, terms, masking=("pci",))
    reserved = reservation("e-1", BOT, SESSION, known()["anthropic"], asked()[1])
    told = verdict("e-1", BOT, SESSION, known()["anthropic"], asked()[1], reserved, decision)
    assert (told.rule, told.message, told.owner, told.session) == ("r", "m", "dave", "s-1")
    assert (told.action, told.request_digest, told.approval, told.masking) == (
        "llm.generate",
        "d" * 64,
        terms,
        ("pci",),
    )
    assert told.to_metadata()["effect"] == "hold"
