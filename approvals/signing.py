"""What an approver signs: a statement of the whole answer, whose digest is the challenge of WebAuthn. Pure.

    challenge = SHA-256(PURPOSE ‖ "\\n" ‖ statement)      statement: canonical JSON (RFC 8785)

An authenticator signs its own data and SHA-256(clientDataJSON), which holds the challenge (Web Authentication Level 3,
§7.2), so the signature proves what was decided, about which request, with which words, and by whom. Everything in a
statement but the nonce and the expiry is in the answer's event: whoever has that can make the challenge again. The
purpose keeps a signature from being taken for one over something else.
"""

import base64
import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from approvals.facts import Signature, Vote

PURPOSE = "exeat/approval-answer/v2"
NONCE_BYTES = 16
LIFE_US = 120_000_000  # long enough to find the key and touch it
COUNT = slice(33, 37)  # of authenticator data: the signature counter, 32 bits big-endian (WebAuthn §6.1)


class Kind(StrEnum):
    """What is answered."""

    GRANT = "grant"
    REFUSE = "refuse"
    BREAK_GLASS = "break_glass"


@dataclass(frozen=True, slots=True)
class Statement:
    """`nonce`: hex, of this server; `expires_us`: until when the signature must be here; `gateway`: this one."""

    approval: str
    answer: Kind
    vote: Vote
    nonce: str
    expires_us: int
    gateway: str = ""

    def to_bytes(self) -> bytes:
        vote, wish = self.vote, self.vote.wish
        stated: dict[str, Any] = {
            "answer": str(self.answer),
            "approval": self.approval,
            "approver": {"issuer": vote.voter.issuer, "subject": vote.voter.subject},
            "asked": vote.asked,
            "expires_us": self.expires_us,
            "gateway": self.gateway,
            "groups": list(vote.voter.groups),
            "justification": hashlib.sha256(vote.justification.encode()).hexdigest(),
            "masking": list(vote.narrowing.masking),
            "max_response_bytes": vote.narrowing.max_response_bytes,
            "nonce": self.nonce,
            "shown": vote.shown_digest,
            "wish": {"action": wish.action, "seconds": wish.seconds, "uses": wish.uses} if wish else {},
        }
        return json.dumps(stated, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    @property
    def challenge(self) -> bytes:
        return hashlib.sha256(PURPOSE.encode() + b"\n" + self.to_bytes()).digest()


def count_of(signature: Signature) -> int:
    """The authenticator's counter; 0 for those that keep none."""
    return int.from_bytes(unpacked(signature.authenticator_data)[COUNT], "big")


def packed(data: bytes) -> str:
    """base64url without padding, as WebAuthn writes bytes."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unpacked(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
