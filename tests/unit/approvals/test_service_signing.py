"""Signed answers over gRPC, into the spool: what each setting asks for, and what is recorded."""

import contextlib
import json
import sqlite3
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from approvals import approvals_pb2_grpc as stubs
from approvals.ceremony import Ceremony
from approvals.challenges import Challenges
from approvals.client import ApprovalsClient, HoldsClient
from approvals.client_signing import SigningClient
from approvals.errors import AskInvalid, NotAllowed, SignatureNeeded, SignatureRefused, SignInNeeded, UnknownApproval
from approvals.facts import Narrowing, State, Wish
from approvals.people import Door
from approvals.service import ApprovalsService, HoldsService
from approvals.service_signing import AuthenticatorsService
from approvals.signing import Kind
from approvals.store import Store
from approvals.writer import Writer
from audit.verify.body import read
from audit.verify.findings import Report
from audit.verify.signatures import Signatures
from console.dev.keyring import KeyRing
from identity import Identity
from identity.token import take_apart
from runtime.clock import FixedClock
from snapshot.decision import ApprovalTerms, Bounds, BreakGlass
from tests.kit.approvals import ask, serving
from tests.kit.authenticator import ORIGIN, SoftAuthenticator

KEYS = KeyRing(algorithm="ES256")
GROUPS = {"alice": ("ledger-approvers",), "bob": ("ledger-approvers",), "olga": ("on-call",), "carol": ("auditors",)}
SHOWN = ask().shown.digest
TERMS = ApprovalTerms(any=("ledger-approvers",), standing=Bounds(2, 3600), break_glass=BreakGlass(("on-call",)))


class NameVerifier:
    """Believes a token's `sub`; `age_s`: how long ago everybody signed in."""

    def __init__(self, clock: FixedClock) -> None:
        self.clock, self.age_s = clock, 0

    async def verify(self, token: str) -> Identity:
        name, now = take_apart(token).claims["sub"], self.clock.now_us() // 1_000_000
        signed_in = now - self.age_s
        return Identity(
            "people", name, f"{name}@bank.example", GROUPS[name], auth_time=signed_in, expires_at=now + 3600
        )


class House:
    def __init__(self, folder: Path) -> None:
        self.folder, self.clock, self.socket = folder, FixedClock(), folder / "s"
        self.verifier = NameVerifier(self.clock)
        self.masked = "[masked]"

    @contextlib.asynccontextmanager
    async def running(self, signature: str) -> AsyncIterator["House"]:
        writer = Writer(Store(self.folder, "exeat-test", self.clock), self.clock, most=100)
        await writer.open()
        server = grpc.aio.server()
        stubs.add_HoldsServicer_to_server(HoldsService(writer, signature), server)  # type: ignore[no-untyped-call]
        people = ApprovalsService(
            writer,
            Door(self.verifier, ["exeat"]),
            self.clock,
            mask=lambda text: text.replace("SECRET", self.masked),
            profiles=lambda: ("floor", "pci"),
            auth_time_max_s=900,
            overseers=["auditors"],
            challenges=None if signature == "never" else Challenges(Ceremony(ORIGIN, "exeat-test")),
            signature_required=signature == "required",
        )
        stubs.add_ApprovalsServicer_to_server(people, server)  # type: ignore[no-untyped-call]
        keys = AuthenticatorsService(people, writer, self.clock, 900)
        stubs.add_AuthenticatorsServicer_to_server(keys, server)  # type: ignore[no-untyped-call]
        async with serving(server, self.socket, writer):
            yield self

    @contextlib.asynccontextmanager
    async def person(self, name: str) -> AsyncIterator[tuple[ApprovalsClient, SigningClient]]:
        token = KEYS.sign({"iss": "people", "aud": "exeat-people", "sub": name})
        async with ApprovalsClient(self.socket, token) as client:
            yield client, SigningClient(client)

    async def held(self, **changed: Any) -> str:
        async with HoldsClient(self.socket) as holds:
            return (await holds.request(ask(**changed))).id

    def bodies(self) -> list[bytes]:
        with contextlib.closing(sqlite3.connect(self.folder / "approvals.db")) as spool:
            return [bytes(row[0]) for row in spool.execute("SELECT body FROM events ORDER BY seq")]

    def events(self, type_: str) -> list[dict[str, Any]]:
        found = [json.loads(body) for body in self.bodies()]
        return [event for event in found if event["type"] == type_]

    def verified(self) -> Report:
        """What the verifier says of the signatures, from the bytes alone."""
        signatures, report = Signatures(), Report("the spool")
        for index, body in enumerate(self.bodies()):
            signatures.told(read(body), index)
        signatures.settle(report)
        return report


