"""The outside of a token: a compact JWS (RFC 7515 §7.1) taken apart so that only one reading is possible. Pure.

What the header says about verification is never followed (RFC 8725 §3.1, §3.10): `alg` is only compared with what the
issuer's settings allow, `kid` only looked up among the issuer's keys, and the parameters that carry or fetch keys, or
change what is signed, end the token.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jwt import PyJWK
from jwt.api_jws import PyJWS
from jwt.exceptions import InvalidKeyError, InvalidTokenError

from identity.errors import TokenAlgorithm, TokenClaims, TokenIssuer, TokenMalformed, TokenMissing, TokenSignature
from runtime import strict_json

MAX_TOKEN_BYTES = 16 << 10  # Entra's tokens with 200 groups stay below 10 KiB; Envoy takes 60 KiB of headers in all
MAX_DEPTH = 8  # an `act` chain is the deepest thing a token carries
MAX_KID = 256
SEGMENT = re.compile(r"[A-Za-z0-9_-]+")
# keys by value or by reference (RFC 8725 §3.10), extensions (RFC 7515 §4.1.11, RFC 7797), compression, encryption
REFUSED_PARAMETERS = frozenset({"jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "enc", "epk", "p2s", "p2c"})
# RFC 8725 §3.11; RFC 9068 §2.1. Keycloak, Entra and Auth0 say JWT; a media type's case means nothing (RFC 7515 §4.1.9)
ACCEPTED_TYPES = {"jwt": "JWT", "at+jwt": "at+jwt", "application/at+jwt": "at+jwt"}


@dataclass(frozen=True, slots=True)
class Token:
    """Taken apart, not yet verified: nothing here may be believed before `check_signature`."""

    text: str
    type: str  # JWT or at+jwt
    algorithm: str
    kid: str
    issuer: str
    claims: Mapping[str, Any]

    def check_signature(self, key: PyJWK) -> None:
        """`key` is bound to one algorithm. Raises TokenSignature."""
        try:
            PyJWS().decode_complete(self.text, key, algorithms=[key.algorithm_name])
        except (InvalidTokenError, InvalidKeyError, ValueError):
            raise TokenSignature("The token's signature is not one of its issuer's.") from None


def take_apart(text: str) -> Token:
    """Raises TokenMissing, TokenMalformed, TokenAlgorithm, TokenIssuer or TokenClaims."""
    header_part, claims_part, _ = _segments(text)
    header = _object(header_part, "header")
    refused = REFUSED_PARAMETERS.intersection(header)
    if refused:
        raise TokenAlgorithm(f"The token's header carries {', '.join(sorted(refused))}, which is not accepted.")
    kind = _type(header)
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str):
        raise TokenAlgorithm("The token names no algorithm.")
    if not isinstance(kid, str) or not 0 < len(kid) <= MAX_KID:
        raise TokenAlgorithm("The token names no key (kid).")
    claims = _object(claims_part, "claims")
    issuer = claims.get("iss")
    if not isinstance(issuer, str):
        raise TokenIssuer("The token names no issuer.")
    return Token(text, kind, algorithm, kid, issuer, claims)


def _segments(text: str) -> list[bytes]:
    """The three segments, decoded."""
    if not text:
        raise TokenMissing("No token was sent.")
    if len(text) > MAX_TOKEN_BYTES:
        raise TokenMalformed(f"The token is longer than {MAX_TOKEN_BYTES} bytes.")
    parts = text.split(".")
    if len(parts) == 5:
        raise TokenMalformed("The token is encrypted (JWE); a signed one (JWS) is needed.")
    if len(parts) != 3:
        raise TokenMalformed(
            "The token is opaque, not a JWT. Ask the issuer for a JWT access token for the gateway's audience "
            "(Okta: a custom authorization server; Google: an ID token)."
        )
    return [_decode(part) for part in parts]


def _decode(segment: str) -> bytes:
    """base64url without padding (RFC 7515 §2), in its one canonical form: unused bits are zero (RFC 4648 §3.5)."""
    if not SEGMENT.fullmatch(segment):
        raise TokenMalformed("The token is not base64url without padding.")
    try:
        decoded = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except (binascii.Error, ValueError):
        raise TokenMalformed("The token is not base64url.") from None
    if base64.urlsafe_b64encode(decoded).rstrip(b"=").decode() != segment:
        raise TokenMalformed("The token is not in canonical base64url.")
    return decoded


def _object(data: bytes, what: str) -> dict[str, Any]:
    try:
        value = strict_json.loads(data, max_depth=MAX_DEPTH)
    except strict_json.NotStrict as error:
        raise TokenMalformed(f"The token's {what} cannot be read: {error}.") from None
    if not isinstance(value, dict):
        raise TokenMalformed(f"The token's {what} is not an object.")
    return value


def _type(header: Mapping[str, Any]) -> str:
    kind = header.get("typ", "JWT")
    accepted = ACCEPTED_TYPES.get(kind.lower()) if isinstance(kind, str) else None
    if accepted is None:
        raise TokenClaims("The token is of another type than an access token (typ).")
    return accepted
