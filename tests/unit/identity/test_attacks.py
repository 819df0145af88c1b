"""Attacks on tokens (RFC 8725 §2 and what came after), each against the whole verifier. None may become an identity."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from identity import TokenRefused, Verifier
from identity.keyset import KeySet
from runtime.clock import FixedClock
from runtime.settings import Issuer
from tests.kit.tokens import ISSUER, NOW, claims, header, published, segment, settings, sign, signing_key, token

RSA, EC = signing_key("RS256"), signing_key("ES256")
EVIL = signing_key("ES256", "evil")


@pytest.fixture
async def verifier() -> AsyncIterator[Verifier]:
    async def fetch(http: httpx.AsyncClient, issuer: Issuer) -> KeySet:
        return published(RSA, EC, algorithms=issuer.algorithms)

    async with Verifier([settings()], FixedClock(), fetch=fetch) as verifier:
        yield verifier


async def refused(verifier: Verifier, text: str) -> None:
    with pytest.raises(TokenRefused):
        await verifier.verify(text)


NONES = [
    "none",
    "None",
    "NONE",
    "nOnE",
    "none ",
    " none",
    "",
    "null",
    "no\u006ee",
    None,
    [],
    ["none"],
    {"alg": "none"},
    0,
]


@pytest.mark.parametrize("algorithm", NONES)
@pytest.mark.parametrize("signature", ["", "AAAA", segment(b"\0" * 64)])
async def test_no_signature_at_all(verifier: Verifier, algorithm: object, signature: str) -> None:
    head = {**header(EC), "alg": algorithm}
    await refused(verifier, f"{segment(head)}.{segment(claims())}.{signature}")


async def test_a_signature_cut_off(verifier: Verifier) -> None:
    good = token()
    await refused(verifier, good.rpartition(".")[0])
    await refused(verifier, good.rpartition(".")[0] + ".")


def _public_forms() -> list[bytes]:
    public = RSA.private.public_key()
    pem, der = serialization.Encoding.PEM, serialization.Encoding.DER
    spki, pkcs1 = serialization.PublicFormat.SubjectPublicKeyInfo, serialization.PublicFormat.PKCS1
    forms = [public.public_bytes(encoding, kind) for encoding in (pem, der) for kind in (spki, pkcs1)]
    jwk = RSA.public_jwk()
    return [
        *forms,
        forms[0].strip(),
        json.dumps(jwk).encode(),
        jwk["n"].encode(),
        base64.urlsafe_b64decode(jwk["n"] + "=="),
    ]


@pytest.mark.parametrize("secret", _public_forms())
@pytest.mark.parametrize(("algorithm", "digest"), [("HS256", "sha256"), ("HS384", "sha384"), ("HS512", "sha512")])
async def test_the_public_key_as_a_secret(verifier: Verifier, secret: bytes, algorithm: str, digest: str) -> None:
    signed = f"{segment(header(RSA, alg=algorithm))}.{segment(claims())}"
    await refused(verifier, f"{signed}.{segment(hmac.new(secret, signed.encode(), digest).digest())}")


@pytest.mark.parametrize(
    "algorithm", ["RS256", "PS256", "ES384", "ES256K", "EdDSA", "HS256", "es256", "ES256 ", "RSA-OAEP"]
)
async def test_another_algorithm_than_the_keys(verifier: Verifier, algorithm: str) -> None:
    await refused(verifier, sign(header(EC, alg=algorithm), claims(), EC))


@pytest.mark.parametrize(
    "extra",
    [
        {"jwk": EVIL.public_jwk()}, {"jku": "https://evil.example/jwks"}, {"x5u": "https://evil.example/cert"},
        {"x5c": ["MII"]}, {"crit": ["exp"], "exp": 1}, {"crit": []}, {"b64": False, "crit": ["b64"]}, {"b64": True},
        {"zip": "DEF"},
    ],
)  # fmt: skip
async def test_a_token_that_brings_its_own_rules(verifier: Verifier, extra: dict[str, Any]) -> None:
    for key in (EVIL, EC):
        await refused(verifier, sign({**header(EC), **extra}, claims(), key))


@pytest.mark.parametrize(
    "kid",
    [
        "../../../../dev/null", "/dev/null", "' OR 1=1--", "; rm -rf /", "https://evil.example/k", "\0", "k\r\nx: y",
        EVIL.public_jwk()["kid"], EC.public_jwk()["kid"] + " ", EC.public_jwk()["kid"].swapcase(),
        RSA.public_jwk()["kid"],
        {"$ne": ""}, ["k"], True, None, "",
    ],
)  # fmt: skip
async def test_tricks_with_the_key_id(verifier: Verifier, kid: object) -> None:
    await refused(verifier, sign({**header(EC), "kid": kid}, claims(), EVIL))
    await refused(verifier, sign({**header(EC), "kid": kid}, claims(), EC))


@pytest.mark.parametrize("pair", [(0, 0), (1, 0), (0, 1), (2**256 - 1, 2**256 - 1)])
async def test_signatures_of_zero(verifier: Verifier, pair: tuple[int, int]) -> None:
    """CVE-2022-21449: r = s = 0 satisfies the equation of ECDSA where nobody checks the range."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    signed = f"{segment(header(EC))}.{segment(claims())}"
    for r, s in (pair, (order, order)):
        await refused(verifier, f"{signed}.{segment(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}")


