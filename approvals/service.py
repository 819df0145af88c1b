"""The gRPC shell: messages in, steps to the writer, messages out. It decides nothing."""

import contextlib
import sqlite3
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from typing import Any, TypeAlias

import grpc

from approvals import approvals_pb2 as pb
from approvals import approvals_pb2_grpc as stubs
from approvals import steps, wire, wire_standing
from approvals.answers import Answers, Mask, Profiles
from approvals.asks import name
from approvals.authenticators import CounterWentBack
from approvals.book import first
from approvals.challenges import Challenges
from approvals.errors import (
    CODE_KEY,
    SENTENCES,
    ApprovalsDown,
    AskInvalid,
    NotAllowed,
    NotChanged,
    SignInNeeded,
    StoreFailed,
    UnknownApproval,
    status_of,
)
from approvals.evidence import suspect_draft
from approvals.facts import Ask, State, Vote
from approvals.machine import Approval
from approvals.people import Door, may_see, may_see_standing, reviewer, revoker, stopper
from approvals.revocations import By, Made, Scope
from approvals.signing import Kind
from approvals.standing import Given
from approvals.writer import Writer
from identity import Identity
from runtime import log
from runtime.clock import Clock
from runtime.errors import Error
from runtime.ids import uuid7
from runtime.tracing import span

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
BEAT_S = 1.0  # a follower that hears nothing for longer knows that it may have missed something
LOOK_S = 10.0  # how often a watcher's token is looked at
logger = log.get("approvals")


@contextlib.asynccontextmanager
async def told(context: Context, name: str = "") -> AsyncIterator[None]:
    """Our errors become statuses with our code; anything else is a bug: logged by type, told as internal.

    `name`: of a span in the caller's trace, if there is one.
    """
    try:
        with span(name, context) if name else contextlib.nullcontext():
            yield
    except Error as error:
        await context.abort(status_of(error), error.message, ((CODE_KEY, error.code),))
    except (ValueError, KeyError, sqlite3.Error, StoreFailed) as error:
        logger.error("failed", extra={"fields": {"error_type": type(error).__name__}})
        await context.abort(grpc.StatusCode.INTERNAL, "internal error", ((CODE_KEY, "internal"),))


class HoldsService(stubs.HoldsServicer):
    """For extproc. `signature`: settings.approvals.signature.

    What an answer must have is the card's. So where every answer must be signed now, a card of before (or of a gateway
    that asks for less) ends as soon as anybody waits for it or wants to use it, and the next request makes another one:
    whoever had answered without a signature would fill a seat.
    """

    def __init__(self, writer: Writer, signature: str = "never") -> None:
        self._writer, self._signature = writer, signature

    async def Request(self, request: pb.Ask, context: Context) -> pb.Status:
        async with told(context, "approvals.request"):
            try:
                ask = wire.ask_from(request)
            except KeyError:
                raise AskInvalid("terms hold a word that is not known here") from None
            ask = signing_terms(ask, self._signature)
            approval = await self._writer.request(ask)
            if approval.card.terms.signature != ask.terms.signature and (await self._checked(approval)).state.final:
                approval = await self._writer.request(ask)
            return wire.status_to(approval)

    async def Wait(self, request: pb.Place, context: Context) -> AsyncIterator[pb.Status]:
        async with told(context):
            with self._writer.attending((request.id, request.exchange)):
                approval, _ = await self._writer.step(request.id, lambda at_us: steps.Return(at_us, request.exchange))
                approval = await self._checked(approval)
                yield wire.status_to(approval)
                while approval.state is State.REQUESTED:
                    approval = await self._writer.changed(approval)
                    yield wire.status_to(approval)

    async def Consume(self, request: pb.ConsumeRequest, context: Context) -> pb.ConsumeReply:
        async with told(context, "approvals.consume"):
            binding = wire.binding_from(request.binding)
            await self._checked(await self._writer.find(request.id))
            approval, why = await self._writer.step(request.id, lambda at_us: steps.Consume(at_us, binding))
            return pb.ConsumeReply(ok=why is None, why=why or "", status=wire.status_to(approval))

    async def Withdraw(self, request: pb.Place, context: Context) -> pb.Status:
        async with told(context, "approvals.withdraw"):
            approval, _ = await self._writer.step(request.id, lambda at_us: steps.Leave(at_us, request.exchange))
            return wire.status_to(approval)

    async def _checked(self, approval: Approval) -> Approval:
        """The same, or its end if its answers need no signature, and here they all do."""
        if self._signature != "required" or approval.card.terms.signature or approval.state.final:
            return approval
        return (await self._writer.step(approval.id, lambda at_us: steps.Revoke(at_us, "unsigned")))[0]


