"""What is said to the evidence."""

import json
from dataclasses import replace

import pytest

from audit.write import Caller, canonical
from authz.decide import Question
from authz.record import FRAME_BYTES, MAX_FINDINGS, MAX_GROUPS, Exchange, decided, refused
from authz.session import Session
from identity import Identity
from masking.finding import Finding
from runtime.errors import GatewayError
from snapshot.decision import ApprovalTerms, Decision, Effect, Reason, Shadow
from tests.kit.blot import DIGEST, known
from tests.unit.authz.test_decide import asked

BOT = Identity("https://issuer", "bot", "bot@bank.example", ("research",), "runner", jti="j", owner="dave")


def exchange(identity: Identity = BOT) -> Exchange:
    return Exchange(
        "e-1", 17, "POST", connection=known()["ledger"], identity=identity, session=Session("s-1", "jti"),
        described=asked()[1], request_digest="d" * 64,
    )  # fmt: skip


def decision(effect: Effect = Effect.ALLOW) -> Decision:
    terms = ApprovalTerms(any=("g",)) if effect is Effect.HOLD else None
    return Decision(effect, (Reason("r", "m", ("C-1",)),), DIGEST, terms, masking=("pci",))


@pytest.mark.parametrize(("effect", "status"), [("allow", 0), ("deny", 403), ("hold", 0)])
def test_a_decision(effect: str, status: int) -> None:
    draft = decided(exchange(), asked()[0], decision(Effect(effect)))
    assert (draft.type, draft.exchange, draft.session, draft.connection) == (
        f"decision.{effect}",
        "e-1",
        "s-1",
        "ledger",
    )
    assert draft.caller == Caller("https://issuer", "bot", "runner")
    assert (draft.data["effect"], draft.data["status"], draft.data["snapshot"]) == (effect, status, DIGEST)
    assert draft.data["reasons"] == [{"rule": "r", "message": "m", "controls": ["C-1"]}]
    assert draft.data["input_hash"] == asked()[0].hash
    assert ("approval" in draft.data) == (effect == "hold")
    assert draft.reserved
    canonical(draft.data)


def test_what_would_have_been_decided_is_kept_beside() -> None:
    shadow = Shadow(Effect.DENY, (Reason("new_rule", "No."),))
    data = decided(exchange(), asked()[0], replace(decision(), shadow=shadow)).data
    assert data["effect"] == "allow"
    assert data["shadow"] == {"effect": "deny", "reasons": [{"rule": "new_rule", "message": "No.", "controls": []}]}
    assert "shadow" not in decided(exchange(), asked()[0], decision()).data


def test_the_input_is_its_frame() -> None:
    found = asked()[0]
    (frame,) = decided(exchange(), found, decision()).frames
    assert (frame.direction, frame.media, frame.index, frame.at_us) == ("input", "application/json", 0, 17)
    assert json.loads(frame.content) == found.input


def test_a_large_input_is_several_frames() -> None:
    content = b"x" * (2 * FRAME_BYTES + 1)
    frames = decided(exchange(), Question(asked()[0].input, content), decision()).frames
    assert [frame.index for frame in frames] == [0, 1, 2]
    assert b"".join(frame.content for frame in frames) == content


def test_facts_are_bounded() -> None:
    many = Identity("i", "s", groups=tuple(f"g{number}" for number in range(500)))
    found = exchange(many)
    assert found.described is not None
    finding = Finding("r", "1", "$." + "x" * 1000, "redact", 1, "t")
    object.__setattr__(found.described, "findings", (finding,) * 200)
    data = decided(found, asked()[0], decision()).data
    assert len(data["identity"]["groups"]) == MAX_GROUPS  # type: ignore[index,call-overload]
    assert data["identity"]["groups_total"] == 500  # type: ignore[index,call-overload]
    assert len(data["findings"]) == MAX_FINDINGS  # type: ignore[arg-type]
    assert data["findings_total"] == 200
    assert len(canonical(data)) < 40_000


def test_a_refusal_says_as_much_as_is_known() -> None:
    whole = refused(exchange(), 400, "body_malformed")
    assert (whole.type, whole.data["code"], whole.data["path"]) == (
        "decision.refused",
        "body_malformed",
        "/v1/messages",
    )
    early = Exchange("e-1", 17, "GET", identity=BOT, path="/ledger/[blot]")
    assert refused(early, 404, "unknown_connection").data["path"] == "/ledger/[blot]"


def test_of_a_stranger_nothing_is_kept_that_he_could_choose() -> None:
    draft = refused(Exchange("e-1", 17, "POST", connection=known()["ledger"]), 401, "token_missing")
    assert draft.data == {"effect": "refused", "status": 401, "code": "token_missing", "method": "POST"}
    assert not draft.reserved


def test_what_was_not_read_is_not_described() -> None:
    empty = Exchange("e-1", 17)
    with pytest.raises(GatewayError):
        _ = empty.known
    with pytest.raises(GatewayError):
        empty.whole()
    assert empty.kind == ""
    assert empty.log_line("refused") == {"exchange": "e-1", "effect": "refused", "connection": ""}