@pytest.fixture
async def house(request: pytest.FixtureRequest) -> AsyncIterator[House]:
    with tempfile.TemporaryDirectory(prefix="x") as folder:
        async with House(Path(folder)).running(getattr(request, "param", "required")) as house:
            yield house


async def registered(signing: SigningClient, id_: bytes = b"of alice") -> SoftAuthenticator:
    device = SoftAuthenticator(id=id_)
    await signing.register("the blue one", device.register(await signing.begin()))
    return device


async def test_a_grant_is_signed_recorded_and_verified_from_the_record(house: House) -> None:
    async with house.person("alice") as (alice, signing):
        device, less = await registered(signing), Narrowing(("pci",), 4096)
        held = await house.held()
        options = await signing.challenge(Kind.GRANT, held, SHOWN, "it holds SECRET", less)
        granted = await alice.grant(held, SHOWN, "it holds SECRET", less, assertion=device.sign(options))
        assert granted.state is State.GRANTED
        assert granted.votes[0].signature is not None
        (mine,) = (await signing.signs()).mine
        assert (mine.name, mine.used_us) == ("the blue one", house.clock.now_us())
    (added,) = house.events("person.authenticator_added")
    assert (added["kind"], added["caller"]["subject"], added["data"]["name"]) == ("person", "alice", "the blue one")
    (asked,), (event,) = house.events("approval.requested"), house.events("approval.granted")
    assert asked["data"]["terms"]["signature"] is True
    assert event["data"]["signature"]["credential"] == added["data"]["authenticator"]
    report = house.verified()
    assert (report.signatures, report.lines()[1:]) == (1, [])


async def test_without_a_signature_neither_counts(house: House) -> None:
    async with house.person("alice") as (alice, signing):
        held = await house.held()
        for answering in (alice.grant, alice.refuse):
            with pytest.raises(SignatureNeeded, match="takes the console"):
                await answering(held, SHOWN, "checked")
        with pytest.raises(SignatureNeeded, match="register one"):
            await signing.challenge(Kind.GRANT, held, SHOWN, "checked")
        device = await registered(signing)
        options = await signing.challenge(Kind.REFUSE, held, SHOWN, "no")
        with pytest.raises(SignatureRefused, match="another answer"):
            await alice.grant(held, SHOWN, "no", assertion=device.sign(options))
        options = await signing.challenge(Kind.REFUSE, held, SHOWN, "no")
        assert (await alice.refuse(held, SHOWN, "no", assertion=device.sign(options))).state is State.REFUSED
    assert house.verified().lines()[1:] == []


async def test_words_that_are_masked_otherwise_meanwhile_are_signed_again(house: House) -> None:
    async with house.person("alice") as (alice, signing):
        device, held = await registered(signing), await house.held()
        options = await signing.challenge(Kind.GRANT, held, SHOWN, "SECRET")
        house.masked = "[other]"
        with pytest.raises(SignatureRefused, match="another answer"):
            await alice.grant(held, SHOWN, "SECRET", assertion=device.sign(options))


async def test_another_persons_challenge_and_authenticator(house: House) -> None:
    async with house.person("alice") as (_, signing), house.person("bob") as (bob, bobs):
        device, held = await registered(signing), await house.held()
        with pytest.raises(SignatureNeeded, match="register one"):
            await bobs.challenge(Kind.GRANT, held, SHOWN, "checked")
        await registered(bobs, b"of bob")
        options = await bobs.challenge(Kind.GRANT, held, SHOWN, "checked")
        with pytest.raises(SignatureRefused, match="Unknown credential"):
            await bob.grant(held, SHOWN, "checked", assertion=device.sign(options))
        options = await signing.challenge(Kind.GRANT, held, SHOWN, "checked")
        with pytest.raises(SignatureRefused, match="another answer"):
            await bob.grant(held, SHOWN, "checked", assertion=device.sign(options))


