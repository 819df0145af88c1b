"""The gRPC shell of what people sign with: their own authenticators alone, and challenges for their own answers."""

from approvals import approvals_pb2 as pb
from approvals import approvals_pb2_grpc as stubs
from approvals.answers import NOT_USED
from approvals.asks import plain
from approvals.authenticators import MAX_NAME, Authenticator
from approvals.challenges import Challenges
from approvals.errors import AskInvalid
from approvals.people import check_fresh
from approvals.service import ApprovalsService, Context, told
from approvals.signing import Kind
from approvals.writer import Writer
from identity import Identity
from runtime import log
from runtime.clock import Clock


class AuthenticatorsService(stubs.AuthenticatorsServicer):
    """Beside `people`, which knows who may see and answer what."""

    def __init__(self, people: ApprovalsService, writer: Writer, clock: Clock, auth_time_max_s: int) -> None:
        self._people, self._writer, self._clock = people, writer, clock
        self._auth_time_max_s = auth_time_max_s

    async def Challenge(self, request: pb.ChallengeRequest, context: Context) -> pb.Options:
        async with told(context):
            try:
                kind = Kind(request.kind)
            except ValueError:
                raise AskInvalid(f"kind is one of {', '.join(Kind)}") from None
            person = await self._people.person(context)
            approval = await self._people.seen(person, request.answer.id)
            answers = self._people.answers
            return pb.Options(json=await answers.challenge(kind, person, approval, request.answer, self._of(person)))

    async def ListAuthenticators(
        self, request: pb.ListAuthenticatorsRequest, context: Context
    ) -> pb.ListAuthenticatorsReply:
        async with told(context):
            found = self._of(await self._people.person(context))
            answers = self._people.answers
            offered = answers.challenges is not None
            mine = map(_message, found)
            return pb.ListAuthenticatorsReply(authenticators=mine, offered=offered, required=answers.required)

    async def BeginRegistration(self, request: pb.BeginRegistrationRequest, context: Context) -> pb.Options:
        async with told(context):
            person = await self._fresh(context)
            return pb.Options(json=self._challenges.begin(person, self._of(person), self._clock.now_us()))

    async def Register(self, request: pb.RegisterRequest, context: Context) -> pb.Authenticator:
        async with told(context):
            person = await self._fresh(context)
            name = plain(await self._people.answers.words(request.name), MAX_NAME).replace("\n", " ").strip()
            made = self._challenges.registered(person, name, request.response, self._clock.now_us())
            before, added = self._of(person), await self._writer.enrol(made)
            if before:  # who has but somebody's session could add a key of their own: whoever watches hears of it
                fields = {"authenticator": added.id, "by": person.email or person.subject, "beside": len(before)}
                log.get("approvals").warning("authenticator_added_beside", extra={"fields": fields})
            return _message(added)

    async def RemoveAuthenticator(self, request: pb.RemoveAuthenticatorRequest, context: Context) -> pb.Authenticator:
        async with told(context):
            person = await self._fresh(context)
            return _message(await self._writer.dismiss(request.id, person.issuer, person.subject))

    async def _fresh(self, context: Context) -> Identity:
        """Who has just signed in: a browser that was left open adds no key to sign with."""
        person = await self._people.person(context)
        check_fresh(person.auth_time, self._clock.now_us() // 1_000_000, self._auth_time_max_s, "to do this")
        return person

    @property
    def _challenges(self) -> Challenges:
        found = self._people.answers.challenges
        if found is None:
            raise AskInvalid(NOT_USED)
        return found

    def _of(self, person: Identity) -> list[Authenticator]:
        return self._writer.authenticators(person.issuer, person.subject)


def _message(made: Authenticator) -> pb.Authenticator:
    times = {"added_us": made.added_us, "used_us": made.used_us, "removed_us": made.removed_us}
    return pb.Authenticator(id=made.id, name=made.name, origin=made.origin, **times)
