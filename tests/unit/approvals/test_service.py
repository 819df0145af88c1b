"""The gRPC shell in this process: who is let to do what, and how errors are told. Each token is a person's name."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest

from approvals import approvals_pb2 as pb
from approvals import approvals_pb2_grpc as stubs
from approvals.client import CHANNEL_OPTIONS, ApprovalsClient, HoldsClient
from approvals.errors import AskInvalid, NotAllowed, NotChanged, Revoked, SignInNeeded, UnknownApproval
from approvals.facts import Narrowing, State, Wish
from approvals.machine import Approval
from approvals.people import Door
from approvals.revocations import Scope
from approvals.service import ApprovalsService, HoldsService, RevocationsService
from approvals.standing import Phase, TooWide
from approvals.store import Store
from approvals.writer import Writer
from console.dev.keyring import KeyRing
from identity import Identity, KeysUnavailable, TokenRefused
from identity.token import take_apart
from runtime.clock import FixedClock
from snapshot.decision import ApprovalTerms, Bounds, BreakGlass
from tests.kit.approvals import ask, serving

KEYS = KeyRing(algorithm="ES256")
GROUPS = {
    "alice": ("ledger-approvers",),
    "carol": ("auditors",),
    "rita": ("security",),
    "dave": (),
    "olga": ("on-call",),
}


class NameVerifier:
    """Believes a token's `sub`."""

    def __init__(self, clock: FixedClock) -> None:
        self.clock, self.down = clock, False

    async def verify(self, token: str) -> Identity:
        if self.down:
            raise KeysUnavailable
        name = take_apart(token).claims["sub"]
        if name not in GROUPS:
            raise TokenRefused("Nobody of that name.")
        now = self.clock.now_us() // 1_000_000
        return Identity("people", name, f"{name}@bank.example", GROUPS[name], auth_time=now, expires_at=now + 3600)


class House:
    def __init__(self, folder: Path) -> None:
        self.clock = FixedClock()
        self.verifier = NameVerifier(self.clock)
        self.socket = folder / "s"
        self.writer = Writer(Store(folder, "exeat-test", self.clock), self.clock, most=100)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["House"]:
        await self.writer.open()
        server = grpc.aio.server()
        stubs.add_HoldsServicer_to_server(HoldsService(self.writer), server)  # type: ignore[no-untyped-call]
        stubs.add_RevocationsServicer_to_server(RevocationsService(self.writer), server)  # type: ignore[no-untyped-call]
        people = ApprovalsService(
            self.writer,
            Door(self.verifier, ["exeat"]),
            self.clock,
            mask=lambda text: text.replace("SECRET", "[masked]"),
            profiles=lambda: ("floor", "pci"),
            auth_time_max_s=900,
            overseers=["auditors"],
            revokers=["security"],
        )
        stubs.add_ApprovalsServicer_to_server(people, server)  # type: ignore[no-untyped-call]
        async with serving(server, self.socket, self.writer):
            yield self

    def holds(self) -> HoldsClient:
        return HoldsClient(self.socket)

    def person(self, name: str) -> ApprovalsClient:
        return ApprovalsClient(self.socket, KEYS.sign({"iss": "people", "aud": "exeat-people", "sub": name}))


@pytest.fixture
async def house() -> AsyncIterator[House]:
    with tempfile.TemporaryDirectory(prefix="x") as folder:
        async with House(Path(folder)).running() as house:
            yield house


async def drained(watching: AsyncIterator[Approval]) -> None:
    async for _ in watching:
        pass


async def test_an_answer_is_masked_and_told_to_who_waits(house: House) -> None:
    async with house.holds() as holds, house.person("alice") as alice:
        held = await holds.request(ask())
        after = await alice.refuse(held.id, ask().shown.digest, "it holds SECRET")
        assert after.refusal is not None
        assert after.refusal.justification == "it holds [masked]"
        assert (await holds.wait(held)).message == "it holds [masked]"


async def test_a_grant_of_less_is_told_to_who_waits(house: House) -> None:
    async with house.holds() as holds, house.person("alice") as alice:
        held = await holds.request(ask())
        with pytest.raises(AskInvalid, match="floor, pci"):
            await alice.grant(held.id, ask().shown.digest, narrowing=Narrowing(("none-such",)))
        less = Narrowing(("pci",), 4096)
        assert (await alice.grant(held.id, ask().shown.digest, narrowing=less)).narrowing == less
        assert (await holds.wait(held)).narrowing == less
        assert (await holds.request(ask())).narrowing == less  # who finds the grant finds its limits


