"""The line of verbs, with fakes for everything that waits: something is always answered, never a yes by accident."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from approvals.revocations import By, Made, Revocation, Revocations, Scope, Traits, fold
from audit.write import Draft, MemoryRecorder, SpoolDown, SpoolFull
from authz.service import Authz
from identity import Verifier
from identity.errors import KeysUnavailable
from identity.keyset import KeySet
from masking.keys import Keys
from runtime.clock import FixedClock
from runtime.settings import Issuer, Settings
from snapshot.current import Snapshot
from snapshot.decision import ApprovalTerms, Decision, Effect, MalformedDecision, Reason
from snapshot.engine_client import EngineDown, EngineSlow, PolicyFailed, ScriptedEngine, UndefinedDecision
from snapshot.layout import NoSnapshot
from snapshot.verdict import Verdict
from tests.kit import tokens
from tests.kit.blot import DIGEST, Blot, snapshot
from tests.kit.checks import check, message
from usage import Counters, Uncounted, UsageDown

ALLOW = Decision(Effect.ALLOW, (Reason("generation", "Your role may."),), DIGEST, masking=("pci",))
DENY = Decision(Effect.DENY, (Reason("no_role", "None of your groups may.", ("AC-3",)),), DIGEST)
HOLD = Decision(Effect.HOLD, (Reason("write", "A write needs approval."),), DIGEST, ApprovalTerms(any=("g",)))


class House:
    """authz with fakes around it; `ask` is what Envoy does."""

    def __init__(self, usage: Any = None, engine: Any = None) -> None:
        self.clock = FixedClock()
        self.engine = engine or ScriptedEngine(ALLOW)
        self.recorder = MemoryRecorder()
        self.snapshot: Snapshot | Exception = snapshot(Blot("planted-secret", blocked="bad-word"))
        self.keys_down = False
        self.fresh = True
        self.revocations = Revocations()
        self.usage = usage or Uncounted()
        settings = Settings.model_validate({"issuers": [tokens.settings().model_dump()]})
        self.verifier = Verifier(settings.issuers, self.clock, fetch=self._fetch)
        self.authz = Authz(
            settings, snapshots=self, verifier=self.verifier, engine=self.engine, recorder=self.recorder,
            revocations=self, usage=self.usage, keys=Keys.generate(), clock=self.clock,
        )  # fmt: skip

    def get(self) -> Snapshot:
        if isinstance(self.snapshot, Exception):
            raise self.snapshot
        return self.snapshot

    def find(self, traits: Traits) -> Revocation | None:
        return self.revocations.find(traits)

    def revoke(self, scope: Scope, value: str) -> None:
        self.revocations.put(fold([Made(1, 1, "r-1", scope, value, "", "stolen", By("i", "carol"))]))

    async def _fetch(self, http: httpx.AsyncClient, issuer: Issuer) -> KeySet:
        if self.keys_down:
            raise KeysUnavailable("down")
        return tokens.published(tokens.signing_key())

    async def ask(self, path: str = "/anthropic/v1/messages", **fields: Any) -> Any:
        told = {"method": "POST", "token": tokens.token(), "body": message(), **fields}
        return await self.authz.Check(check(path, **told), None)

    @property
    def last(self) -> Draft:
        return self.recorder.drafts[-1]


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = House()
    async with house.verifier, house.authz:
        yield house


def status(response: Any) -> int:
    """The HTTP status of a refusal, 0 for a yes."""
    return response.denied_response.status.code if response.WhichOneof("http_response") == "denied_response" else 0


def told(response: Any) -> str:
    """The code in an answer of Anthropic's shape."""
    return json.loads(response.denied_response.body)["error"]["code"]


async def test_allow(house: House) -> None:
    response = await house.ask(headers=[("x-exeat-session", "run-7"), ("x-forwarded-for", "1.2.3.4")])
    assert status(response) == 0
    verdict = Verdict.from_metadata(dict(response.dynamic_metadata))
    assert (verdict.effect, verdict.connection, verdict.kind) == (Effect.ALLOW, "anthropic", "anthropic")
    assert (verdict.subject, verdict.owner, verdict.masking) == ("research-agent", "alice@bank.example", ("pci",))
    assert house.recorder.types() == ["decision.allow"]
    assert (house.last.exchange, house.last.session) == (verdict.exchange, verdict.session)
    assert {"authorization", "x-exeat-session", "x-forwarded-for"} <= set(response.ok_response.headers_to_remove)
    assert "content-type" not in response.ok_response.headers_to_remove


async def test_the_floor_masks_what_is_asked_and_kept(house: House) -> None:
    await house.ask("/ledger/x", body={"memo": "planted-secret"})
    assert "planted-secret" not in json.dumps(house.engine.asked[0])
    assert b"planted-secret" not in house.last.frames[0].content
    assert isinstance(house.snapshot, Snapshot)
    assert house.snapshot.masking.asked[-1] == (("floor",), "ledger", "request")  # type: ignore[attr-defined]


