"""What authenticators are asked to sign, until it comes back or is too old. Pure, given times.

Each is good once: whatever comes back takes it, also what is then refused. They live in memory; a restart of approvals
asks people to sign again.
"""

import secrets
from collections import OrderedDict
from dataclasses import dataclass, replace

from approvals.authenticators import Authenticator
from approvals.ceremony import Ceremony, challenge_in
from approvals.errors import AskInvalid, SignatureNeeded, SignatureRefused
from approvals.facts import Signature, Vote
from approvals.signing import LIFE_US, NONCE_BYTES, Kind, Statement, packed
from identity import Identity

MOST = 10_000  # on their way; people are fewer
CHALLENGE_BYTES = 32
OVER = "what was to be signed is not known here any more: it was signed already, or more than two minutes ago"


@dataclass(frozen=True, slots=True)
class _Registration:
    issuer: str
    subject: str
    expires_us: int


class Challenges:
    def __init__(self, ceremony: Ceremony) -> None:
        self._ceremony = ceremony
        self._open: OrderedDict[bytes, Statement | _Registration] = OrderedDict()

    def ask(self, approval_id: str, kind: Kind, vote: Vote, mine: list[Authenticator], now_us: int) -> str:
        """Options for the browser. Raises SignatureNeeded when this person has nothing to sign with."""
        here = self.here(mine)
        if not here:
            raise SignatureNeeded("you have no authenticator to sign with: register one in the console first")
        nonce, gateway = secrets.token_hex(NONCE_BYTES), self._ceremony.gateway
        statement = Statement(approval_id, kind, vote, nonce, now_us + LIFE_US, gateway)
        self._keep(statement.challenge, statement)
        return self._ceremony.request(statement.challenge, here)

    def signed(
        self, approval_id: str, kind: Kind, vote: Vote, response: str, mine: list[Authenticator], now_us: int
    ) -> Vote:
        """The vote with its signature. Raises SignatureRefused unless exactly this answer was signed, just now."""
        challenge = challenge_in(response)
        asked = self._open.pop(challenge, None)
        if not isinstance(asked, Statement) or now_us >= asked.expires_us:
            raise SignatureRefused(OVER)
        if asked != replace(asked, approval=approval_id, answer=kind, vote=vote):
            raise SignatureRefused("what was signed is another answer than this one")
        found = self._ceremony.asserted(challenge, response, self.here(mine))
        key = next(each for each in mine if each.id == found.credential)
        signature = Signature(
            credential=found.credential,
            client_data=packed(found.client_data),
            authenticator_data=packed(found.authenticator_data),
            signature=packed(found.signature),
            answer=str(kind),
            nonce=asked.nonce,
            expires_us=asked.expires_us,
            public_key=key.key,
            algorithm=key.algorithm,
            rp_id=key.rp_id,
            origin=key.origin,
            registered=key.gateway,
            gateway=asked.gateway,
        )
        return replace(vote, signature=signature)

    def begin(self, person: Identity, mine: list[Authenticator], now_us: int) -> str:
        """Options for registering another one."""
        challenge = secrets.token_bytes(CHALLENGE_BYTES)
        self._keep(challenge, _Registration(person.issuer, person.subject, now_us + LIFE_US))
        label = person.email or person.subject
        return self._ceremony.creation(challenge, person.issuer, person.subject, label, self.here(mine))

    def registered(self, person: Identity, name: str, response: str, now_us: int) -> Authenticator:
        """Raises SignatureRefused, AskInvalid."""
        if not name.strip():
            raise AskInvalid("give the authenticator a name, so that you know it again")
        challenge = challenge_in(response)
        asked = self._open.pop(challenge, None)
        if not isinstance(asked, _Registration) or now_us >= asked.expires_us:
            raise SignatureRefused(OVER)
        if (asked.issuer, asked.subject) != (person.issuer, person.subject):
            raise SignatureRefused("this registration was begun by somebody else")
        who = {"issuer": person.issuer, "subject": person.subject, "email": person.email}
        return self._ceremony.registered(challenge, response, **who, name=name, at_us=now_us)

    def here(self, mine: list[Authenticator]) -> list[Authenticator]:
        """Those registered at this console under its present address: others sign for another one."""
        return [each for each in mine if each.origin == self._ceremony.origin]

    def _keep(self, challenge: bytes, asked: Statement | _Registration) -> None:
        self._open[challenge] = asked
        if len(self._open) > MOST:
            self._open.popitem(last=False)