async def test_who_sees_what(house: House) -> None:
    async with house.holds() as holds:
        held = await holds.request(ask())
        for name, sees in (("alice", True), ("carol", True), ("dave", True), ("rita", False)):
            async with house.person(name) as person:
                assert bool(await person.list()) == sees, name
                if sees:
                    assert (await person.get(held.id))[1] == ask().shown
                else:
                    with pytest.raises(UnknownApproval):
                        await person.get(held.id)
        for name in ("carol", "dave"):
            async with house.person(name) as person:
                with pytest.raises(NotAllowed):
                    await person.grant(held.id, ask().shown.digest)


async def test_strangers_and_an_issuer_that_is_away(house: House) -> None:
    async with house.person("mallory") as stranger:
        with pytest.raises(SignInNeeded):
            await stranger.list()
        with pytest.raises(SignInNeeded):
            await drained(stranger.watch())
    house.verifier.down = True
    async with house.person("alice") as alice:
        with pytest.raises(Exception, match="gives no answer"):
            await alice.list()


TERMS = ApprovalTerms(
    any=("ledger-approvers",), standing=Bounds(2, 3600), break_glass=BreakGlass(("on-call",)), expires_s=540
)
SHOWN = ask().shown.digest


async def test_a_standing_grant_is_given_used_listed_and_revoked(house: House) -> None:
    async with house.holds() as holds, house.person("alice") as alice, house.person("rita") as rita:
        held = await holds.request(ask(terms=TERMS))
        with pytest.raises(TooWide, match="at most 2 uses"):
            await alice.grant(held.id, SHOWN, "all day", wish=Wish(3, 60))
        await alice.grant(held.id, SHOWN, "all day", wish=Wish(2, 60))
        again = await holds.request(ask(exchange="exchange-2", received_digest="2" * 64, terms=TERMS))
        assert again.state is State.GRANTED
        assert await holds.consume(again, again.binding.forwarded_digest)
        (standing,) = await alice.standings()
        assert (standing.uses_left, standing.exchanges) == (1, ("exchange-2",))
        async with house.person("carol") as carol:
            assert list(await carol.standings()) == [standing], "an auditor may look"
            with pytest.raises(NotAllowed):
                await carol.revoke_standing(standing.id)
        async with house.person("olga") as olga:
            assert await olga.standings() == []
            with pytest.raises(UnknownApproval):
                await olga.revoke_standing(standing.id)
        assert (await rita.revoke_standing(standing.id, "SECRET")).phase is Phase.REVOKED
        assert await alice.standings() == []
        assert [each.phase for each in await alice.standings(ended=True)] == [Phase.REVOKED]
        third = await holds.request(ask(exchange="exchange-3", received_digest="3" * 64, terms=TERMS))
        assert third.state is State.REQUESTED


async def test_break_glass_is_for_those_whom_the_policy_names(house: House) -> None:
    async with house.holds() as holds, house.person("olga") as olga, house.person("alice") as alice:
        held = await holds.request(ask(terms=TERMS))
        for name in ("alice", "carol", "dave"):
            async with house.person(name) as person:
                with pytest.raises(NotAllowed):
                    await person.break_glass(held.id, SHOWN, "it burns", Wish(1, 60))
        with pytest.raises(NotAllowed):
            await olga.grant(held.id, SHOWN, "it burns")  # she may not grant as others do
        with pytest.raises(NotChanged):
            await olga.break_glass(held.id, SHOWN, "", Wish(1, 60))
        granted = await olga.break_glass(held.id, SHOWN, "it burns SECRET", Wish(1, 60))
        assert (granted.state, granted.votes[0].justification) == (State.GRANTED, "it burns [masked]")
        assert await holds.consume(held, held.binding.forwarded_digest)
        (owed,) = await alice.standings()
        assert (owed.owes_review, owed.id) == (True, granted.standing)
        with pytest.raises(NotAllowed, match="a review takes"):
            await olga.review(owed.id, "fine")
        with pytest.raises(AskInvalid):
            await alice.review(owed.id, " ")
        assert (await alice.review(owed.id, "it did burn")).owes_review is False
        assert await alice.standings() == []