async def test_deny(house: House) -> None:
    house.engine.then(DENY)
    response = await house.ask()
    assert (status(response), told(response)) == (403, "denied")
    assert "None of your groups may." in response.denied_response.body
    assert house.last.exchange in response.denied_response.body
    assert house.recorder.types() == ["decision.deny"]
    headers = {option.header.key: option.header.value for option in response.denied_response.headers}
    assert (headers["x-should-retry"], headers["x-exeat-decision"]) == ("false", house.last.exchange)


async def test_hold_goes_on_to_extproc(house: House) -> None:
    house.engine.then(HOLD)
    response = await house.ask("/ledger/transfers", body={"amount": 1}, headers=[("x-exeat-justification", "rent")])
    verdict = Verdict.from_metadata(dict(response.dynamic_metadata))
    assert status(response) == 0
    assert (verdict.effect, verdict.approval, verdict.justification) == (Effect.HOLD, HOLD.approval, "rent")
    assert house.recorder.types() == ["decision.hold"]


REFUSED: list[tuple[dict[str, Any], int, str]] = [
    ({"token": ""}, 401, "token_missing"),
    ({"token": "nonsense"}, 401, "token_malformed"),
    ({"token": tokens.token(exp=1)}, 401, "token_expired"),
    ({"token": tokens.token(aud="exeat-people")}, 401, "token_audience"),
    ({"token": tokens.token(iss="https://evil.example")}, 401, "token_issuer"),
    ({"headers": [("x-api-key", tokens.token(jti="other"))]}, 400, "credentials_ambiguous"),
    ({"headers": [("cookie", "access_token=1")]}, 400, "credentials_misplaced"),
    ({"headers": [("content-encoding", "gzip")]}, 415, "body_unsupported"),
    ({"headers": [("x-exeat-session", "a"), ("x-exeat-session", "b")]}, 400, "header_refused"),
    ({"headers": [("x-exeat-session", "x" * 200)]}, 400, "header_refused"),
    ({"body": b'{"model":"a","model":"b"}'}, 400, "body_malformed"),
    ({"body": b"{"}, 400, "body_malformed"),
    ({"body": message(model="")}, 400, "body_malformed"),
    ({"method": "TRACE"}, 400, "method_refused"),
    ({"headers": [("x-exeat-justification", "bad-word")]}, 403, "blocked"),
    ({"headers": [("x-envoy-auth-partial-body", "true")]}, 413, "body_too_large"),
]


@pytest.mark.parametrize(("fields", "wanted", "code"), REFUSED)
async def test_what_never_reaches_the_policy(house: House, fields: dict[str, Any], wanted: int, code: str) -> None:
    response = await house.ask(**fields)
    assert (status(response), house.engine.asked) == (wanted, [])
    assert house.recorder.types() == ["decision.refused"]
    assert (house.last.data["status"], house.last.data["code"]) == (wanted, code)


@pytest.mark.parametrize(
    "path", ["/anthropic/../ledger/x", "/anthropic//x", "/anthropic/%2e%2e/x", "/anthropic/x;y", "/anthropic/a%2fb"]
)
async def test_paths_of_two_readings(house: House, path: str) -> None:
    assert status(await house.ask(path)) == 400
    assert house.last.data["code"] == "path_refused"


@pytest.mark.parametrize(
    "fields", [{"connection": ""}, {"path": "/nowhere/x"}, {"path": "/"}, {"path": "/nowhere/x", "connection": ""}]
)
async def test_an_unknown_connection(house: House, fields: dict[str, Any]) -> None:
    response = await house.ask(**fields)
    assert (status(response), house.last.data["code"]) == (404, "unknown_connection")
    assert house.last.caller.subject == "research-agent"


async def test_a_route_for_another_connection_is_closed(house: House) -> None:
    response = await house.ask("/anthropic/v1/messages", connection="ledger")
    assert (status(response), house.last.data["code"]) == (503, "envoy_misconfigured")


@pytest.mark.parametrize(
    "error",
    [EngineDown("planted"), EngineSlow("planted"), PolicyFailed("planted"), UndefinedDecision("planted"),
     MalformedDecision("planted"), ZeroDivisionError("planted"), KeyError("planted"), RecursionError("planted")],
)  # fmt: skip
async def test_without_an_answer_of_the_policy_it_is_no(house: House, error: Exception) -> None:
    house.engine.then(error)
    response = await house.ask()
    assert (status(response), told(response)) == (503, "gateway_unavailable")
    assert "planted" not in str(response)
    assert house.recorder.types() == ["decision.refused"]
    assert house.last.data["code"] == getattr(error, "code", "internal")


