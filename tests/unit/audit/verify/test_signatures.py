"""Approvers' signatures in a log whose own keeper lies: every hash, chain and checkpoint is right, only they are not.

The events are those of the writers, over what a real key signed; then somebody who holds the log's key changes them
and signs all of it anew.
"""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from approvals.authenticators import Authenticator, Enrolment
from approvals.evidence import Change, draft, enrolment_draft
from approvals.facts import Card, Fact, Narrowing, Vote, Voter
from approvals.machine import apply, decide, fold, request
from approvals.signing import Kind, packed, unpacked
from approvals.steps import Grant, Refuse, Step
from audit.log.note import checkpoint, sign
from audit.log.tree import Tree, leaf_hash
from audit.verify import Flaw, Report, verify_package, verify_tiles
from audit.verify.body import Event
from audit.verify.signatures import Signatures
from audit.write.chain import Head, extend
from audit.write.event import Draft, compose
from snapshot.decision import ApprovalTerms
from tests.kit.approvals import ask
from tests.kit.authenticator import SoftAuthenticator
from tests.kit.signatures import Signer
from tests.kit.signed_log import SIGNER, Evidence, row, write_tiles

TERMS = ApprovalTerms(any=("ledger-approvers",), quorum=2, signature=True)
ASK = ask(terms=TERMS)
Data = dict[str, Any]
P256, P192V2 = bytes.fromhex("06082a8648ce3d030107"), bytes.fromhex("06082a8648ce3d030102")  # DER of their names
ADDED, BOBS, REQUESTED, ENDORSED, GRANTED, REFUSED = range(1, 7)  # places in the log, after the writer's start


def vote(name: str) -> Vote:
    voter = Voter("people", name, f"{name}@bank.example", ("ledger-approvers",))
    return Vote(voter, ASK.shown.digest, f"{name} looked", Narrowing(("pci",)))


@pytest.fixture
def told() -> list[tuple[str, Data]]:
    """Type and data of each event: two people register, endorse and grant; alice refuses another one."""
    alice, bob = Signer("alice", SoftAuthenticator(id=b"alice's")), Signer("bob", SoftAuthenticator(id=b"bob's"))
    hers, his = alice.register(), bob.register()
    first = alice.sign("a1", Kind.GRANT, vote("alice"), hers)
    second = bob.sign("a1", Kind.GRANT, vote("bob"), his)
    refusal = alice.sign("a2", Kind.REFUSE, replace(vote("alice"), narrowing=Narrowing()), hers)
    drafts = [*map(added, (hers, his)), *story("a1", Grant(5, first), Grant(6, second))]
    drafts.append(story("a2", Refuse(7, refusal))[-1])
    return [(each.type, {**each.data, "caller": each.caller.subject}) for each in drafts]


def added(key: Authenticator) -> Draft:
    return enrolment_draft(Enrolment(key, "added"))


def story(approval_id: str, *steps: Step) -> list[Draft]:
    facts: list[Fact] = [request(approval_id, Card.of(ASK), 1)]
    approval = fold(facts)
    drafts = [draft(Change(approval, facts[0]))]
    for step in steps:
        for fact in decide(approval, step).facts:
            approval = apply(approval, fact)
            drafts.append(draft(Change(approval, fact)))
    return drafts