async def test_nobody_breaks_the_glass_for_their_own_agent(house: House) -> None:
    async with house.holds() as holds, house.person("olga") as olga:
        held = await holds.request(ask(terms=TERMS, owner="olga@bank.example"))
        with pytest.raises(NotAllowed, match="your own"):
            await olga.break_glass(held.id, SHOWN, "it burns", Wish(1, 60))


async def test_revoking_and_lifting(house: House) -> None:
    async with house.holds() as holds, house.person("rita") as rita, house.person("carol") as carol:
        held = await holds.request(ask())
        waiting = asyncio.ensure_future(holds.wait(held))
        made = await rita.revoke(Scope.AGENT, "ledger-agent", "stolen SECRET")
        assert (await waiting).state is State.WITHDRAWN
        assert (made.made.reason, made.made.by.email) == ("stolen [masked]", "rita@bank.example")
        with pytest.raises(Revoked):
            await holds.request(ask(exchange="exchange-2"))
        assert list(await carol.revocations()) == [made], "an auditor may look"
        with pytest.raises(NotAllowed):
            await carol.lift(made.id, "")
        lifted = await rita.lift(made.id, "found")
        assert (await rita.revocations(), await rita.revocations(lifted=True)) == ([], [lifted])
        assert (await holds.request(ask(exchange="exchange-3"))).id != held.id


async def test_a_revocation_is_bounded_in_its_words(house: House) -> None:
    async with house.person("rita") as rita:
        with pytest.raises(AskInvalid, match="value"):
            await rita.revoke(Scope.SUBJECT, "", "")
        with pytest.raises(AskInvalid, match="value"):
            await rita.revoke(Scope.SUBJECT, "a\nb", "")
        with pytest.raises(UnknownApproval):
            await rita.lift("nothing", "")


async def test_followers_hear_all_then_changes_then_beats(house: House) -> None:
    async with house.person("rita") as rita:
        await rita.revoke(Scope.SUBJECT, "first", "")
        async with grpc.aio.insecure_channel(f"unix:{house.socket}", options=CHANNEL_OPTIONS) as channel:
            stub = stubs.RevocationsStub(channel)  # type: ignore[no-untyped-call]
            following = aiter(stub.Follow(pb.FollowRequest()))
            complete = await anext(following)
            assert (complete.complete, [at.value for at in complete.revocations]) == (True, ["first"])
            await rita.revoke(Scope.SUBJECT, "second", "")
            change = await anext(following)
            assert (change.complete, [at.value for at in change.revocations]) == (False, ["second"])
            assert not (await anext(following)).revocations, "a beat"


class Cut(Writer):
    """One that loses sight of the other gateways when a test says so."""

    fresh = True  # type: ignore[assignment,misc]


async def test_a_follower_has_no_beat_of_one_that_lost_sight_of_others_meanwhile() -> None:
    with tempfile.TemporaryDirectory(prefix="xs") as folder:
        house = House(Path(folder))
        house.writer = cut = Cut(Store(Path(folder), "exeat-test", house.clock), house.clock, most=100)
        async with (
            house.running(),
            grpc.aio.insecure_channel(f"unix:{house.socket}", options=CHANNEL_OPTIONS) as channel,
        ):
            following = aiter(stubs.RevocationsStub(channel).Follow(pb.FollowRequest()))  # type: ignore[no-untyped-call]
            assert (await anext(following)).complete
            cut.fresh = False  # type: ignore[misc]
            with pytest.raises(grpc.aio.AioRpcError, match="not known here at present"):
                await anext(following)


async def test_a_watchers_token_expires(house: House) -> None:
    house.clock.advance(0)
    async with house.person("alice") as alice, house.holds() as holds:
        held = await holds.request(ask())
        watching = aiter(alice.watch())
        assert (await anext(watching)).id == held.id
        house.clock.advance(3600 * 1_000_000)
        await alice.list()
        with pytest.raises(SignInNeeded, match="expired"):
            await drained(watching)


async def test_words_that_are_not_known_here(house: House) -> None:
    async with grpc.aio.insecure_channel(f"unix:{house.socket}", options=CHANNEL_OPTIONS) as channel:
        stub = stubs.HoldsStub(channel)  # type: ignore[no-untyped-call]
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.Request(pb.Ask(terms=pb.Terms(wait="forever")))
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
