"""One signature of WebAuthn (Level 3, §7.2) over one answer, checked with nothing but the record. Pure.

The challenge that was signed is made again from the answer as it is recorded:

    SHA-256("exeat/approval-answer/v2\\n" ‖ sorted compact JSON of {answer, approval, approver, asked: the request's
            digest, expires_us, gateway, groups, justification: SHA-256 of the words, masking, max_response_bytes,
            nonce, shown, wish})
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from audit.verify.answers import Wrong

PURPOSE = "exeat/approval-answer/v2"
PRESENT, VERIFIED = 0x01, 0x04  # flags of authenticator data (§6.1): somebody was there, and it was the one who may


@dataclass(slots=True)
class Key:
    issuer: str
    subject: str
    public: Any
    algorithm: int
    rp_id: str
    origin: str
    count: int
    removed_us: int | None = None  # when, if it was in a log beside this one; in this log the order of events counts


def verified(approval: str, answer: Mapping[str, Any], key: Key, whose: str) -> bytes:
    """The authenticator's data. Raises Wrong."""
    signature = answer["signature"]
    client, data = _bytes(signature["client_data"]), _bytes(signature["authenticator_data"])
    _check_client(json.loads(client), _challenge(approval, answer), key, whose)
    if data[:32] != hashlib.sha256(key.rp_id.encode()).digest():
        raise Wrong(f"{whose} was made for another site than {key.rp_id}")
    if len(data) < 37 or data[32] & (PRESENT | VERIFIED) != PRESENT | VERIFIED:
        raise Wrong(f"{whose} was made without the authenticator having verified who was there")
    if not _holds(key, data + hashlib.sha256(client).digest(), _bytes(signature["signature"])):
        raise Wrong(f"{whose} was not made by the key that was registered for them")
    return data


def key_of(data: Mapping[str, Any], issuer: str, subject: str, count: int) -> Key:
    """Raises ValueError, KeyError."""
    public = load_der_public_key(_bytes(data["public_key"]))
    return Key(issuer, subject, public, int(data["algorithm"]), str(data["rp_id"]), str(data["origin"]), count)


def _challenge(approval: str, answer: Mapping[str, Any]) -> bytes:
    """What must have been signed, from the answer as it is recorded."""
    signature, approver = answer["signature"], answer["approver"]
    stated = {
        "answer": signature["answer"],
        "approval": approval,
        "approver": {"issuer": approver["issuer"], "subject": approver["subject"]},
        "asked": answer["asked"],
        "expires_us": signature["expires_us"],
        "gateway": signature["gateway"],
        "groups": list(answer["groups"]),
        "justification": _words(answer),
        "masking": list(answer.get("masking", ())),
        "max_response_bytes": answer.get("max_response_bytes", 0),
        "nonce": signature["nonce"],
        "shown": answer["shown"],
        "wish": answer.get("wish", {}),
    }
    text = json.dumps(stated, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(f"{PURPOSE}\n{text}".encode()).digest()


def _words(answer: Mapping[str, Any]) -> str:
    """Their digest; where an answer is repeated it stands in their place."""
    said = answer.get("justification")
    return str(answer["words"]) if said is None else hashlib.sha256(said.encode()).hexdigest()


def _check_client(client: Mapping[str, Any], challenge: bytes, key: Key, whose: str) -> None:
    if client["type"] != "webauthn.get" or client["origin"] != key.origin or client.get("crossOrigin", False):
        raise Wrong(f"{whose} was not made on the console's own page at {key.origin}")
    if _bytes(client["challenge"]) != challenge:
        raise Wrong(f"{whose} is over another answer than the one that is recorded")


def _holds(key: Key, signed: bytes, signature: bytes) -> bool:
    """ES256, EdDSA, RS256, by their numbers in COSE."""
    try:
        if key.algorithm == -7 and isinstance(key.public, EllipticCurvePublicKey):
            key.public.verify(signature, signed, ECDSA(SHA256()))
        elif key.algorithm == -8 and isinstance(key.public, Ed25519PublicKey):
            key.public.verify(signature, signed)
        elif key.algorithm == -257 and isinstance(key.public, RSAPublicKey):
            key.public.verify(signature, signed, PKCS1v15(), SHA256())
        else:
            return False
    except InvalidSignature:
        return False
    return True


def _bytes(text: str) -> bytes:
    """base64url without padding. Raises ValueError."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