@pytest.mark.parametrize("decision", [ALLOW, DENY, HOLD])
@pytest.mark.parametrize("error", [SpoolFull("planted"), SpoolDown("planted"), OSError("planted")])
async def test_what_is_not_durable_has_no_effect(house: House, decision: Decision, error: Exception) -> None:
    house.engine.then(decision)
    house.recorder.fail = error
    response = await house.ask()
    assert (status(response), told(response)) == (503, "gateway_unavailable")
    assert "planted" not in str(response)
    assert "v" not in response.dynamic_metadata


async def test_a_full_spool_does_not_turn_strangers_into_our_fault(house: House) -> None:
    house.recorder.fail = SpoolFull()
    assert status(await house.ask(token="")) == 401


async def test_without_keys_nobody_is_anybody(house: House) -> None:
    house.keys_down = True
    response = await house.ask()
    assert (status(response), house.last.data["code"]) == (503, "keys_unavailable")


async def test_without_a_snapshot_nothing_is_known(house: House) -> None:
    house.snapshot = NoSnapshot()
    response = await house.ask()
    assert (status(response), house.last.data["code"]) == (503, "no_snapshot")


async def test_a_verdict_that_does_not_fit_is_no_yes(house: House) -> None:
    names = tuple(f"tool-{number:03}-{'x' * 100}" for number in range(60))
    house.engine.then(Decision(Effect.ALLOW, ALLOW.reasons, DIGEST, tools_hide=names))
    response = await house.ask()
    assert (status(response), house.last.data["code"]) == (503, "verdict_too_large")
    assert house.recorder.types() == ["decision.refused"]


async def test_a_request_that_is_no_request(house: House) -> None:
    broken = check()
    broken.attributes.request.http.path = "/other"
    assert status(await house.authz.Check(broken, None)) == 503
    assert status(await house.authz.Check(None, None)) == 503


async def test_refusals_have_the_shape_of_the_api(house: House) -> None:
    shapes = {}
    for path in ("/anthropic/v1/messages", "/openai/chat/completions", "/ledger/x", "/nowhere/x"):
        shapes[path] = json.loads((await house.ask(path, token="")).denied_response.body)
    assert shapes["/anthropic/v1/messages"]["type"] == "error"
    assert shapes["/openai/chat/completions"]["error"]["code"] == "token_missing"
    assert shapes["/ledger/x"]["status"] == 401
    assert shapes["/nowhere/x"]["status"] == 401


@pytest.mark.parametrize("scope", list(Scope))
async def test_who_is_revoked_is_stopped_at_once(house: House, scope: Scope) -> None:
    assert status(await house.ask()) == 0
    values = {Scope.SESSION: house.last.session, Scope.JTI: "j-1"}
    house.revoke(scope, values.get(scope, "research-agent"))
    response = await house.ask()
    assert (status(response), told(response)) == (403, "revoked")
    assert "stolen" not in response.denied_response.body
    assert (house.last.type, house.last.data["revocation"]) == ("decision.refused", "r-1")
    assert house.last.caller.subject == "research-agent"


async def test_when_nobody_knows_who_is_revoked_everybody_waits(house: House) -> None:
    house.fresh = False
    response = await house.ask()
    assert (status(response), house.last.data["code"]) == (503, "revocations_unknown")


async def test_the_decision_is_durable_before_the_answer(house: House) -> None:
    gate = asyncio.Event()
    record = house.recorder.record

    async def slow(*drafts: Draft) -> None:
        await gate.wait()
        await record(*drafts)

    house.recorder.record = slow  # type: ignore[method-assign]
    async with asyncio.TaskGroup() as group:
        asking = group.create_task(house.ask())
        for _ in range(20):
            await asyncio.sleep(0)
        assert not asking.done()
        gate.set()
    assert status(asking.result()) == 0


async def test_the_record_outlives_the_caller(house: House) -> None:
    asked, gate = asyncio.Event(), asyncio.Event()
    decide: Callable[..., Any] = house.engine.decide

    async def slow(given: Any, content: bytes = b"") -> Decision:
        asked.set()
        await gate.wait()
        return await decide(given)

    house.engine.decide = slow  # type: ignore[method-assign]
    async with asyncio.TaskGroup() as group:
        asking = group.create_task(house.ask())
        await asked.wait()
        asking.cancel()
        await asyncio.sleep(0)
        gate.set()
    for _ in range(20):
        await asyncio.sleep(0)
    assert asking.cancelled()
    assert house.recorder.types() == ["decision.allow"]


async def test_strangers_are_recorded_as_sums(house: House) -> None:
    for _ in range(50):
        await house.ask(token="")
    assert len(house.recorder.drafts) == 1
    await house.authz._record_sums(all_of_them=True)
    assert house.last.data["count"] == 49
    assert house.last.caller.subject == ""


