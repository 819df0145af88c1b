"""How a gateway begins to share, or comes back: what it brings, what it owes, and which database it refuses."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from approvals.book import Book
from approvals.errors import ApprovalsDown
from approvals.facts import State, Vote, Voter, Wish
from approvals.revocations import By, Made, Scope
from approvals.sharing.store import SharedStore
from approvals.steps import Consume, Grant, Why
from approvals.store import Store
from approvals.writer import Writer
from audit.write import SpoolFull
from runtime.clock import SystemClock
from runtime.settings import Shared
from snapshot.decision import ApprovalTerms, Bounds
from tests.kit.approvals import ask
from tests.kit.postgres import Server
from tests.kit.sharing import Pair
from tests.kit.signatures import Signer
from tests.unit.approvals.test_store import VOTE, begin, bodies, go_on

pytestmark = pytest.mark.more
WAIT_S = 30  # for what takes milliseconds, or the few seconds after which a server gives up
BY = By("people", "rita", "rita@bank.example")
STANDING = ApprovalTerms(any=("ledger-approvers",), expires_s=540, standing=Bounds(3, 3600))


def revoke(store: Store | SharedStore, subject: str) -> None:
    book = Book((), 100)
    book.revoke(Made(1, SystemClock().now_us(), "r1", Scope.SUBJECT, subject, "", "stolen", BY))
    store.begin()
    store.commit((), book.notices)


@contextlib.contextmanager
def alone(folder: Path, gateway: str) -> Iterator[Store]:
    """A gateway before it shares."""
    store = Store(folder / gateway, gateway, SystemClock())
    store.open()
    yield store
    store.close()


async def test_a_revocation_that_a_gateway_brings_stops_what_the_others_hold(pair: Pair, tmp_path: Path) -> None:
    with alone(tmp_path, "a") as store:
        revoke(store, "ledger-agent")
    async with pair.writer("b") as b:
        granted = await b.request(ask())
        await b.step(granted.id, lambda at: Grant(at, VOTE))
        standing = await b.request(ask(terms=STANDING, exchange="exchange-2", received_digest="2"))
        vote = Vote(Voter("people", "ann", "ann@bank.example", ("ledger-approvers",)), ask().shown.digest)
        await b.step(standing.id, lambda at: Grant(at, replace(vote, wish=Wish(3, 600))))
        other = await b.request(ask(subject="other-agent", agent="other-agent", received_digest="3"))
        joined = pair.store("a")
        joined.open()  # and it takes no step yet
        used, why = await b.step(granted.id, lambda at: Consume(at, ask().binding))
        assert (used.state, why) == (State.WITHDRAWN, Why.WITHDRAWN)
        assert await b.standings() == []
        assert (await b.find(other.id)).state is State.REQUESTED
        joined.close()


async def test_what_a_gateway_brings_of_an_identity_that_the_others_revoked_ends(pair: Pair, tmp_path: Path) -> None:
    with alone(tmp_path, "a") as store:
        begin(store, at_us=SystemClock().now_us())
    one = pair.store("b")
    one.open()
    revoke(one, "ledger-agent")
    one.close()
    async with pair.writer("a") as a, asyncio.timeout(WAIT_S):
        while (await a.find("a1")).state is not State.WITHDRAWN:
            await asyncio.sleep(0.01)
    assert pair.events() == ["a approval.requested", "a approval.withdrawn", "b identity.revoked"]


class Meanwhile(SharedStore):
    """While it opens, something happens elsewhere."""

    meanwhile: Callable[[], object]

    def _drain(self) -> None:
        super()._drain()
        self.meanwhile()


async def test_what_ends_elsewhere_while_a_gateway_starts(pair: Pair, tmp_path: Path, shared: Shared) -> None:
    b = pair.store("b")
    b.open()
    granted = go_on(b, begin(b, at_us=SystemClock().now_us()), Grant(2, VOTE))
    a = Meanwhile(tmp_path / "a", "a", SystemClock(), to=shared)
    a.meanwhile = lambda: (go_on(b, granted, Consume(3, ask().binding)), revoke(b, "other-agent"))
    async with pair.writer("a", store=a) as writer, asyncio.timeout(WAIT_S):
        assert (await writer.request(ask(exchange="exchange-2", received_digest="2"))).state is State.REQUESTED
        assert (await writer.find("a1")).state is State.USED
        assert [each.made.value for each in await writer.revocations()] == ["other-agent"]
    b.close()


@contextlib.contextmanager
def crash(pair: Pair, folder: Path) -> Iterator[SharedStore]:
    """Of gateway a, after its a1: as if the machine went down between the block's shared commits and the spool's."""
    store = pair.store("a")
    store.open()
    begin(store)
    store.close(clean=False)
    before = (folder / "approvals.db").read_bytes()
    store = pair.store("a")
    store.open()
    yield store
    store.close(clean=False)
    for left in folder.glob("approvals.db*"):
        left.unlink()
    (folder / "approvals.db").write_bytes(before)


@pytest.fixture
def owing(pair: Pair, tmp_path: Path) -> SharedStore:
    """Gateway a, whose spool lacks the events of a2."""
    with crash(pair, tmp_path / "a") as store:
        begin(store, "a2", ask(received_digest="2"))
    return store


@pytest.mark.parametrize("limits", [{"max_bytes": 1}, {"max_age_seconds": 0}])
def test_what_is_owed_goes_into_a_full_spool(
    owing: SharedStore, tmp_path: Path, shared: Shared, limits: dict[str, int]
) -> None:
    full = SharedStore(tmp_path / "a", "a", SystemClock(), to=shared, **limits)
    assert [each.id for each in full.open()] == ["a1", "a2"]
    requested = [body["data"]["approval"] for body in bodies(full) if body["type"] == "approval.requested"]
    assert requested == ["a1", "a2"]
    with pytest.raises(SpoolFull):
        begin(full, "a3", ask(received_digest="3"))
    full.close()


@pytest.mark.parametrize(
    ("change", "which"),
    [
        ('UPDATE exeat.log SET body = \'{"type":"granted","vote":"alice@bank.example"}\'', "approval a1, fact 1"),
        ('UPDATE exeat.log SET body = \'{"type":"doubted","vote":"alice@bank.example"}\'', "approval a1, fact 1"),
    ],
)
def test_a_fact_that_nobody_knows_stops_the_start(
    pair: Pair, server: Server, shared: Shared, change: str, which: str
) -> None:
    store = pair.store("a")
    store.open()
    begin(store)
    store.close()
    server.sql(shared, change)
    with pytest.raises(ApprovalsDown, match=which) as caught:
        pair.store("a").open()
    assert "alice" not in str(caught.value)


async def test_opening_has_a_longer_patience_of_its_own(pair: Pair) -> None:
    store = pair.store("a")
    store.patience_s, store.opening_s = 1e-6, 60.0
    await Writer(store, SystemClock(), most=10).open()
    store.close()
    store = pair.store("b")
    store.opening_s = 1e-6
    writer = Writer(store, SystemClock(), most=10)
    with pytest.raises(ApprovalsDown, match="no answer within"):
        await writer.open()
    await writer.close()  # after the opening, which went on


@pytest.mark.parametrize("saw", [True, False])
def test_an_older_copy_of_the_database_is_refused_by_all_that_saw_more(
    server: Server, tmp_path: Path, saw: bool
) -> None:
    """Gateway b granted before the copy was made, a used the grant after it; b starts first on the copy."""
    first = server.another()
    pair = Pair(tmp_path, first)
    for name in ("a", "b"):
        store = pair.store(name)
        store.open()
        granted = go_on(store, begin(store, f"{name}1", ask(received_digest=name)), Grant(2, VOTE))
        store.close()
    older = server.copied(first)
    a, b = pair.store("a"), pair.store("b")
    a.open()
    b.open()
    go_on(a, granted, Consume(3, granted.card.binding))
    if saw:
        b.catch_up()
    for store in (a, b):
        store.close(clean=False)
    restored = Pair(tmp_path, older)
    b = restored.store("b")
    if saw:
        with pytest.raises(ApprovalsDown, match="older than what this gateway saw"):
            b.open()
    else:  # it cannot know; but it goes on from there, and a sees that it did
        b.open()
        for number in range(5):
            begin(b, f"later{number}", ask(received_digest=f"{number}"))
        b.close()
    with pytest.raises(ApprovalsDown, match="went on from such a copy"):
        restored.store("a").open()
    again = pair.store("a")
    assert [each.id for each in again.open()] == ["a1"]
    again.close()


def test_marks_that_nobody_needs_go(pair: Pair, server: Server, shared: Shared) -> None:
    a, b = pair.store("a"), pair.store("b")
    a.open()
    b.open()
    for number in range(3):
        begin(a, f"a{number}", ask(received_digest=f"{number}"))
    for store in (a, b, a):
        store.forget(0)
    assert server.sql(shared, "SELECT pos FROM exeat.marks ORDER BY pos") == [(1,), (2,), (3,)], "b knows of none yet"
    b.catch_up()
    b.forget(0)
    assert server.sql(shared, "SELECT pos FROM exeat.marks") == [(3,)]
    a.close()
    b.close()
    for name in ("a", "b"):
        store = pair.store(name)
        assert len(store.open()) == 3
        store.close()


def test_what_is_owed_outlives_the_file(pair: Pair, tmp_path: Path) -> None:
    """Its approvals.db is lost: what it had not recorded for certain is recorded in the next one."""
    store = pair.store("a")
    store.open()
    begin(store)
    store.close()
    store = pair.store("a")
    store.open()
    begin(store, "a2", ask(received_digest="2"))
    store.close(clean=False)
    for left in (tmp_path / "a").glob("approvals.db*"):
        left.unlink()
    with alone(tmp_path, "a") as before:  # and it was alone for a while
        begin(before, "a3", ask(received_digest="3"))
    for _ in range(2):
        store = pair.store("a")
        assert [each.id for each in store.open()] == ["a1", "a2", "a3"]
        requested = [body["data"]["approval"] for body in bodies(store) if body["type"] == "approval.requested"]
        assert requested == ["a3", "a2"], "a1 was recorded when it stopped"
        store.close()


def test_an_event_that_a_crash_kept_from_the_spool_is_recorded_once(pair: Pair, tmp_path: Path) -> None:
    """The shared commit was made, the spool's was not."""
    with crash(pair, tmp_path / "a") as store:
        go_on(store, begin(store, "a2"), Grant(2, VOTE))
        book = Book((), 100)
        book.revoke(Made(1, 3, "r1", Scope.SUBJECT, "other", "", "stolen", BY))
        store.begin()
        book.authenticators.add(Signer().register())
        store.commit((), book.notices, (), book.enrolments)
    for _ in range(2):
        store = pair.store("a")
        opened = store.open()
        found = [body for body in bodies(store) if not body["type"].startswith("lifecycle.")]
        types = [body["type"] for body in found]
        registered = "person.authenticator_added"
        assert types == ["approval.requested", "identity.revoked", registered, "approval.requested", "approval.granted"]
        assert [body["seq"] for body in bodies(store)] == list(range(1, len(bodies(store)) + 1))
        frames = store.conn.execute("SELECT content FROM frames ORDER BY seq").fetchall()
        assert frames == [(ask().shown.content,)] * 2
        assert {each.id for each in opened} == {"a1", "a2"}
        store.close()