def package(folder: Path, told: Sequence[tuple[str, Data]], *, selection: bool = False) -> Report:
    """What the verifier says of a package with these events, in a log that is right in itself."""
    head, tree, bodies = Head("approvals.00000000", "gateway.test", epoch=1), Tree(), []
    data = {"epoch": 1, "previous_seq": 0, "previous_head": head.hash.hex(), "previous_stopped": True}
    kinds = {"lifecycle": "lifecycle", "person": "person", "approval": "approval", "standing": "approval"}
    for index, (type_, facts) in enumerate([("lifecycle.start", data), *told]):
        kind = kinds[type_.partition(".")[0]]
        blank = Draft(kind, type_, data=dict(facts))  # type: ignore[arg-type]
        item = compose(blank, event_id=f"00000000-0000-7000-8000-{index:012d}", ts_us=1, salts=[]).fields
        caller = {"issuer": "people", "subject": facts.get("caller", ""), "agent": ""}
        head, body = extend(head, {**item, "caller": caller})
        bodies.append(body)
        tree.append(leaf_hash(body))
    note = sign(checkpoint("gateway.test", tree.size, tree.root()), [SIGNER])
    made = Evidence([row(index, body) for index, body in enumerate(bodies)], {tree.size: note})
    write_tiles(made, folder / "tiles")
    rows = made.rows[1:] if selection else made.rows
    lines = [
        {"log_index": r.log_index, "writer": r.writer, "seq": r.seq, "body": r.body.decode(), "hash": r.hash.hex()}
        for r in rows
    ]
    (folder / "events.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "log.vkey").write_text(SIGNER.vkey() + "\n")
    scope = "selection" if selection else "all"
    manifest = {"format": "exeat-evidence/1", "gateway": "gateway.test", "scope": scope}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return verify_package(folder, [SIGNER.vkey()])


@pytest.mark.parametrize("selection", [False, True])
def test_all_of_them_hold(tmp_path: Path, told: list[tuple[str, Data]], selection: bool) -> None:
    report = package(tmp_path, told, selection=selection)
    assert report.findings == []
    assert report.signatures == 3
    assert "3 signatures of approvers checked" in report.lines()[0]
    assert report.as_dict()["signatures"] == 3


def test_the_published_log_is_enough(tmp_path: Path, told: list[tuple[str, Data]]) -> None:
    package(tmp_path, told)
    report = verify_tiles(tmp_path / "tiles", [SIGNER.vkey()])
    assert (report.findings, report.signatures) == ([], 3)


def client(change: Callable[[Data], Data]) -> Callable[[list[tuple[str, Data]]], None]:
    """Changes clientDataJSON of the grant."""

    def tamper(told: list[tuple[str, Data]]) -> None:
        signature = told[GRANTED - 1][1]["signature"]
        said = json.loads(unpacked(signature["client_data"]))
        signature["client_data"] = packed(json.dumps(change(said)).encode())

    return tamper


def field(place: int, name: str, value: Any) -> Callable[[list[tuple[str, Data]]], None]:
    def tamper(told: list[tuple[str, Data]]) -> None:
        told[place - 1][1][name] = value

    return tamper


def flags(told: list[tuple[str, Data]]) -> None:
    signature = told[GRANTED - 1][1]["signature"]
    data = bytearray(unpacked(signature["authenticator_data"]))
    data[32] &= ~0x04
    signature["authenticator_data"] = packed(bytes(data))


def site(told: list[tuple[str, Data]]) -> None:
    signature = told[GRANTED - 1][1]["signature"]
    signature["authenticator_data"] = packed(bytes(32) + unpacked(signature["authenticator_data"])[32:])


def swapped(told: list[tuple[str, Data]]) -> None:
    """Alice's signature stands for bob's."""
    told[GRANTED - 1][1]["signature"] = told[ENDORSED - 1][1]["signature"]


def replayed(told: list[tuple[str, Data]]) -> None:
    """The same grant is said to be of another approval, too: its statement is not."""
    type_, data = told[ENDORSED - 1]
    told.append((type_, {**data, "approval": "a3"}))


def unsigned(told: list[tuple[str, Data]]) -> None:
    del told[GRANTED - 1][1]["signature"]


def removed(told: list[tuple[str, Data]]) -> None:
    gone = {"authenticator": told[BOBS - 1][1]["authenticator"], "caller": "bob"}
    told.insert(GRANTED - 1, ("person.authenticator_removed", gone))


def unregistered(told: list[tuple[str, Data]]) -> None:
    told.pop(BOBS - 1)


def late(told: list[tuple[str, Data]]) -> None:
    """He registered after he had signed."""
    told.append(told.pop(BOBS - 1))


def other_key(told: list[tuple[str, Data]]) -> None:
    """The insider puts a key of their own into the registration, but cannot sign the old answers again."""
    told[BOBS - 1][1]["public_key"] = Signer("bob", SoftAuthenticator(id=b"bob's")).register().key


def kind_of(told: list[tuple[str, Data]]) -> None:
    """A refusal is made a grant."""
    told[REFUSED - 1] = ("approval.granted", told[REFUSED - 1][1])


def broken(told: list[tuple[str, Data]]) -> None:
    told[GRANTED - 1][1]["signature"] = {"answer": "grant"}


def curve(told: list[tuple[str, Data]]) -> None:
    """A key on a curve that no library here knows."""
    key = unpacked(told[BOBS - 1][1]["public_key"])
    told[BOBS - 1][1]["public_key"] = packed(key.replace(P256, P192V2))


@pytest.mark.parametrize(
    ("tamper", "says"),
    [
        (curve, "cannot be read"),
        (field(GRANTED, "at_us", 120_000_001), "two minutes before"),
        (field(GRANTED, "at_us", 0), "two minutes before"),
        (unsigned, "without the signature"),
        (field(GRANTED, "justification", "bob did not look"), "another answer"),
        (field(GRANTED, "shown", "f" * 64), "another answer"),
        (field(GRANTED, "masking", []), "another answer"),
        (field(GRANTED, "max_response_bytes", 9), "another answer"),
        (field(GRANTED, "approval", "a2"), "another answer"),
        (field(GRANTED, "wish", {"uses": 9, "seconds": 9, "action": ""}), "another answer"),
        (client(lambda said: {**said, "origin": "https://evil.example"}), "own page"),
        (client(lambda said: {**said, "type": "webauthn.create"}), "own page"),
        (client(lambda said: {**said, "crossOrigin": True}), "own page"),
        (client(lambda said: {**said, "more": 1}), "not made by the key"),
        (flags, "verified who was there"),
        (site, "another site"),
        (swapped, "the authenticator of alice"),
        (replayed, "another answer"),
        (removed, "had been removed"),
        (unregistered, "not registered before"),
        (late, "not registered before"),
        (other_key, "not made by the key"),
        (kind_of, "is one for 'refuse', not for 'grant'"),
        (field(BOBS, "count", 2), "went back"),
        (field(BOBS, "caller", "mallory"), "the authenticator of mallory"),
        (broken, "cannot be read"),
        (field(BOBS, "public_key", "AAAA"), "cannot be read"),
    ],
)
def test_what_is_not_as_it_was_signed_is_named(
    tmp_path: Path, told: list[tuple[str, Data]], tamper: Callable[[list[tuple[str, Data]]], None], says: str
) -> None:
    tamper(told)
    report = package(tmp_path, told)
    assert {finding.flaw for finding in report.findings} == {Flaw.SIGNATURE}
    assert says in " ".join(finding.message for finding in report.findings)
    assert all(finding.log_index for finding in report.findings)


def test_a_key_that_another_gateway_registered_is_checked_and_said(
    tmp_path: Path, told: list[tuple[str, Data]]
) -> None:
    """Gateways that share approvals have a log each."""
    told.pop(BOBS - 1)
    signature = told[GRANTED - 2][1]["signature"]
    assert signature["registered"] == "gateway.test"
    signature["registered"] = "gateway.other"
    report = package(tmp_path / "right", told)
    assert (report.findings, report.signatures) == ([], 3)
    assert "registered at gateway 'gateway.other'" in " ".join(report.notes)
    signature["public_key"] = Signer("bob").register().key
    (finding,) = package(tmp_path / "wrong", told).findings
    assert "not made by the key" in finding.message


def test_a_challenge_that_is_used_twice(tmp_path: Path, told: list[tuple[str, Data]]) -> None:
    """Somebody has a device sign one nonce twice."""
    alice = Signer("alice", SoftAuthenticator(id=b"hers"))
    key = alice.register()
    signed = alice.sign("a1", Kind.GRANT, vote("alice"), key)
    (_, endorsed) = story("a1", Grant(5, signed))
    again = alice.device.sign(
        json.dumps({"challenge": json.loads(unpacked(signed.signature.client_data))["challenge"]})
    )  # type: ignore[union-attr]
    response = json.loads(again)["response"]
    data = json.loads(json.dumps(endorsed.data))
    data["signature"] |= {"authenticator_data": response["authenticatorData"], "signature": response["signature"]}
    data["signature"]["client_data"] = response["clientDataJSON"]
    events = [(added(key).type, {**added(key).data, "caller": "alice"})]
    events += [("approval.endorsed", dict(endorsed.data)), ("approval.endorsed", data)]
    (finding,) = package(tmp_path, events).findings
    assert "second time" in finding.message


def test_no_bytes_of_a_stranger_end_the_verification(told: list[tuple[str, Data]]) -> None:
    """One part of one event is changed at a time: it is a finding, or it holds no bytes that anybody signed."""
    dice = random.Random(7)
    whole = json.dumps(told[GRANTED - 1][1]["signature"])
    for _ in range(300):
        signature = json.loads(whole)
        part = dice.choice(["client_data", "authenticator_data", "signature", "public_key"])
        place = told[BOBS - 1][1] if part == "public_key" else signature
        kept, data = place[part], bytearray(unpacked(place[part]))
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
        place[part] = packed(bytes(data[: dice.choice([len(data), dice.randrange(len(data))])]))
        told[GRANTED - 1][1]["signature"] = signature
        signatures, report = Signatures(), Report("changed")
        for index, (type_, facts) in enumerate(told):
            signatures.told(event_of(type_, facts), index)
        signatures.settle(report)
        assert not report.ok
        if part == "public_key":
            place[part] = kept


def event_of(type_: str, data: Data) -> Event:
    columns = ("",) * 5 + ("gateway.test", "", "", "", "people", str(data.get("caller", "")), "", "", "", "")
    return Event("approvals.00000000", 1, 1, b"", 1, type_, data, (), columns)


def test_a_key_is_registered_once(tmp_path: Path, told: list[tuple[str, Data]]) -> None:
    told.append((told[0][0], {**told[0][1], "caller": "mallory"}))
    (finding,) = package(tmp_path, told).findings
    assert "a second time" in finding.message


def test_a_standing_grant_speaks_for_what_is_granted_by_it_only_if_it_was_signed(
    tmp_path: Path, told: list[tuple[str, Data]]
) -> None:
    _, granted = told.pop(GRANTED - 1)
    answer = {name: granted[name] for name in ("approver", "justification", "shown", "masking", "signature")}
    given = {"standing": "s1", "approval": "a1", "answers": [answer]}
    taken = {name: value for name, value in granted.items() if name != "signature"} | {"standing": "s1"}
    told[ENDORSED:ENDORSED] = [("standing.given", given), ("approval.granted", taken)]
    assert package(tmp_path / "signed", told).findings == []
    del answer["signature"]
    found = package(tmp_path / "not", told).findings
    assert [finding.message.partition(" without")[0] for finding in found] == [
        "a standing grant was given at approval a1", "bob@bank.example answered approval a1",
    ]  # fmt: skip