async def test_a_signature_in_der(verifier: Verifier) -> None:
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    head, body, signature = token(EC).split(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    await refused(verifier, f"{head}.{body}.{segment(der)}")


async def test_an_encrypted_token(verifier: Verifier) -> None:
    head = segment({"alg": "RSA-OAEP", "enc": "A256GCM", "kid": RSA.public_jwk()["kid"]})
    await refused(verifier, f"{head}.AAAA.AAAA.AAAA.AAAA")
    await refused(verifier, f"{head}.AAAA.AAAA")


async def test_a_token_in_json_serialization(verifier: Verifier) -> None:
    head, body, signature = token().split(".")
    await refused(verifier, json.dumps({"payload": body, "protected": head, "signature": signature}))


@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
@pytest.mark.parametrize(
    "value", ['"1700000600"', "1700000600.5", "1.7e9", "NaN", "Infinity", "true", "[1]", "9e999", "-1"]
)
async def test_times_of_another_type(verifier: Verifier, name: str, value: str) -> None:
    told = json.dumps(claims(**{name: "HERE"})).replace('"HERE"', value)
    await refused(verifier, sign(header(EC), told, EC))


@pytest.mark.parametrize(
    "extra",
    ['"iss":"https://evil.example"', '"aud":"other"', '"exp":1', '"sub":"ceo"', '"\\u0073ub":"ceo"', '"zz":1,"zz":1'],
)
async def test_a_claim_said_twice(verifier: Verifier, extra: str) -> None:
    told = json.dumps(claims())
    await refused(verifier, sign(header(EC), f"{{{extra},{told[1:]}", EC))
    await refused(verifier, sign(header(EC), f"{told[:-1]},{extra}}}", EC))


@pytest.mark.parametrize(
    "audience", [None, [], "exeat-people", ["exeat", None], {"aud": "exeat"}, "exe at", "EXEAT", ["EXEAT"]]
)
async def test_other_audiences(verifier: Verifier, audience: object) -> None:
    await refused(verifier, sign(header(EC), {**claims(), "aud": audience}, EC))


@pytest.mark.parametrize(
    "issuer", [None, [ISSUER], ISSUER + "/", ISSUER + "#", ISSUER.upper(), "issuer.bank.example", 1]
)
async def test_other_issuers(verifier: Verifier, issuer: object) -> None:
    await refused(verifier, sign(header(EC), {**claims(), "iss": issuer}, EC))


@pytest.mark.parametrize("size", [16 << 10, 1 << 20])
async def test_huge_tokens_cost_nothing(verifier: Verifier, size: int) -> None:
    await refused(verifier, sign(header(EC), claims(padding="x" * size), EC))
    await refused(verifier, "." * size)
    await refused(verifier, "A" * size)


async def test_deep_tokens(verifier: Verifier) -> None:
    await refused(verifier, sign(header(EC), '{"a":' * 2000 + "1" + "}" * 2000, EC))


async def test_a_nested_token(verifier: Verifier) -> None:
    await refused(verifier, sign({**header(EC), "cty": "JWT"}, token(), EC))


async def test_psychic_claims_of_a_library_default(verifier: Verifier) -> None:
    """A token that PyJWT alone would take: no kid, no typ, HS256 over an empty key."""
    signed = f"{segment({'alg': 'HS256'})}.{segment(claims())}"
    await refused(verifier, f"{signed}.{segment(hmac.new(b'', signed.encode(), hashlib.sha256).digest())}")


async def test_the_same_signature_under_another_text(verifier: Verifier) -> None:
    good = token()
    await verifier.verify(good)
    for other in (good + "=", good + "\n", " " + good, good.replace(".", "..", 1), good + ".", "Bearer " + good):
        await refused(verifier, other)


async def test_the_good_token_still_passes(verifier: Verifier) -> None:
    """So that the tests above fail for their reason and not for another."""
    text = jwt.encode(claims(), EC.private, "ES256", headers={"kid": EC.public_jwk()["kid"]})
    assert (await verifier.verify(text)).expires_at == NOW + 600