async def test_a_removed_one_signs_nothing_also_what_was_asked_before(house: House) -> None:
    async with house.person("alice") as (alice, signing), house.person("bob") as (_, bobs):
        device, held = await registered(signing), await house.held()
        options = await signing.challenge(Kind.GRANT, held, SHOWN, "checked")
        (mine,) = (await signing.signs()).mine
        with pytest.raises(UnknownApproval):
            await bobs.remove(mine.id)
        await signing.remove(mine.id)
        assert (await signing.signs()).mine == ()
        with pytest.raises(SignatureRefused, match="Unknown credential"):
            await alice.grant(held, SHOWN, "checked", assertion=device.sign(options))
    assert len(house.events("person.authenticator_removed")) == 1


async def test_a_counter_that_went_back_is_refused_and_recorded(house: House) -> None:
    async with house.person("alice") as (alice, signing):
        device, held = await registered(signing), await house.held()
        device.count = 0
        options = await signing.challenge(Kind.GRANT, held, SHOWN, "checked")
        with pytest.raises(SignatureRefused, match="two devices"):
            await alice.grant(held, SHOWN, "checked", assertion=device.sign(options))
        assert (await alice.get(held))[0].state is State.REQUESTED
    (event,) = house.events("person.authenticator_suspect")
    assert (event["caller"]["subject"], event["data"]["approval"]) == ("alice", held)


async def test_to_register_or_remove_one_has_just_signed_in(house: House) -> None:
    async with house.person("alice") as (_, signing):
        await registered(signing)
        (mine,) = (await signing.signs()).mine
        house.verifier.age_s = 901
        for asking in (signing.begin(), signing.remove(mine.id), signing.register("x", "{}")):
            with pytest.raises(SignInNeeded, match="sign in again"):
                await asking


async def test_who_may_not_answer_is_asked_to_sign_nothing(house: House) -> None:
    async with house.person("carol") as (_, signing):
        held = await house.held()
        with pytest.raises(NotAllowed):
            await signing.challenge(Kind.GRANT, held, SHOWN, "checked")


async def test_a_standing_grant_is_signed_once_and_used_without(house: House) -> None:
    async with house.person("alice") as (alice, signing):
        device, held = await registered(signing), await house.held(terms=TERMS)
        wish = Wish(2, 60)
        options = await signing.challenge(Kind.GRANT, held, SHOWN, "all day", wish=wish)
        with pytest.raises(SignatureRefused, match="another answer"):
            await alice.grant(held, SHOWN, "all day", wish=Wish(2, 61), assertion=device.sign(options))
        options = await signing.challenge(Kind.GRANT, held, SHOWN, "all day", wish=wish)
        await alice.grant(held, SHOWN, "all day", wish=wish, assertion=device.sign(options))
        again = await house.held(terms=TERMS, exchange="exchange-2", received_digest="2" * 64)
        assert (await alice.get(again))[0].state is State.GRANTED
    report = house.verified()
    assert (report.signatures, report.lines()[1:]) == (1, [])  # which both the gift and the grant repeat


async def test_an_emergency_is_signed_too(house: House) -> None:
    async with house.person("olga") as (olga, signing):
        device, held = await registered(signing), await house.held(terms=TERMS)
        with pytest.raises(SignatureNeeded):
            await olga.break_glass(held, SHOWN, "it burns", Wish(1, 60))
        options = await signing.challenge(Kind.BREAK_GLASS, held, SHOWN, "it burns", wish=Wish(1, 60))
        granted = await olga.break_glass(held, SHOWN, "it burns", Wish(1, 60), device.sign(options))
        assert granted.state is State.GRANTED
    assert house.verified().lines()[1:] == []