async def test_callers_are_recorded_one_by_one(house: House) -> None:
    for _ in range(5):
        await house.ask(body=b"{")
    assert house.recorder.types() == ["decision.refused"] * 5


async def test_a_flood_of_bad_tokens_is_turned_away_unread_and_stops_nobody_known(house: House) -> None:
    good = tokens.token()
    assert status(await house.ask(token=good)) == 0
    evil = tokens.signing_key("ES256", "evil")
    kid = tokens.signing_key().public_jwk()["kid"]
    forged = [tokens.token(evil, head={"kid": kid}, jti=str(number)) for number in range(210)]
    seen = [status(await house.ask(token=token)) for token in forged]
    assert seen[:200] == [401] * 200
    assert set(seen[200:]) == {429}
    assert status(await house.ask(token=good)) == 0, "a known token passes meanwhile"
    assert status(await house.ask(token=tokens.token(jti="fresh"))) == 429
    assert status(await house.ask(token=tokens.token(jti="fresh"), source="10.9.9.9")) == 0, "and others are not hit"
    house.clock.advance(1_000_000)
    assert status(await house.ask(token=tokens.token(jti="fresh"))) == 0
    await house.authz._record_sums(all_of_them=True)
    sums = {draft.data["code"]: draft.data["count"] for draft in house.recorder.drafts if "count" in draft.data}
    assert (sums["token_signature"], sums["too_many_failures"]) == (199, 10)


async def test_a_bound_token_is_worth_nothing_without_its_certificate(house: House) -> None:
    bound = tokens.token(cnf={"x5t#S256": "T" * 43})
    response = await house.ask(token=bound)
    assert (status(response), told(response)) == (401, "token_bound")
    assert house.engine.asked == []


async def test_what_is_decided_is_reserved_and_a_no_gives_it_back(house: House) -> None:
    await house.ask()
    (allowed,) = house.usage.reserved
    assert (allowed.exchange, allowed.reserved.requests, allowed.reserved.output_tokens) == (house.last.exchange, 1, 16)
    assert house.usage.released == []
    assert house.engine.asked[0]["usage"]["identity"]["day"]["requests"] == 1
    assert house.last.data["usage"]["reserved"]["output_tokens"] == 16  # type: ignore[index,call-overload]
    house.engine.then(DENY)
    await house.ask()
    assert house.usage.released == [(house.last.exchange, True)]


async def test_what_cannot_be_decided_or_recorded_is_given_back_once(house: House) -> None:
    house.engine.then(EngineDown("down"))
    await house.ask()
    assert house.usage.released == [(house.last.exchange, False)]


async def test_without_counters_nothing_is_let_out(house: House) -> None:
    house.usage.fail = UsageDown("locked")
    response = await house.ask()
    assert status(response) == 503
    assert house.last.data["code"] == "usage_down"
    assert house.engine.asked == []


class Thinking:
    """An engine that thinks long about one model, and lets one request of an agent out."""

    def __init__(self) -> None:
        self.thought = asyncio.Event()
        self.seen: list[tuple[str, int]] = []

    async def decide(self, given: Any, content: bytes = b"") -> Decision:
        model, requests = given["action"]["model"], given["usage"]["agent"]["day"]["requests"]
        self.seen.append((model, requests))
        if model == "slow":
            await self.thought.wait()
            return DENY
        return DENY if requests > 1 else ALLOW


async def test_whoever_saw_too_much_is_decided_again(tmp_path: Path) -> None:
    """The first in line is denied in the end, so the second fits after all; the third does not."""
    engine = Thinking()
    async with Counters(tmp_path / "usage.db", FixedClock()) as counters:
        house = House(counters, engine)
        async with house.verifier, house.authz, asyncio.TaskGroup() as group:
            asked = []
            for count, model in enumerate(("slow", "second", "third"), 1):
                asked.append(group.create_task(house.ask(body=message(model))))
                while len(engine.seen) < count:
                    await asyncio.sleep(0.01)
            assert engine.seen == [("slow", 1), ("second", 2), ("third", 3)]
            engine.thought.set()
        assert [status(task.result()) for task in asked] == [403, 0, 403]
        assert engine.seen[3:] == [("second", 1), ("third", 2)]


async def test_a_decision_says_when_how_long_and_by_which_clock(house: House) -> None:
    await house.ask()
    span, data = house.last.span, house.last.data
    assert span is not None
    assert span.clock is not None
    assert (span.started_us, span.duration_us) == (house.clock.us, 0)
    assert span.clock.state in ("synchronised", "unsynchronised", "unknown")
    assert data["identity"]["client"] == "research-agent"  # type: ignore[index,call-overload]
