"""The approvals service as a process: real sockets, a real OIDC issuer, SIGKILL."""

import asyncio
import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace

import grpc
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from approvals import approvals_pb2_grpc as stubs
from approvals import wire
from approvals.book import Book
from approvals.client import ApprovalsClient, Held, HoldsClient, Outcome
from approvals.errors import AskInvalid, NotAllowed, NotChanged, Revoked, SignInNeeded, UnknownApproval
from approvals.facts import Shown, State, Wish
from approvals.follower import Follower
from approvals.revocations import By, Made, Scope, Traits
from approvals.store import Store
from runtime.clock import SystemClock
from runtime.ids import uuid7
from snapshot.decision import ApprovalTerms, Bounds
from tests.kit.approvals import Service, ask, running
from tests.kit.serving import http

FORWARDED = "b" * 64


@pytest.fixture(scope="module")
def shared() -> Iterator[Service]:
    """One process for the tests that leave it alive; each uses a digest of its own."""
    with running() as service:
        yield service


@pytest.fixture
def service() -> Iterator[Service]:
    with running() as service:
        yield service


def people(service: Service, name: str, **claims: object) -> ApprovalsClient:
    return ApprovalsClient(service.people, service.issuer.person_token(name, **claims))  # type: ignore[arg-type]


async def grant(service: Service, held: Held, name: str = "alice", justification: str = "") -> None:
    async with people(service, name) as person:
        _, shown = await person.get(held.id)
        await person.grant(held.id, shown.digest, justification)


def types(service: Service) -> list[str]:
    """The event types in the spool, in order, without those of start and stop."""
    with sqlite3.connect(f"file:{service.database}?mode=ro", uri=True) as conn:
        bodies = [json.loads(row[0]) for row in conn.execute("SELECT body FROM events ORDER BY seq")]
    conn.close()
    return [body["type"] for body in bodies if body["kind"] == "approval"]


async def test_held_granted_used_once(shared: Service) -> None:
    async with HoldsClient(shared.holds) as holds:
        held = await holds.request(ask(received_digest="1" * 64))
        waiting = asyncio.ensure_future(holds.wait(held))
        await grant(shared, held, justification="invoice 4711")
        assert await waiting == Outcome(State.GRANTED, "alice@bank.example", "invoice 4711")
        assert await holds.consume(held, FORWARDED)
        assert not await holds.consume(held, FORWARDED)


async def test_refused(shared: Service) -> None:
    async with HoldsClient(shared.holds) as holds, people(shared, "bob") as bob:
        held = await holds.request(ask(received_digest="2" * 64))
        _, shown = await bob.get(held.id)
        await bob.refuse(held.id, shown.digest, "unknown payee")
        assert await holds.wait(held) == Outcome(State.REFUSED, "bob@bank.example", "unknown payee")
        assert not await holds.consume(held, FORWARDED)


async def test_an_approvers_words_pass_the_floor(shared: Service) -> None:
    async with HoldsClient(shared.holds) as holds:
        held = await holds.request(ask(received_digest="8" * 64))
        await grant(shared, held, justification="asked by 536-90-4399 on the phone")
        outcome = await holds.wait(held)
        assert outcome.message.startswith("asked by ")
        assert "536-90-4399" not in outcome.message
    stored = [path.read_bytes() for path in shared.database.parent.glob("approvals.db*")]
    assert not any(b"536-90-4399" in content for content in stored)


async def test_consume_is_bound_to_what_was_approved(shared: Service) -> None:
    async with HoldsClient(shared.holds) as holds:
        held = await holds.request(ask(received_digest="3" * 64))
        await grant(shared, held)
        assert not await holds.consume(held, "f" * 64), "other bytes would go out"
        for changed in ({"subject": "intern-agent"}, {"snapshot": "sha256:" + "d" * 64}, {"exchange": "another"}):
            other = replace(held, binding=replace(held.binding, **changed))
            assert not await holds.consume(other, FORWARDED), changed
        assert await holds.consume(held, FORWARDED)


async def test_exactly_one_of_twenty_consumers_wins(shared: Service) -> None:
    async with HoldsClient(shared.holds) as holds:
        helds = [await holds.request(ask(received_digest="4" * 64, exchange=f"exchange-{n}")) for n in range(20)]
        assert len({held.id for held in helds}) == 1, "one card for all"
        await grant(shared, helds[0])
        won = await asyncio.gather(*(holds.consume(held, FORWARDED) for held in helds))
        assert sum(won) == 1