def signing_terms(ask: Ask, signature: str) -> Ask:
    """With what the settings ask for. Raises AskInvalid where the policy wants what nobody here could give."""
    if ask.terms.signature and signature == "never":
        raise AskInvalid("the policy asks for signed answers, and approvals.signature is never")
    return replace(ask, terms=replace(ask.terms, signature=True)) if signature == "required" else ask


class RevocationsService(stubs.RevocationsServicer):
    """For authz and extproc."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def Follow(self, request: pb.FollowRequest, context: Context) -> AsyncIterator[pb.RevocationChange]:
        async with told(context):
            with self._writer.following() as feed:
                known = await self._writer.revocations()
                if not self._writer.fresh:  # a complete copy that is old would count as news
                    raise ApprovalsDown("what other gateways revoke is not known here at present")
                yield pb.RevocationChange(complete=True, revocations=map(wire.revocation_to, known))
                while True:
                    changes = await feed.take(BEAT_S)
                    if not self._writer.fresh:  # looked at after the wait: what is sent counts as news
                        break
                    yield pb.RevocationChange(revocations=map(wire.revocation_to, changes))
                raise ApprovalsDown("what other gateways revoke is not known here at present")


class ApprovalsService(stubs.ApprovalsServicer):
    """For people. `overseers`: groups that see everything (auditors); `revokers`: groups that may stop an identity."""

    def __init__(
        self,
        writer: Writer,
        door: Door,
        clock: Clock,
        *,
        mask: Mask,
        profiles: Profiles = tuple,
        auth_time_max_s: int,
        overseers: Iterable[str] = (),
        revokers: Iterable[str] = (),
        challenges: Challenges | None = None,
        signature_required: bool = False,
    ) -> None:
        self._writer, self._door, self._clock = writer, door, clock
        self.answers = Answers(
            clock,
            mask=mask,
            profiles=profiles,
            auth_time_max_s=auth_time_max_s,
            challenges=challenges,
            required=signature_required,
        )
        self._auth_time_max_s, self._overseers = auth_time_max_s, frozenset(overseers)
        self._revokers = frozenset(revokers)

    async def List(self, request: pb.ListRequest, context: Context) -> pb.ListReply:
        async with told(context):
            person = await self.person(context)
            listed = await self._writer.listed(finished=request.all)
            seen = [approval for approval in listed if self._may_see(person, approval)]
            waiting = sum(approval.state is State.REQUESTED for approval in seen)
            return pb.ListReply(approvals=map(wire.approval_to, first(seen, request.most)), open=waiting)

    async def Get(self, request: pb.GetRequest, context: Context) -> pb.Approval:
        async with told(context):
            person = await self.person(context)
            approval = await self.seen(person, request.id)
            return wire.approval_to(approval, await self._writer.shown(request.id))

    async def Grant(self, request: pb.Answer, context: Context) -> pb.Approval:
        async with told(context):
            return await self._answer(request, context, Kind.GRANT)

    async def Refuse(self, request: pb.Answer, context: Context) -> pb.Approval:
        async with told(context):
            return await self._answer(request, context, Kind.REFUSE)

    async def BreakGlass(self, request: pb.Answer, context: Context) -> pb.Approval:
        async with told(context):
            return await self._answer(request, context, Kind.BREAK_GLASS)

    async def ListStanding(self, request: pb.ListStandingRequest, context: Context) -> pb.ListStandingReply:
        async with told(context):
            person = await self.person(context)
            found = await self._writer.standings(ended=request.all)
            seen = [each for each in found if may_see_standing(person, each.given, self._overseers | self._revokers)]
            return pb.ListStandingReply(standing=map(wire_standing.standing_to, seen))

    async def RevokeStanding(self, request: pb.StandingAnswer, context: Context) -> pb.Standing:
        async with told(context):
            person = await self.person(context)
            given = await self._given(person, request.id)
            by = stopper(person, given, self._revokers)  # to stop something, an older sign-in is enough
            words = await self.answers.words(request.words)
            return wire_standing.standing_to(await self._writer.revoke_standing(request.id, by, words))

    async def Review(self, request: pb.StandingAnswer, context: Context) -> pb.Standing:
        async with told(context):
            person = await self.person(context)
            by = reviewer(person, await self._given(person, request.id))
            words = await self.answers.words(request.words)
            if not words.strip():
                raise AskInvalid("a review says what was found")
            return wire_standing.standing_to(await self._writer.review(request.id, by, words))

    async def _given(self, person: Identity, standing_id: str) -> Given:
        for standing in await self._writer.standings():
            seen = may_see_standing(person, standing.given, self._overseers | self._revokers)
            if standing.id == standing_id and seen:
                return standing.given
        raise UnknownApproval("there is no such standing grant that is active or owes a review")

    async def Watch(self, request: pb.WatchRequest, context: Context) -> AsyncIterator[pb.Approval]:
        async with told(context):
            person = await self.person(context)
            with self._writer.watching() as feed:
                for approval in await self._writer.listed(finished=False):
                    if self._may_see(person, approval):
                        yield wire.approval_to(approval)
                while self._clock.now_us() < person.expires_at * 1_000_000:
                    for approval in await feed.take(LOOK_S):
                        if self._may_see(person, approval):
                            yield wire.approval_to(approval)
                raise SignInNeeded("your token has expired")

    async def Revoke(self, request: pb.RevokeRequest, context: Context) -> pb.Revocation:
        async with told(context):
            by = await self._revoker(context)
            try:
                scope = Scope(request.scope)
            except ValueError:
                raise AskInvalid(f"scope is one of {', '.join(Scope)}") from None
            value, issuer = name(request.value, "value"), name(request.issuer, "issuer", needed=False)
            reason = await self.answers.words(request.reason)
            made = await self._writer.revoke(lambda at: Made(1, at, uuid7(), scope, value, issuer, reason, by))
            return wire.revocation_to(made)

    async def Lift(self, request: pb.LiftRequest, context: Context) -> pb.Revocation:
        async with told(context):
            by = await self._revoker(context)
            return wire.revocation_to(await self._writer.lift(request.id, await self.answers.words(request.reason), by))

    async def ListRevocations(self, request: pb.ListRevocationsRequest, context: Context) -> pb.ListRevocationsReply:
        async with told(context):
            person = await self.person(context)
            if (self._revokers | self._overseers).isdisjoint(person.groups):
                raise NotAllowed("it takes somebody who may revoke, or an auditor")
            found = await self._writer.revocations(lifted=request.all)
            return pb.ListRevocationsReply(revocations=[wire.revocation_to(revocation) for revocation in found])

    async def _answer(self, request: pb.Answer, context: Context, kind: Kind) -> pb.Approval:
        person = await self.person(context)
        approval = await self.seen(person, request.id)
        mine = self._writer.authenticators(person.issuer, person.subject)
        vote = await self.answers.signed(kind, person, approval, request, mine)
        try:
            after, why = await self._take(approval.id, kind, vote)
        except CounterWentBack:
            await self._writer.told(suspect_draft(vote, approval.id), None)
            raise
        if why is not None:
            raise NotChanged(SENTENCES[why])
        return wire.approval_to(after)

    async def _take(self, approval_id: str, kind: Kind, vote: Vote) -> tuple[Approval, steps.Why | None]:
        if kind is Kind.BREAK_GLASS:
            assert vote.wish is not None
            return await self._writer.break_glass(approval_id, vote, vote.wish)
        step = steps.Grant if kind is Kind.GRANT else steps.Refuse
        return await self._writer.step(approval_id, lambda at_us: step(at_us, vote))

    async def seen(self, person: Identity, approval_id: str) -> Approval:
        approval = await self._writer.find(approval_id)
        if not self._may_see(person, approval):
            raise UnknownApproval("there is no such approval")  # as if it did not exist
        return approval

    async def _revoker(self, context: Context) -> By:
        person, now_us = await self.person(context), self._clock.now_us()
        return revoker(person, self._revokers, now_us=now_us, auth_time_max_s=self._auth_time_max_s)

    def _may_see(self, person: Identity, approval: Approval) -> bool:
        return may_see(person, approval.card, self._overseers)

    async def person(self, context: Context) -> Identity:
        metadata = {key: value for key, value in context.invocation_metadata() or ()}
        said = metadata.get("authorization")
        return await self._door.person(said if isinstance(said, str) else None)
