"""An issuer's published keys (JWKS, RFC 7517), reduced to those that may verify a token. Pure.

Each key is bound to the algorithms of its own type: an RSA key can never serve as an HMAC secret, because no symmetric
key and no symmetric algorithm is known here at all (RFC 8725 §2.1, §3.1).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from identity.errors import KeysUnavailable

MAX_KEYS = 100  # GitHub publishes 5, Entra about 10
RSA_BITS = (2048, 8192)  # RFC 7518 §3.3; above it a verification costs milliseconds
RSA_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
CURVES = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "Ed25519": "EdDSA"}  # RFC 7518 §3.4, RFC 8037 §3.1


@dataclass(frozen=True, slots=True)
class KeySet:
    """(kid, algorithm) → key."""

    keys: Mapping[tuple[str, str], PyJWK]

    def get(self, kid: str, algorithm: str) -> PyJWK | None:
        return self.keys.get((kid, algorithm))


def parse(document: object, algorithms: Iterable[str]) -> KeySet:
    """Keys that cannot serve are left out; two usable ones under one name both are. Raises KeysUnavailable."""
    entries = document.get("keys") if isinstance(document, Mapping) else None
    if not isinstance(entries, list) or len(entries) > MAX_KEYS:
        raise KeysUnavailable("The issuer's key set is not one.")
    keys: dict[tuple[str, str], PyJWK] = {}
    twice: set[tuple[str, str]] = set()
    for entry in entries:
        for name, key in _usable(entry, frozenset(algorithms)):
            (twice.add(name) if name in keys else keys.__setitem__(name, key))
    return KeySet({name: key for name, key in keys.items() if name not in twice})


def _usable(entry: object, accepted: frozenset[str]) -> list[tuple[tuple[str, str], PyJWK]]:
    if not isinstance(entry, Mapping) or not _may_verify(entry):
        return []
    kid = entry.get("kid")
    if not isinstance(kid, str) or not kid:
        return []
    return [
        ((kid, algorithm), key)
        for algorithm in _algorithms(entry)
        if algorithm in accepted and (key := _key(entry, algorithm)) is not None
    ]


def _may_verify(entry: Mapping[str, Any]) -> bool:
    """RFC 7517 §4.2, §4.3. A set that publishes private parts is broken, and so is that key."""
    if entry.get("use", "sig") != "sig" or "d" in entry or "k" in entry:
        return False
    operations = entry.get("key_ops")
    return operations is None or (isinstance(operations, list) and "verify" in operations)


def _algorithms(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """Those of its type; the one that it names, if it names one."""
    if entry.get("kty") == "RSA":
        fitting: tuple[str, ...] = RSA_ALGORITHMS
    elif entry.get("kty") in ("EC", "OKP") and isinstance(entry.get("crv"), str):
        fitting = (CURVES[entry["crv"]],) if entry["crv"] in CURVES else ()
    else:
        return ()
    named = entry.get("alg")
    return fitting if named is None else tuple(name for name in fitting if name == named)


def _key(entry: Mapping[str, Any], algorithm: str) -> PyJWK | None:
    try:
        key = PyJWK(dict(entry), algorithm)
    except (PyJWTError, ValueError, TypeError, KeyError):
        return None
    if isinstance(key.key, RSAPublicKey) and not RSA_BITS[0] <= key.key.key_size <= RSA_BITS[1]:
        return None
    return key
