"""What the console needs to have answers signed; every call raises Error with a sentence for the person."""

from dataclasses import dataclass, replace
from typing import Any

from approvals import approvals_pb2 as pb
from approvals.approvals_pb2_grpc import AuthenticatorsStub
from approvals.client import ApprovalsClient, answer
from approvals.facts import NOTHING_LESS, Narrowing, Wish
from approvals.signing import Kind


@dataclass(frozen=True, slots=True)
class Mine:
    """One of a person's authenticators, for the console at `origin`. Unix microseconds; `used_us`: 0 if never."""

    id: str
    name: str
    added_us: int
    used_us: int
    origin: str


@dataclass(frozen=True, slots=True)
class Signs:
    """What this person can sign with, whether that is offered here at all, and whether every answer needs it."""

    mine: tuple[Mine, ...]
    offered: bool
    required: bool

    def at(self, origin: str) -> "Signs":
        """With those alone that sign at this console."""
        return replace(self, mine=tuple(each for each in self.mine if each.origin == origin))


class SigningClient:
    """Speaks over the channel of an ApprovalsClient, in the same person's name."""

    def __init__(self, client: ApprovalsClient) -> None:
        self._client = client
        self._stub = AuthenticatorsStub(client.channel)  # type: ignore[no-untyped-call]  # generated code

    async def challenge(
        self,
        kind: Kind,
        approval_id: str,
        shown_digest: str,
        justification: str,
        narrowing: Narrowing = NOTHING_LESS,
        wish: Wish | None = None,
    ) -> str:
        """What a browser must be given so that this answer is signed: PublicKeyCredentialRequestOptionsJSON."""
        given = answer(approval_id, shown_digest, justification, narrowing, wish)
        return str((await self._call(self._stub.Challenge, pb.ChallengeRequest(kind=kind, answer=given))).json)

    async def signs(self) -> Signs:
        reply = await self._call(self._stub.ListAuthenticators, pb.ListAuthenticatorsRequest())
        mine = tuple(
            Mine(each.id, each.name, each.added_us, each.used_us, each.origin) for each in reply.authenticators
        )
        return Signs(mine, reply.offered, reply.required)

    async def begin(self) -> str:
        """PublicKeyCredentialCreationOptionsJSON for another authenticator."""
        return str((await self._call(self._stub.BeginRegistration, pb.BeginRegistrationRequest())).json)

    async def register(self, name: str, response: str) -> None:
        """`response`: RegistrationResponseJSON."""
        await self._call(self._stub.Register, pb.RegisterRequest(name=name, response=response))

    async def remove(self, authenticator_id: str) -> None:
        await self._call(self._stub.RemoveAuthenticator, pb.RemoveAuthenticatorRequest(id=authenticator_id))

    async def _call(self, method: Any, message: object) -> Any:
        return await self._client.call(method, message)