async def test_tokens_of_the_data_path_are_refused(shared: Service) -> None:
    issuer = shared.issuer
    both = issuer.person_token("alice", audience=["exeat", "exeat-people"])
    for token in (issuer.agent_token("ledger-agent"), both, "garbage", ""):
        async with ApprovalsClient(shared.people, token) as client:
            with pytest.raises(SignInNeeded):
                await client.list()


async def test_who_may_answer(shared: Service) -> None:
    issuer = shared.issuer
    async with HoldsClient(shared.holds) as holds:
        held = await holds.request(ask(received_digest="5" * 64))
        owner = issuer.person_token("dave", groups=["ledger-approvers"])
        stale = issuer.person_token("alice", auth_age_s=1200)
        digest = ask().shown.digest
        for token, error in ((owner, NotAllowed), (stale, SignInNeeded)):
            async with ApprovalsClient(shared.people, token) as person:
                with pytest.raises(error):
                    await person.grant(held.id, digest)
        async with ApprovalsClient(shared.people, issuer.person_token("bob", groups=["tellers"])) as outsider:
            with pytest.raises(UnknownApproval):
                await outsider.grant(held.id, digest)
            assert held.id not in {approval.id for approval in await outsider.list()}
        async with people(shared, "carol") as auditor:
            with pytest.raises(NotAllowed):
                await auditor.grant(held.id, digest)
            assert held.id in {approval.id for approval in await auditor.list()}
        async with people(shared, "alice") as alice:
            with pytest.raises(NotChanged, match="other content"):
                await alice.grant(held.id, "0" * 64)


async def test_an_administrator_who_owns_the_agent_does_not_count(shared: Service) -> None:
    groups = ["exeat-admins", "auditors", "ledger-approvers", "on-call"]
    async with HoldsClient(shared.holds) as holds, people(shared, "dave", groups=groups) as dave:
        held = await holds.request(ask(received_digest="e1" * 32))
        for say in (dave.grant, dave.refuse):
            with pytest.raises(NotAllowed, match="your own agent's"):
                await say(held.id, ask().shown.digest, "as administrator")
        assert (await dave.get(held.id))[0].state is State.REQUESTED


@pytest.mark.parametrize("other", ["grant", "refuse"])
async def test_two_approvers_at_one_instant(shared: Service, other: str) -> None:
    """One answer is told to have won, the other why it changed nothing; what is durable is what they were told."""
    digest = ask().shown.digest
    for turn in range(8):
        async with HoldsClient(shared.holds) as holds, people(shared, "alice") as alice, people(shared, "bob") as bob:
            held = await holds.request(ask(received_digest=f"{turn}{other[0].encode().hex()}" + "e" * 61))
            said = await asyncio.gather(
                alice.grant(held.id, digest, "yes"),
                getattr(bob, other)(held.id, digest, "no"),
                return_exceptions=True,
            )
            won = [each for each in said if not isinstance(each, BaseException)]
            lost = [each for each in said if isinstance(each, BaseException)]
            assert all(isinstance(each, NotChanged) for each in lost)
            after, _ = await alice.get(held.id)
            if other == "grant":
                assert (len(won), len(lost), after.state) == (1, 1, State.GRANTED)
                assert len(after.votes) == 1
                assert await holds.consume(held, FORWARDED)
            else:  # a refusal also wins over a grant that nobody has used
                assert after.state is State.REFUSED
                assert not await holds.consume(held, FORWARDED)


async def test_a_question_without_the_words_that_the_policy_asks_for(shared: Service) -> None:
    """extproc has looked before; this side looks for itself, at both givers."""
    terms = ApprovalTerms(
        any=("ledger-approvers",),
        expires_s=540,
        justification="required",
        justification_from=("requester", "approver"),
    )
    async with HoldsClient(shared.holds) as holds, people(shared, "alice") as alice:
        with pytest.raises(AskInvalid, match="justification"):
            await holds.request(ask(received_digest="e2" * 32, terms=terms, justification=" \n"))
        held = await holds.request(ask(received_digest="e2" * 32, terms=terms, justification="invoice 4711"))
        for say in (alice.grant, alice.refuse):
            with pytest.raises(NotChanged, match="justification"):
                await say(held.id, ask().shown.digest, "\t")
        assert (await alice.grant(held.id, ask().shown.digest, "checked")).state is State.GRANTED


