"""What was let out and is still open ends when somebody of the house revokes it. Pure.

authz asks before; here an exchange is looked at again when it begins, when it is let go, and at each new revocation.
"""

from typing import Protocol

from approvals.revocations import Revocation, Revocations, Traits
from runtime.errors import CallerError
from snapshot.verdict import Verdict


class Revoked(CallerError):
    """`revocation`: the id of what stopped the caller."""

    code = "revoked"

    def __init__(self, revocation: str) -> None:
        super().__init__()
        self.revocation = revocation


class Known(Protocol):
    """`approvals.follower.Follower`, or the pure `Revocations`."""

    def find(self, traits: Traits) -> Revocation | None: ...


NOBODY: Known = Revocations()


def traits(verdict: Verdict) -> Traits:
    return Traits(verdict.issuer, verdict.subject, verdict.agent, verdict.session, verdict.jti)


def check(known: Known, verdict: Verdict) -> None:
    """Raises Revoked."""
    found = known.find(traits(verdict))
    if found is not None:
        raise Revoked(found.id)
