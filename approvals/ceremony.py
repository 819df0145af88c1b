"""WebAuthn's two ceremonies, by Yubico's `fido2`: the only file that touches it. Pure but for the library's randomness.

The relying party is the console: its origin is the one that browsers must name, its host the RP id. User verification
(a PIN, a finger) is always asked for. Attestation is not: whose authenticators a house trusts is for its own lists.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicNumbers
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fido2.cose import CoseKey
from fido2.server import Fido2Server
from fido2.webauthn import (
    AttestationConveyancePreference,
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialDescriptor,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialType,
    PublicKeyCredentialUserEntity,
    RegistrationResponse,
    UserVerificationRequirement,
)

from approvals.authenticators import Authenticator
from approvals.errors import SignatureRefused
from approvals.signing import packed, unpacked
from runtime.strict_json import NotStrict, loads

ES256, EDDSA, RS256 = -7, -8, -257  # numbers of COSE (RFC 9053, RFC 8812): what browsers and authenticators have
MAX_RESPONSE = 16_384  # characters of a browser's answer
MAX_CLIENT_DATA, MAX_PART = 2048, 1024  # bytes of what goes into the event
MAX_DEPTH = 8


@dataclass(frozen=True, slots=True)
class Asserted:
    """A verified assertion; bytes as they were signed."""

    credential: str
    client_data: bytes
    authenticator_data: bytes
    signature: bytes


class Ceremony:
    """`origin`: of the console, e.g. `https://exeat.bank.example`. `gateway`: where what is registered is recorded."""

    def __init__(self, origin: str, gateway: str = "") -> None:
        self.gateway = gateway
        self.origin, self.rp_id = origin, urlsplit(origin).hostname or ""
        party = PublicKeyCredentialRpEntity(name="Exeat", id=self.rp_id)
        none = AttestationConveyancePreference.NONE
        self._server = Fido2Server(party, attestation=none, verify_origin=lambda said: said == origin)
        known = self._server.allowed_algorithms
        self._server.allowed_algorithms = [each for each in known if each.alg in (ES256, EDDSA, RS256)]

    def creation(self, challenge: bytes, issuer: str, subject: str, label: str, known: Sequence[Authenticator]) -> str:
        """Options for `navigator.credentials.create`, JSON. `label`: what the authenticator shows."""
        handle = sha256(f"{issuer}\n{subject}".encode()).digest()
        user = PublicKeyCredentialUserEntity(id=handle, name=label, display_name=label)
        needed = UserVerificationRequirement.REQUIRED
        options, _ = self._server.register_begin(
            user, _descriptors(known), user_verification=needed, challenge=challenge
        )
        return json.dumps(dict(options)["publicKey"])

    def request(self, challenge: bytes, known: Sequence[Authenticator]) -> str:
        """Options for `navigator.credentials.get`, JSON."""
        needed = UserVerificationRequirement.REQUIRED
        options, _ = self._server.authenticate_begin(_descriptors(known), user_verification=needed, challenge=challenge)
        return json.dumps(dict(options)["publicKey"])

    def registered(
        self, challenge: bytes, response: str, *, issuer: str, subject: str, email: str, name: str, at_us: int
    ) -> Authenticator:
        """Raises SignatureRefused."""
        try:
            answer = RegistrationResponse.from_dict(_parsed(response))
            _not_framed(answer.response.client_data.cross_origin)
            data = self._server.register_complete(_state(challenge), answer)
            credential = data.credential_data
            assert credential is not None  # register_complete has looked
            key, algorithm = _public(credential.public_key)
        except Exception as error:  # a stranger's bytes in the library's parsers
            raise SignatureRefused(f"the authenticator was not registered: {_why(error)}") from None
        return Authenticator(
            id=packed(credential.credential_id),
            issuer=issuer,
            subject=subject,
            email=email,
            name=name,
            credential=packed(credential),
            key=packed(key),
            algorithm=algorithm,
            rp_id=self.rp_id,
            origin=self.origin,
            count=data.counter,
            added_us=at_us,
            gateway=self.gateway,
        )

    def asserted(self, challenge: bytes, response: str, known: Sequence[Authenticator]) -> Asserted:
        """Raises SignatureRefused unless one of `known` signed the challenge, for our origin, its user verified."""
        try:
            answer = AuthenticationResponse.from_dict(_parsed(response))
            said = answer.response
            _not_framed(said.client_data.cross_origin)
            if len(said.client_data) > MAX_CLIENT_DATA or len(said.authenticator_data) > MAX_PART:
                raise ValueError("it is too long.")
            if len(said.signature) > MAX_PART:
                raise ValueError("it is too long.")
            credentials = [AttestedCredentialData(unpacked(each.credential)) for each in known]
            self._server.authenticate_complete(_state(challenge), credentials, answer)
        except Exception as error:  # a stranger's bytes in the library's parsers
            raise SignatureRefused(f"the signature is not accepted: {_why(error)}") from None
        parts = (bytes(said.client_data), bytes(said.authenticator_data), bytes(said.signature))
        return Asserted(packed(answer.raw_id), *parts)


def challenge_in(response: str) -> bytes:
    """The challenge that a browser's answer says it is about; nothing is verified yet. Raises SignatureRefused."""
    try:
        data = unpacked(str(_parsed(response)["response"]["clientDataJSON"]))
        return unpacked(str(json.loads(data)["challenge"]))
    except Exception:
        raise SignatureRefused("that is no answer of a browser's authenticator") from None


def _parsed(response: str) -> dict[str, Any]:
    """Raises ValueError."""
    if len(response) > MAX_RESPONSE:
        raise ValueError("it is too long.")
    try:
        found = loads(response.encode(), max_depth=MAX_DEPTH)
    except (NotStrict, UnicodeEncodeError):
        raise ValueError("it is not JSON.") from None
    if not isinstance(found, dict):
        raise ValueError("it is not an object.")
    return found


def _state(challenge: bytes) -> dict[str, Any]:
    """What the library would have kept since `begin`."""
    return {"challenge": packed(challenge), "user_verification": UserVerificationRequirement.REQUIRED}


def _not_framed(cross_origin: object) -> None:
    if cross_origin:
        raise ValueError("it was made in a frame of another page.")


def _descriptors(known: Sequence[Authenticator]) -> list[PublicKeyCredentialDescriptor]:
    kind = PublicKeyCredentialType.PUBLIC_KEY
    return [PublicKeyCredentialDescriptor(type=kind, id=unpacked(each.id)) for each in known]


def _public(key: CoseKey) -> tuple[bytes, int]:
    """DER of the SubjectPublicKeyInfo, and the algorithm. Raises ValueError, KeyError."""
    algorithm = key[3]
    made: Any
    if algorithm == ES256:
        x, y = (int.from_bytes(key[label], "big") for label in (-2, -3))
        made = EllipticCurvePublicNumbers(x, y, SECP256R1()).public_key()
    elif algorithm == EDDSA:
        made = Ed25519PublicKey.from_public_bytes(key[-2])
    elif algorithm == RS256:
        made = RSAPublicNumbers(int.from_bytes(key[-2], "big"), int.from_bytes(key[-1], "big")).public_key()
    else:
        raise ValueError("its algorithm is none of ES256, EdDSA, RS256.")
    return made.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo), algorithm


def _why(error: Exception) -> str:
    """The library's sentences name no value; other errors are about a form that is not right."""
    text = str(error) if type(error) is ValueError else ""
    return text if text.endswith(".") and text.isascii() and len(text) < 100 else "it is not well-formed."
