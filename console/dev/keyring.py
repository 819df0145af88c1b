"""Signing keys of the development issuer: made once, kept in its state folder, rotated on demand."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from runtime.fileio import atomic_write, private_dir

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
ALGORITHMS = ("RS256", "ES256")


@dataclass(frozen=True)
class SigningKey:
    algorithm: str
    private: PrivateKey

    def public_jwk(self) -> dict[str, str]:
        """RFC 7517; the kid is the key's RFC 7638 thumbprint, so it never changes and never collides."""
        maker = jwt.get_algorithm_by_name(self.algorithm)
        public: Mapping[str, Any] = maker.to_jwk(self.private.public_key(), as_dict=True)
        required: dict[str, str] = {name: public[name] for name in ("crv", "e", "kty", "n", "x", "y") if name in public}
        digest = hashlib.sha256(json.dumps(required, sort_keys=True, separators=(",", ":")).encode()).digest()
        kid = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        return {**required, "kid": kid, "alg": self.algorithm, "use": "sig"}

    def pem(self) -> str:
        encoding, plain = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        return self.private.private_bytes(encoding, plain, serialization.NoEncryption()).decode()


def make_key(algorithm: str) -> SigningKey:
    if algorithm == "RS256":
        return SigningKey(algorithm, rsa.generate_private_key(public_exponent=65537, key_size=2048))
    if algorithm == "ES256":
        return SigningKey(algorithm, ec.generate_private_key(ec.SECP256R1()))
    raise ValueError(f"the development issuer signs with {' or '.join(ALGORITHMS)}, not {algorithm}")


class KeyRing:
    """The first key signs; all are published. With a folder the keys outlive the process."""

    def __init__(self, folder: Path | None = None, algorithm: str = "RS256") -> None:
        self._file = private_dir(folder) / "keys.json" if folder else None
        self._keys = self._read() or [make_key(algorithm)]
        self._write()

    @property
    def signing(self) -> SigningKey:
        return self._keys[0]

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        return {"keys": [key.public_jwk() for key in self._keys]}

    def sign(self, claims: Mapping[str, Any], headers: Mapping[str, Any] | None = None) -> str:
        key = self._keys[0]
        header = {"kid": key.public_jwk()["kid"], "typ": "at+jwt", **(headers or {})}
        return jwt.encode(dict(claims), key.private, algorithm=key.algorithm, headers=header)

    def rotate(self, algorithm: str = "RS256", *, keep: bool = True) -> str:
        """Signs with a new key from now on; `keep=False` also stops publishing the old ones. Returns the new kid."""
        self._keys = [make_key(algorithm), *(self._keys if keep else [])]
        self._write()
        return self.signing.public_jwk()["kid"]

    def _read(self) -> list[SigningKey]:
        if self._file is None or not self._file.exists():
            return []
        rows = json.loads(self._file.read_text("utf-8"))
        return [SigningKey(row["algorithm"], _load(row["pem"])) for row in rows]

    def _write(self) -> None:
        if self._file is not None:
            rows = [{"algorithm": key.algorithm, "pem": key.pem()} for key in self._keys]
            atomic_write(self._file, json.dumps(rows).encode())


def _load(pem: str) -> PrivateKey:
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise ValueError("keys.json holds a key of another kind")
    return key
