"""The nouns of this room: what is asked, who answered, and the facts that an approval's life is made of. Pure.

Times are Unix microseconds; digests are hex SHA-256. A fact carries its number `n` within its approval, from 1.
"""

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from snapshot.decision import ApprovalTerms

MAX_JUSTIFICATION = 2000  # characters; a reason, not a document, and events are bounded (60,000 bytes)
MAX_MESSAGE = 500  # as in decisions


class State(StrEnum):
    """The words that everybody else uses; `machine.Phase` is finer."""

    REQUESTED = "requested"
    GRANTED = "granted"
    USED = "used"
    REFUSED = "refused"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"

    @property
    def final(self) -> bool:
        return self not in (State.REQUESTED, State.GRANTED)


@dataclass(frozen=True, slots=True)
class Binding:
    """What an approval is good for. A release must match it letter for letter."""

    exchange: str
    connection: str
    upstream: str
    received_digest: str
    forwarded_digest: str
    issuer: str
    subject: str
    agent: str
    snapshot: str
    target: str

    @property
    def key(self) -> tuple[str, ...]:
        """All but the exchange: a client that comes back has a new exchange and the same key."""
        about = (self.connection, self.upstream, self.target, self.received_digest, self.forwarded_digest)
        return (*about, self.issuer, self.subject, self.agent, self.snapshot)


def target(method: str, path: str, content_type: str) -> str:
    """What a body is sent to, as a digest: the same body may book a payment here and delete an account there."""
    return hashlib.sha256("\n".join((method, path, content_type)).encode("utf-8", "surrogateescape")).hexdigest()


@dataclass(frozen=True, slots=True)
class Shown:
    """What the approver gets to see, ALREADY masked with the floor profile."""

    media: str
    content: bytes

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request for approval, as extproc makes it from the verdict and the bytes it holds."""

    exchange: str
    connection: str
    upstream: str
    received_digest: str
    forwarded_digest: str
    issuer: str
    subject: str
    agent: str
    snapshot: str
    target: str  # what the body is sent to: `target(method, path, content_type)`
    terms: ApprovalTerms
    shown: Shown
    action: str = ""  # one line for people, e.g. `POST /ledger/transfers`, already masked
    owner: str = ""  # e-mail or subject of the person the agent acts for: their answer never counts
    email: str = ""  # the requester's own e-mail, if the token had one: likewise
    session: str = ""
    rule: str = ""
    message: str = ""
    justification: str = ""  # the requester's, already masked
    jti: str = ""  # of the requester's token, so that a revocation finds it
    risk: str = ""  # of the connection
    tool: str = ""  # where a model's call of a tool is held: its name
    hits: int = 0  # how often detectors found something in what is shown

    @property
    def binding(self) -> Binding:
        return Binding(
            exchange=self.exchange,
            connection=self.connection,
            upstream=self.upstream,
            received_digest=self.received_digest,
            forwarded_digest=self.forwarded_digest,
            issuer=self.issuer,
            subject=self.subject,
            agent=self.agent,
            snapshot=self.snapshot,
            target=self.target,
        )


@dataclass(frozen=True, slots=True)
class Card:
    """An Ask without its content, which stays on disk: ten thousand of these are held in memory."""

    binding: Binding
    terms: ApprovalTerms
    shown_media: str
    shown_digest: str
    action: str = ""
    owner: str = ""
    email: str = ""
    session: str = ""
    rule: str = ""
    message: str = ""
    justification: str = ""
    jti: str = ""
    risk: str = ""
    tool: str = ""
    hits: int = 0

    @classmethod
    def of(cls, ask: Ask) -> "Card":
        return cls(
            binding=ask.binding,
            terms=ask.terms,
            shown_media=ask.shown.media,
            shown_digest=ask.shown.digest,
            action=ask.action[:MAX_MESSAGE],
            owner=ask.owner,
            email=ask.email,
            session=ask.session,
            rule=ask.rule,
            message=ask.message[:MAX_MESSAGE],
            justification=ask.justification[:MAX_JUSTIFICATION],
            jti=ask.jti,
            risk=ask.risk,
            tool=ask.tool,
            hits=ask.hits,
        )


@dataclass(frozen=True, slots=True)
class Voter:
    """A person whose answer counts (`people.voter` says so), with those of their groups that the terms name."""

    issuer: str
    subject: str
    email: str
    groups: tuple[str, ...]

    def same_person(self, other: "Voter") -> bool:
        return (self.issuer, self.subject) == (other.issuer, other.subject)


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What a grant takes away from what was asked for. It can only take away: there is no word for giving more.

    `masking`: profiles for the answer, on top of those of the verdict. `max_response_bytes`: 0 for no limit.
    """

    masking: tuple[str, ...] = ()
    max_response_bytes: int = 0

    def __and__(self, other: "Narrowing") -> "Narrowing":
        """Both at once: every profile of either, and the lower limit."""
        masking = tuple(dict.fromkeys((*self.masking, *other.masking)))
        limits = [limit for limit in (self.max_response_bytes, other.max_response_bytes) if limit]
        return Narrowing(masking, min(limits, default=0))


