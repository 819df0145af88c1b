"""The one token, from the places where clients put it."""

import pytest

from authz.credentials import token
from authz.errors import CredentialsAmbiguous, CredentialsMisplaced
from authz.headers import Headers
from identity.errors import TokenMalformed, TokenMissing
from runtime.errors import CallerError
from tests.kit import tokens


def sent(*pairs: tuple[str, bytes]) -> str:
    return token(Headers(pairs))


@pytest.mark.parametrize(
    "pairs",
    [
        [("authorization", b"Bearer t")],
        [("authorization", b"bearer t")],
        [("authorization", b"BEARER   t  ")],
        [("x-api-key", b"t")],
        [("x-api-key", b" t ")],
        [("api-key", b"t")],
        [("x-goog-api-key", b"t"), ("authorization", b"Bearer t")],
        [("x-api-key", b"t"), ("authorization", b"Bearer t")],
        [("cookie", b"theme=dark; lang=de"), ("x-api-key", b"t")],
    ],
)
def test_where_clients_put_it(pairs: list[tuple[str, bytes]]) -> None:
    assert sent(*pairs) == "t"


@pytest.mark.parametrize(
    "pairs",
    [
        [("authorization", b"Bearer a"), ("x-api-key", b"b")],
        [("authorization", b"Bearer a"), ("authorization", b"Bearer b")],
        [("x-api-key", b"a"), ("x-api-key", b"b")],
        [("x-api-key", b"a"), ("api-key", b"b")],
        [("x-goog-api-key", b"a"), ("authorization", b"Bearer b")],
        [("x-api-key", b""), ("authorization", b"Bearer b")],
    ],
)
def test_two_different_ones_have_no_meaning(pairs: list[tuple[str, bytes]]) -> None:
    with pytest.raises(CredentialsAmbiguous):
        sent(*pairs)


@pytest.mark.parametrize(
    "value", [b"", b"Bearer", b"Bearer ", b"Basic dTpw", b"t", b"DPoP t", b"Bearer\xff t", b"Digest x"]
)
def test_other_schemes(value: bytes) -> None:
    with pytest.raises(TokenMalformed):
        sent(("authorization", value))


def test_none_at_all() -> None:
    with pytest.raises(TokenMissing):
        sent(("accept", b"*/*"))


@pytest.mark.parametrize(
    "cookie", [b"access_token=x", b"a=b; Authorization=x", b"token=1", b"jwt=x", b"session_token=y"]
)
def test_cookies_do_not_carry_it(cookie: bytes) -> None:
    with pytest.raises(CredentialsMisplaced):
        sent(("cookie", cookie), ("authorization", b"Bearer t"))


def test_a_token_in_any_cookie_is_noticed() -> None:
    with pytest.raises(CredentialsMisplaced):
        sent(("cookie", f"sid={tokens.token()}".encode()))


def test_nothing_of_it_is_said() -> None:
    with pytest.raises(CallerError) as caught:
        sent(("authorization", b"Basic planted-secret"))
    assert "planted" not in caught.value.message