async def test_malformed_asks(shared: Service) -> None:
    nobody = ApprovalTerms()
    async with HoldsClient(shared.holds) as holds:
        for changed in ({"terms": nobody}, {"subject": ""}, {"owner": "a\x1b[2J"}, {"rule": "x" * 600}):
            with pytest.raises(AskInvalid):
                await holds.request(ask(**changed))
        with pytest.raises(UnknownApproval):
            await holds.wait(Held("nothing", State.REQUESTED, 0, ask().binding))


async def test_longest_words_fit_into_one_event(shared: Service) -> None:
    long = {name: "\U0001f600" * 256 for name in ("subject", "agent", "owner", "email", "session", "rule", "upstream")}
    terms = ApprovalTerms(
        any=tuple(f"{n:0128}" for n in range(64)), all=tuple(f"{n:0128}" for n in range(64, 128)), quorum=20
    )
    words = "\U0001f600" * 3000
    shown = Shown("text/plain", b"x" * (1 << 20))
    async with HoldsClient(shared.holds) as holds:
        held = await holds.request(ask(**long, terms=terms, message=words, justification=words, shown=shown))
        assert held.state is State.REQUESTED


async def test_watch_tells_what_is_open_and_what_changes(shared: Service) -> None:
    async with HoldsClient(shared.holds) as holds, people(shared, "alice") as alice:
        before = await holds.request(ask(received_digest="6" * 64))
        seen: list[tuple[str, State]] = []
        async for approval in alice.watch():
            seen.append((approval.id, approval.state))
            if seen[-1] == (before.id, State.REQUESTED):
                await grant(shared, before, "bob")
            if seen[-1] == (before.id, State.GRANTED):
                break


async def test_expiry(shared: Service) -> None:
    async with HoldsClient(shared.holds) as holds:
        held = await holds.request(
            ask(received_digest="7" * 64, terms=ApprovalTerms(any=("ledger-approvers",), expires_s=1))
        )
        assert (await holds.wait(held)).state is State.EXPIRED
        with pytest.raises(NotChanged, match="expired"):
            await grant(shared, held)


async def test_killed_between_grant_and_consume(service: Service) -> None:
    async with HoldsClient(service.holds) as holds:
        held = await holds.request(ask())
        waiting = asyncio.ensure_future(holds.wait(held))
        service.kill()
        await asyncio.to_thread(service.start)
        await grant(service, held)
        assert (await waiting).granted, "the wait goes on with the new process"
        service.kill()
        await asyncio.to_thread(service.start)
        assert await holds.consume(held, FORWARDED)
        service.kill()
        await asyncio.to_thread(service.start)
        assert not await holds.consume(held, FORWARDED), "used is durable"
    assert types(service) == ["approval.requested", "approval.granted", "approval.used"]


async def test_a_client_that_left_finds_its_card_and_its_grant(service: Service) -> None:
    async with HoldsClient(service.holds) as holds:
        held = await holds.request(ask())
        await holds.withdraw(held)
        await grant(service, held)
        assert not await holds.consume(held, FORWARDED), "nobody waits there any more"
        service.kill()
        await asyncio.to_thread(service.start)
        again = await holds.request(ask(exchange="exchange-2"))
        assert (again.id, again.state) == (held.id, State.GRANTED)
        assert await holds.consume(again, FORWARDED)
        new = await holds.request(ask(exchange="exchange-3"))
        assert new.id != held.id, "used up: the next one asks anew"
    expected = ["requested", "left", "granted", "returned", "used", "requested"]
    assert types(service) == [f"approval.{word}" for word in expected]


async def test_two_people(service: Service) -> None:
    terms = ApprovalTerms(any=("ledger-approvers",), quorum=2, justification="required")
    async with HoldsClient(service.holds) as holds:
        held = await holds.request(ask(terms=terms))
        with pytest.raises(NotChanged, match="justification"):
            await grant(service, held, "alice")
        await grant(service, held, "alice", "checked")
        with pytest.raises(NotChanged, match="already said yes"):
            await grant(service, held, "alice", "checked again")
        await grant(service, held, "bob", "me too")
        assert (await holds.wait(held)).answered_by == "bob@bank.example"
    assert types(service) == ["approval.requested", "approval.endorsed", "approval.granted"]


async def test_only_one_process_writes(service: Service) -> None:
    with running() as other:
        other.kill()
        (other.folder / "exeat.toml").write_text((service.folder / "exeat.toml").read_text())
        with pytest.raises(AssertionError, match="ended at once"):
            # its sockets are watched for in its own folder, where they never appear
            await asyncio.to_thread(other.start)