NOTHING_LESS = Narrowing()


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wants to grant in advance: `uses` within `seconds`. `action`: see `standing.fits`."""

    uses: int
    seconds: int
    action: str = ""  # just the one at hand


@dataclass(frozen=True, slots=True)
class Signature:
    """What an authenticator of the voter signed (WebAuthn), with what `signing.Statement` needs beside the vote.

    All bytes are base64url without padding, but for `nonce` (hex). The key is named in full, since it may have been
    registered at another gateway, and so in another log: `registered` says at which.
    """

    credential: str
    client_data: str
    authenticator_data: str
    signature: str
    answer: str  # grant | refuse | break_glass
    nonce: str
    expires_us: int
    public_key: str
    algorithm: int
    rp_id: str
    origin: str
    registered: str
    gateway: str = ""  # at which it was given


@dataclass(frozen=True, slots=True)
class Vote:
    """`signature`: one that was verified; nothing else makes one. `asked`: the digest of the request it answers."""

    voter: Voter
    shown_digest: str
    justification: str = ""  # already masked
    narrowing: Narrowing = NOTHING_LESS
    wish: Wish | None = None
    signature: Signature | None = None
    asked: str = ""


@dataclass(frozen=True, slots=True)
class Requested:
    n: int
    at_us: int
    id: str
    card: Card
    expires_us: int
    type: Literal["requested"] = field(default="requested", kw_only=True)


@dataclass(frozen=True, slots=True)
class Returned:
    """A client waits (again): the first one under a new exchange, or one that had left."""

    n: int
    at_us: int
    exchange: str
    type: Literal["returned"] = field(default="returned", kw_only=True)


@dataclass(frozen=True, slots=True)
class Left:
    n: int
    at_us: int
    exchange: str
    type: Literal["left"] = field(default="left", kw_only=True)


@dataclass(frozen=True, slots=True)
class Endorsed:
    """A yes that is not yet the last one needed."""

    n: int
    at_us: int
    vote: Vote
    type: Literal["endorsed"] = field(default="endorsed", kw_only=True)


@dataclass(frozen=True, slots=True)
class Granted:
    """`standing`: the id of the standing grant that says yes here; the vote is then its giver's."""

    n: int
    at_us: int
    vote: Vote
    standing: str = ""
    type: Literal["granted"] = field(default="granted", kw_only=True)


@dataclass(frozen=True, slots=True)
class Refused:
    n: int
    at_us: int
    vote: Vote
    type: Literal["refused"] = field(default="refused", kw_only=True)


@dataclass(frozen=True, slots=True)
class Expired:
    n: int
    at_us: int
    type: Literal["expired"] = field(default="expired", kw_only=True)


@dataclass(frozen=True, slots=True)
class Withdrawn:
    n: int
    at_us: int
    reason: str  # "left" (the client did not come back), "revoked" or "unsigned" (see HoldsService)
    type: Literal["withdrawn"] = field(default="withdrawn", kw_only=True)


@dataclass(frozen=True, slots=True)
class Used:
    n: int
    at_us: int
    exchange: str
    type: Literal["used"] = field(default="used", kw_only=True)


Fact = Requested | Returned | Left | Endorsed | Granted | Refused | Expired | Withdrawn | Used
