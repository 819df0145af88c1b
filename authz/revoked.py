"""Nobody who was revoked is let out, and nobody of whom that cannot be said either way. Pure."""

from typing import Protocol

from approvals.revocations import Revocation, Traits
from authz.errors import RequestRefused
from authz.session import Session
from identity import Identity
from runtime.errors import GatewayError


class Revoked(RequestRefused):
    """`revocation` is the id of what stopped the caller; the reason is for the people who may read it."""

    code = "revoked"
    status = 403

    def __init__(self, revocation: str) -> None:
        super().__init__("This identity, agent, session or token was revoked.")
        self.revocation = revocation


class RevocationsUnknown(GatewayError):
    """What is known of revocations is too old: approvals is silent."""

    code = "revocations_unknown"


class Known(Protocol):
    """`approvals.follower.Follower`."""

    @property
    def fresh(self) -> bool: ...

    def find(self, traits: Traits) -> Revocation | None: ...


def check(known: Known, identity: Identity, session: Session) -> None:
    """Raises Revoked or RevocationsUnknown."""
    if not known.fresh:
        raise RevocationsUnknown("approvals was silent for too long")
    traits = Traits(identity.issuer, identity.subject, identity.agent, session.id, identity.jti)
    found = known.find(traits)
    if found is not None:
        raise Revoked(found.id)
