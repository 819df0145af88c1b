"""An authenticator in software, as browsers present one: registration and assertion in the JSON forms of WebAuthn."""

import json
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from fido2.cose import ES256, RS256, CoseKey, EdDSA
from fido2.webauthn import Aaguid, AttestationObject, AttestedCredentialData, AuthenticatorData

from approvals.signing import packed, unpacked

UP, UV = 0x01, 0x04  # user present, user verified (WebAuthn §6.1)
ORIGIN = "http://localhost:8800"


@dataclass
class SoftAuthenticator:
    """`counts`: False for one that keeps no counter. `flags`, `origin` and the like may be wrong, for tests."""

    key: EllipticCurvePrivateKey | Ed25519PrivateKey | RSAPrivateKey = field(
        default_factory=lambda: generate_private_key(SECP256R1())
    )
    id: bytes = b"credential-of-a-test"
    origin: str = ORIGIN
    rp_id: str = "localhost"
    flags: int = UP | UV
    counts: bool = True
    count: int = 0
    extra: dict[str, Any] = field(default_factory=dict)  # of clientDataJSON

    def register(self, options: str) -> str:
        """RegistrationResponseJSON for PublicKeyCredentialCreationOptionsJSON."""
        client = self._client("webauthn.create", json.loads(options)["challenge"])
        credential = AttestedCredentialData.create(Aaguid.NONE, self.id, self._cose())
        flags = AuthenticatorData.FLAG(self.flags | AuthenticatorData.FLAG.AT)
        data = AuthenticatorData.create(self._rp(), flags, self._next(), credential)
        attestation = AttestationObject.create("none", data, {})
        said = {"clientDataJSON": packed(client), "attestationObject": packed(attestation)}
        return self._response(said)

    def sign(self, options: str) -> str:
        """AuthenticationResponseJSON for PublicKeyCredentialRequestOptionsJSON."""
        client = self._client("webauthn.get", json.loads(options)["challenge"])
        data = AuthenticatorData.create(self._rp(), AuthenticatorData.FLAG(self.flags), self._next())
        signature = self._signed(bytes(data) + sha256(client).digest())
        said = {"clientDataJSON": packed(client), "authenticatorData": packed(data), "signature": packed(signature)}
        return self._response(said)

    def _response(self, said: dict[str, str]) -> str:
        about: dict[str, Any] = {"id": packed(self.id), "rawId": packed(self.id), "type": "public-key"}
        return json.dumps({**about, "response": said, "clientExtensionResults": {}})

    def _client(self, type_: str, challenge: str) -> bytes:
        said = {"type": type_, "challenge": packed(unpacked(challenge)), "origin": self.origin, "crossOrigin": False}
        return json.dumps({**said, **self.extra}).encode()

    def _rp(self) -> bytes:
        return sha256(self.rp_id.encode()).digest()

    def _next(self) -> int:
        self.count += self.counts
        return self.count

    def _cose(self) -> CoseKey:
        kind = {EllipticCurvePrivateKey: ES256, Ed25519PrivateKey: EdDSA, RSAPrivateKey: RS256}
        made = next(made for type_, made in kind.items() if isinstance(self.key, type_))
        cose: CoseKey = made.from_cryptography_key(self.key.public_key())
        return cose

    def _signed(self, data: bytes) -> bytes:
        if isinstance(self.key, EllipticCurvePrivateKey):
            return self.key.sign(data, ECDSA(SHA256()))
        if isinstance(self.key, Ed25519PrivateKey):
            return self.key.sign(data)
        return self.key.sign(data, PKCS1v15(), SHA256())