async def test_only_admins_revoke_and_auditors_see(shared: Service) -> None:
    async with people(shared, "alice") as alice:
        with pytest.raises(NotAllowed):
            await alice.revoke(Scope.SUBJECT, "some-agent", "stolen")
        with pytest.raises(NotAllowed):
            await alice.revocations()
    async with people(shared, "erin") as erin:
        made = await erin.revoke(Scope.SUBJECT, "some-agent", "stolen")
    async with people(shared, "carol") as carol:
        assert made.id in {revocation.id for revocation in await carol.revocations()}
        with pytest.raises(NotAllowed):
            await carol.lift(made.id, "found again")


async def test_a_standing_grant_survives_a_kill_with_its_count(service: Service) -> None:
    terms = ApprovalTerms(any=("ledger-approvers",), standing=Bounds(2, 600))
    async with HoldsClient(service.holds) as holds:
        held = await holds.request(ask(terms=terms))
        async with people(service, "alice") as alice:
            await alice.grant(held.id, ask().shown.digest, "all day", wish=Wish(2, 600))
        assert (await holds.request(ask(exchange="e-2", received_digest="2" * 64, terms=terms))).state == "granted"
        service.kill()
        service.start()
        assert (await holds.request(ask(exchange="e-3", received_digest="3" * 64, terms=terms))).state == "granted"
        assert (await holds.request(ask(exchange="e-4", received_digest="4" * 64, terms=terms))).state == "requested"
    told = types(service)
    assert (told.count("standing.given"), told.count("standing.taken")) == (1, 2)


async def test_a_follower_hears_of_revocations_over_restarts(service: Service) -> None:
    service.stop()
    revoke(service, "ledger-agent")
    await asyncio.to_thread(service.start)
    heard: list[str] = []
    follower = Follower(service.holds, SystemClock(), lambda revocation: heard.append(revocation.made.value))
    following = asyncio.ensure_future(follower.run())
    traits = Traits("https://issuer.example", "ledger-agent")
    await eventually(lambda: follower.find(traits) is not None)
    assert follower.fresh
    async with HoldsClient(service.holds) as holds:
        with pytest.raises(Revoked):
            await holds.request(ask())
        assert (await holds.request(ask(subject="intern-agent"))).state is State.REQUESTED
    service.kill()
    revoke(service, "intern-agent")
    await asyncio.to_thread(service.start)
    await eventually(lambda: follower.find(replace(traits, subject="intern-agent")) is not None)
    assert heard == ["ledger-agent", "intern-agent"]
    following.cancel()


def revoke(service: Service, subject: str) -> None:
    """Straight into the store of a service that is not running."""
    clock = SystemClock()
    store = Store(service.database.parent, "exeat", clock)
    book = Book(store.open(), 10_000, store.revocations())
    book.revoke(Made(1, clock.now_us(), uuid7(), Scope.SUBJECT, subject, "", "stolen", By("people", "rita")))
    store.commit(book.changes, book.notices)
    store.close()


async def eventually(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.02)


def test_stops_cleanly_on_sigterm(service: Service) -> None:
    assert service.stop() == 0
    with sqlite3.connect(service.database) as conn:
        (body,) = conn.execute("SELECT body FROM events ORDER BY seq DESC LIMIT 1").fetchone()
    conn.close()
    assert json.loads(body)["type"] == "lifecycle.stop"


async def test_its_last_event_is_recorded_before_spans_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A collector that hangs holds up the end of the process, which may then be killed: nothing of the record waits."""
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "3600000")  # ms: spans go out at the end alone
    parent = f"00-{'1' * 32}-{'2' * 16}-01"
    seen: list[str] = []

    async def take(_: Request) -> Response:
        with contextlib.closing(sqlite3.connect(f"file:{service.database}?mode=ro", uri=True)) as conn:
            (body,) = conn.execute("SELECT body FROM events ORDER BY seq DESC LIMIT 1").fetchone()
        seen.append(json.loads(body)["type"])
        return Response()

    collector = Starlette(routes=[Route("/v1/traces", take, methods=["POST"])])
    with http(collector) as port, running(f'[tracing]\nendpoint = "http://127.0.0.1:{port}"') as service:
        async with grpc.aio.insecure_channel(f"unix:{service.holds}") as channel:
            await stubs.HoldsStub(channel).Request(wire.ask_to(ask()), metadata=(("traceparent", parent),))
        assert await asyncio.to_thread(service.stop) == 0
    assert seen == ["lifecycle.stop"]
