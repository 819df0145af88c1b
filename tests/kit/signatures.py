"""Approvers with an authenticator in software, in the same process: what they register and sign."""

from dataclasses import dataclass, field

from approvals.authenticators import Authenticator
from approvals.ceremony import Ceremony
from approvals.challenges import Challenges
from approvals.facts import Signature, Vote
from approvals.signing import Kind, packed
from identity import Identity
from tests.kit.authenticator import ORIGIN, SoftAuthenticator


@dataclass
class Signer:
    """Somebody who has registered; `sign` gives a vote of theirs its signature."""

    name: str = "alice"
    device: SoftAuthenticator = field(default_factory=SoftAuthenticator)
    challenges: Challenges = field(default_factory=lambda: Challenges(Ceremony(ORIGIN, "gateway.test")))

    @property
    def person(self) -> Identity:
        return Identity("people", self.name, f"{self.name}@bank.example", ("ledger-approvers",))

    def register(self, at_us: int = 0) -> Authenticator:
        options = self.challenges.begin(self.person, [], at_us)
        return self.challenges.registered(self.person, "a test's", self.device.register(options), at_us)

    def sign(self, approval: str, kind: Kind, vote: Vote, mine: Authenticator, at_us: int = 1) -> Vote:
        options = self.challenges.ask(approval, kind, vote, [mine], at_us)
        return self.challenges.signed(approval, kind, vote, self.device.sign(options), [mine], at_us)


def signature(credential: str = "Y3JlZGVudGlhbA", count: int = 1, expires_us: int = 120_000_000) -> Signature:
    """One in form; it holds for nothing."""
    data = packed(bytes(33) + count.to_bytes(4, "big"))
    key = ("a2V5", -7, "localhost", ORIGIN, "exeat")
    return Signature(credential, "e30", data, "c2ln", "grant", "0f" * 16, expires_us, *key)