@pytest.mark.parametrize("house", ["optional"], indirect=True)
async def test_optional_counts_either_way_of_who_has_no_authenticator(house: House) -> None:
    async with house.person("alice") as (alice, signing):
        held = await house.held()
        assert (await alice.grant(held, SHOWN, "checked")).state is State.GRANTED
        device = await registered(signing)
        signed = await house.held(exchange="exchange-2", received_digest="2" * 64)
        for answering in (alice.grant, alice.refuse):  # somebody who has but her session
            with pytest.raises(SignatureNeeded):
                await answering(signed, SHOWN, "checked")
        options = await signing.challenge(Kind.GRANT, signed, SHOWN, "checked")
        assert (await alice.grant(signed, SHOWN, "checked", assertion=device.sign(options))).votes[0].signature
    async with house.person("bob") as (bob, _):
        terms = ApprovalTerms(any=("ledger-approvers",), signature=True)
        asked = await house.held(exchange="exchange-3", received_digest="3" * 64, terms=terms)
        with pytest.raises(SignatureNeeded):
            await bob.grant(asked, SHOWN, "checked")
    assert house.verified().lines()[1:] == []


@pytest.mark.parametrize("house", ["never"], indirect=True)
async def test_where_it_is_not_used_nothing_is_signed(house: House) -> None:
    async with house.person("alice") as (alice, signing):
        held = await house.held()
        assert (await signing.signs()).offered is False
        for asking in (signing.begin(), signing.challenge(Kind.GRANT, held, SHOWN, "checked")):
            with pytest.raises(AskInvalid, match=r"approvals\.signature"):
                await asking
        with pytest.raises(AskInvalid, match=r"approvals\.signature"):
            await alice.grant(held, SHOWN, "checked", assertion="{}")
        terms = ApprovalTerms(any=("ledger-approvers",), signature=True)
        with pytest.raises(AskInvalid, match="never"):
            await house.held(exchange="exchange-2", received_digest="2" * 64, terms=terms)
        assert (await alice.grant(held, SHOWN, "checked")).state is State.GRANTED


async def test_it_is_known_after_a_restart() -> None:
    with tempfile.TemporaryDirectory(prefix="x") as folder:
        house = House(Path(folder))
        async with house.running("required"), house.person("alice") as (alice, signing):
            device, held = await registered(signing), await house.held()
            lost = await signing.challenge(Kind.GRANT, held, SHOWN, "checked")
        async with house.running("required"), house.person("alice") as (alice, signing):
            with pytest.raises(SignatureRefused, match="not known here"):
                await alice.grant(held, SHOWN, "checked", assertion=device.sign(lost))
            options = await signing.challenge(Kind.GRANT, held, SHOWN, "checked")
            granted = await alice.grant(held, SHOWN, "checked", assertion=device.sign(options))
            assert granted.state is State.GRANTED
        async with house.running("required"), house.person("alice") as (alice, signing):
            assert (await alice.get(held))[0] == granted
            again = await house.held(exchange="exchange-2", received_digest="2" * 64)
            device.count = 0  # the counter is durable, too
            options = await signing.challenge(Kind.GRANT, again, SHOWN, "checked")
            with pytest.raises(SignatureRefused, match="two devices"):
                await alice.grant(again, SHOWN, "checked", assertion=device.sign(options))


async def test_what_was_answered_before_signatures_were_required_counts_no_more() -> None:
    """Neither a seat that is filled, nor a grant that nobody has used, nor one that nobody has seen since."""
    with tempfile.TemporaryDirectory(prefix="x") as folder:
        house, two = House(Path(folder)), ApprovalTerms(any=("ledger-approvers",), quorum=2)
        seat, grant, back = ask(terms=two), ask(received_digest="2" * 64), ask(received_digest="3" * 64)
        async with house.running("optional"), house.person("alice") as (alice, _), HoldsClient(house.socket) as holds:
            held = [await holds.request(each) for each in (seat, grant, back)]
            for each in held:
                await alice.grant(each.id, SHOWN, "checked")
        async with house.running("required"), HoldsClient(house.socket) as holds:
            assert (await holds.wait(held[0])).state is State.WITHDRAWN
            assert not await holds.consume(held[1], grant.forwarded_digest)
            assert (await holds.request(back)).id != held[2].id
        assert [event["data"]["reason"] for event in house.events("approval.withdrawn")] == ["unsigned"] * 3


async def test_one_more_authenticator_is_told_at_once(house: House, caplog: pytest.LogCaptureFixture) -> None:
    async with house.person("alice") as (_, signing):
        await registered(signing)
        await registered(signing, b"another one")
    (record,) = [each for each in caplog.records if each.message == "authenticator_added_beside"]
    assert record.levelname == "WARNING"
    assert record.fields["by"] == "alice@bank.example"  # type: ignore[attr-defined]
