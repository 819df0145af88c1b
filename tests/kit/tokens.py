"""Tokens for tests: an issuer in memory that signs what a real one signs, and what none ever would."""

import base64
import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from console.dev.keyring import SigningKey, make_key
from identity import keyset
from identity.keyset import KeySet
from runtime.settings import Issuer

ISSUER = "https://issuer.bank.example"
NOW = 1_700_000_000  # FixedClock's default, in seconds


def signing_key(algorithm: str = "ES256", name: str = "one") -> SigningKey:
    """Made once per test run: RSA keys take a noticeable part of a second."""
    return _made(algorithm, name)


@cache
def _made(algorithm: str, name: str) -> SigningKey:
    return make_key(algorithm)


def settings(**fields: Any) -> Issuer:
    return Issuer.model_validate({"issuer": ISSUER, "algorithms": ["RS256", "ES256"], **fields})


def claims(**changes: Any) -> dict[str, Any]:
    """What an agent's access token says; None removes a claim."""
    told = {
        "iss": ISSUER, "sub": "research-agent", "aud": "exeat", "azp": "research-agent", "groups": ["research"],
        "iat": NOW - 10, "nbf": NOW - 10, "exp": NOW + 600, "jti": "j-1", "owner": "alice@bank.example",
    }  # fmt: skip
    return {name: value for name, value in {**told, **changes}.items() if value is not None}


def header(key: SigningKey, **changes: Any) -> dict[str, Any]:
    told = {"alg": key.algorithm, "typ": "at+jwt", "kid": key.public_jwk()["kid"]}
    return {name: value for name, value in {**told, **changes}.items() if value is not None}


def segment(value: bytes | str | Mapping[str, Any]) -> str:
    """base64url without padding; mappings as JSON, text as it is."""
    if isinstance(value, Mapping):
        value = json.dumps(value)
    if isinstance(value, str):
        value = value.encode()
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def sign(head: bytes | str | Mapping[str, Any], body: bytes | str | Mapping[str, Any], key: SigningKey) -> str:
    """A rightly signed token over exactly these bytes, whatever they say."""
    import jwt

    signed = f"{segment(head)}.{segment(body)}"
    algorithm = jwt.get_algorithm_by_name(key.algorithm)
    return f"{signed}.{segment(algorithm.sign(signed.encode(), key.private))}"


def token(key: SigningKey | None = None, *, head: Mapping[str, Any] | None = None, **changes: Any) -> str:
    key = key or signing_key()
    return sign(header(key, **(head or {})), claims(**changes), key)


def published(*keys: SigningKey, algorithms: Sequence[str] = ("RS256", "ES256")) -> KeySet:
    return keyset.parse({"keys": [key.public_jwk() for key in keys]}, algorithms)
