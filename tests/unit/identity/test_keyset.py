"""Which published keys may verify a token."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from identity.errors import KeysUnavailable
from identity.keyset import parse
from tests.kit.tokens import signing_key

ALL = ("RS256", "RS384", "PS256", "ES256", "ES384", "EdDSA")


def jwk(algorithm: str = "ES256", **changes: Any) -> dict[str, Any]:
    told = {**signing_key(algorithm).public_jwk(), "kid": "k", **changes}
    return {name: value for name, value in told.items() if value is not None}


def names(*entries: Any) -> set[tuple[str, str]]:
    return set(parse({"keys": list(entries)}, ALL).keys)


def test_a_key_serves_the_algorithm_that_it_names() -> None:
    assert names(jwk("RS256")) == {("k", "RS256")}
    assert names(jwk("ES256")) == {("k", "ES256")}


def test_an_rsa_key_that_names_none_serves_those_of_its_type() -> None:
    assert names(jwk("RS256", alg=None)) == {("k", "RS256"), ("k", "RS384"), ("k", "PS256")}


def test_an_ec_key_serves_its_curve() -> None:
    key = ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP384R1()).public_key(), as_dict=True)
    assert names({**key, "kid": "k"}) == {("k", "ES384")}


@pytest.mark.parametrize(
    "changes",
    [
        {"use": "enc"}, {"key_ops": ["encrypt"]}, {"key_ops": "verify"}, {"kid": None}, {"kid": ""}, {"kid": 1},
        {"alg": "HS256"}, {"alg": "none"}, {"alg": "RS512"}, {"kty": "oct"}, {"kty": None}, {"d": "AA"}, {"k": "AA"},
        {"crv": "secp256k1"}, {"crv": 1}, {"x": "!!"}, {"x": None},
    ],
)  # fmt: skip
def test_keys_that_may_not_verify_are_left_out(changes: dict[str, Any]) -> None:
    assert names(jwk("ES256", **changes)) == set()


def test_no_symmetric_key_is_ever_known() -> None:
    secret = {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3I", "kid": "k", "alg": "HS256"}
    assert parse({"keys": [secret]}, ["HS256", "RS256"]).keys == {}


def test_short_rsa_keys_are_left_out() -> None:
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key()
    assert names({**RSAAlgorithm.to_jwk(short, as_dict=True), "kid": "k"}) == set()


def test_two_keys_of_one_name_are_neither() -> None:
    assert names(jwk("ES256"), jwk("ES256")) == set()
    assert names(jwk("ES256"), jwk("RS256")) == {("k", "ES256"), ("k", "RS256")}


def test_a_bad_key_does_not_take_the_others_with_it() -> None:
    assert names("garbage", {}, jwk("ES256")) == {("k", "ES256")}


@pytest.mark.parametrize("document", [None, [], {}, {"keys": {}}, {"keys": "x"}, {"keys": [{}] * 101}])
def test_what_is_no_key_set(document: object) -> None:
    with pytest.raises(KeysUnavailable):
        parse(document, ALL)
