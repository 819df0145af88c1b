"""A token taken apart: one reading, or none."""

import pytest

from identity.errors import (
    TokenAlgorithm,
    TokenClaims,
    TokenIssuer,
    TokenMalformed,
    TokenMissing,
    TokenRefused,
    TokenSignature,
)
from identity.token import MAX_TOKEN_BYTES, take_apart
from tests.kit.tokens import ISSUER, claims, header, published, segment, sign, signing_key, token


def test_a_good_token_shows_what_it_says() -> None:
    parts = take_apart(token())
    assert (parts.issuer, parts.algorithm, parts.claims["sub"]) == (ISSUER, "ES256", "research-agent")


def test_its_signature_is_checked_with_the_issuers_key() -> None:
    key = signing_key()
    found = published(key).get(key.public_jwk()["kid"], "ES256")
    assert found is not None
    take_apart(token()).check_signature(found)
    with pytest.raises(TokenSignature):
        take_apart(sign(header(key), claims(), signing_key("ES256", "another"))).check_signature(found)


@pytest.mark.parametrize("typ", ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt", None])
def test_types_of_access_tokens(typ: str | None) -> None:
    take_apart(token(head={"typ": typ}))


@pytest.mark.parametrize("typ", ["dpop+jwt", "logout+jwt", "JWE", "secevent+jwt", "", 1, ["JWT"], {"a": 1}])
def test_other_types_are_refused(typ: object) -> None:
    with pytest.raises(TokenClaims):
        take_apart(token(head={"typ": typ}))


@pytest.mark.parametrize("name", ["jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "enc", "epk", "p2s", "p2c"])
def test_parameters_that_steer_verification_are_refused(name: str) -> None:
    for value in (None, True, "https://evil.example/keys", [], {}):
        with pytest.raises(TokenAlgorithm, match=name):
            take_apart(sign({**header(signing_key()), name: value}, claims(), signing_key()))


@pytest.mark.parametrize("kid", [None, "", 1, ["k"], {"kid": "k"}, "k" * 257])
def test_a_key_id_is_a_short_text(kid: object) -> None:
    with pytest.raises(TokenAlgorithm):
        take_apart(sign({**header(signing_key()), "kid": kid}, claims(), signing_key()))


@pytest.mark.parametrize("issuer", [None, 1, [ISSUER], {"iss": ISSUER}])
def test_an_issuer_is_a_text(issuer: object) -> None:
    with pytest.raises(TokenIssuer):
        take_apart(sign(header(signing_key()), {**claims(), "iss": issuer}, signing_key()))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ya29.a0AfB_byC", "opaque"),
        ("00Oq8xj2h0eN3gVq", "opaque"),
        ("a.b.c.d.e", "JWE"),
        ("a.b", "opaque"),
        ("a.b.c.d", "opaque"),
        ("..", "base64url"),
        ("é.é.é", "base64url"),
        ("a b.c.d", "base64url"),
        ("x" * (MAX_TOKEN_BYTES + 1), "longer"),
    ],
)
def test_what_is_no_signed_token_is_named(text: str, said: str) -> None:
    with pytest.raises(TokenMalformed, match=said):
        take_apart(text)


def test_no_token_is_said_to_be_missing() -> None:
    with pytest.raises(TokenMissing):
        take_apart("")


@pytest.mark.parametrize("change", ["=", "==", "===", "\n", " ", "%3d", "\0"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_no_other_spelling_of_the_same_bytes(change: str, place: int) -> None:
    parts = token().split(".")
    parts[place] += change
    with pytest.raises(TokenMalformed):
        take_apart(".".join(parts))


def test_unused_bits_are_zero() -> None:
    """64 signature bytes leave 4 unused bits in the last character: 16 spellings of one signature."""
    text = token()
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".index(text[-1])
    other = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[last + 1]
    with pytest.raises(TokenMalformed, match="canonical"):
        take_apart(text[:-1] + other)


@pytest.mark.parametrize(
    "body",
    [
        '{"iss":"https://issuer.bank.example","iss":"https://evil.example"}',
        '{"iss":"https://issuer.bank.example","exp":NaN}',
        '{"iss":"https://issuer.bank.example","exp":Infinity}',
        '{"iss":"\\ud800"}',
        "[]", '"text"', "1", "null", "", "{",
        '{"a":' * 50 + "1" + "}" * 50,
    ],
)  # fmt: skip
def test_claims_of_no_one_meaning_are_refused(body: str) -> None:
    with pytest.raises(TokenMalformed):
        take_apart(sign(header(signing_key()), body, signing_key()))


def test_a_header_of_no_one_meaning_is_refused() -> None:
    kid = header(signing_key())["kid"]
    with pytest.raises(TokenMalformed):
        take_apart(sign(f'{{"alg":"none","alg":"ES256","kid":"{kid}"}}', claims(), signing_key()))


def test_messages_quote_nothing_of_the_token() -> None:
    with pytest.raises(TokenRefused) as caught:
        take_apart(f"{segment('planted')}.{segment('secret')}.AAAA")
    assert "planted" not in caught.value.message