def test_what_a_gateway_knew_alone_comes_with_it(pair: Pair, tmp_path: Path) -> None:
    alone = Store(tmp_path / "a", "a", SystemClock())
    alone.open()
    begin(alone)
    go_on(alone, begin(alone, "a2"), Grant(2, VOTE), Consume(3, ask().binding))
    book = Book((), 100)
    book.revoke(Made(1, 3, "r1", Scope.SUBJECT, "other", "", "stolen", BY))
    alone.commit((), book.notices)
    told = len(bodies(alone))
    alone.close()
    store = pair.store("a")
    assert [each.id for each in store.open()] == ["a1"]
    assert [each.id for each in store.revocations()] == ["r1"]
    assert store.shown("a1") == ask().shown
    assert [body["type"] for body in bodies(store)[told:]] == ["lifecycle.stop", "lifecycle.start"]
    store.close()
    with pytest.raises(ApprovalsDown, match="has shared its approvals"):
        Store(tmp_path / "a", "a", SystemClock()).open()


def test_a_gateway_refuses_a_database_that_is_not_the_one_it_knows(
    pair: Pair, server: Server, shared: Shared, tmp_path: Path
) -> None:
    store = pair.store("a")
    store.open()
    begin(store)
    twin = Pair(tmp_path / "other", shared).store("a")
    twin.claim_s = 0.2
    with pytest.raises(ApprovalsDown, match=r"gateway\.id must differ"):
        twin.open()
    store.close()
    server.sql(shared, "UPDATE exeat.house SET pos = 0")
    with pytest.raises(ApprovalsDown, match="older than"):
        pair.store("a").open()
    with pytest.raises(ApprovalsDown, match="another database"):
        Pair(tmp_path, server.another()).store("a").open()


async def test_what_was_registered_before_a_gateway_shares_comes_along(tmp_path: Path, shared: Shared) -> None:
    clock, signer = SystemClock(), Signer()
    alone = Writer(Store(tmp_path / "a", "a", clock), clock, most=10)
    await alone.open()
    running = asyncio.ensure_future(alone.run())
    key = await alone.enrol(signer.register())
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    await alone.close()
    async with Pair(tmp_path, shared).both() as (one, other):
        assert one.authenticators("people", "alice") == other.authenticators("people", "alice") == [key]
