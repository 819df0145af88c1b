"""What the CLI believes of an issuer's answers. (Whole flows: component tests with the development issuer.)"""

import base64
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest

from console.cli.oidc import DEVELOPMENT_GRANT, IssuerUnreachable, OidcClient, SignInFailed

ISSUER = "https://issuer.example"
METADATA: Mapping[str, Any] = {
    "issuer": ISSUER,
    "token_endpoint": f"{ISSUER}/token",
    "device_authorization_endpoint": f"{ISSUER}/device",
    "grant_types_supported": [DEVELOPMENT_GRANT],
}
Answer = Callable[[httpx.Request], httpx.Response]


def client(answer: Answer, metadata: Mapping[str, Any] = METADATA) -> OidcClient:
    def handle(request: httpx.Request) -> httpx.Response:
        known = request.url.path.endswith("/openid-configuration")
        return httpx.Response(200, json=dict(metadata)) if known else answer(request)

    return OidcClient(httpx.Client(transport=httpx.MockTransport(handle)), ISSUER)


def says(**body: Any) -> Answer:
    return lambda request: httpx.Response(400 if "error" in body else 200, json=body)


def test_the_secret_goes_where_the_issuer_says() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"access_token": "t"})

    for methods in (["client_secret_basic"], ["client_secret_post"]):
        metadata = {**METADATA, "token_endpoint_auth_methods_supported": methods}
        assert client(answer, metadata).client_credentials("id", "s3cret", "exeat", "") == "t"
    basic, post = seen
    assert basic.headers["authorization"].startswith("Basic ")
    assert b"s3cret" not in basic.read()
    assert "authorization" not in post.headers
    assert b"client_secret=s3cret" in post.read()
    assert b"audience=exeat" in post.read()
    assert b"scope" not in post.read()


def test_name_and_secret_are_encoded_in_the_basic_header() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"access_token": "t"})

    client(answer).client_credentials("a:b", "s+3 %c/é", "", "")
    encoded = seen[0].headers["authorization"].removeprefix("Basic ")
    assert base64.b64decode(encoded) == b"a%3Ab:s%2B3%20%25c%2F%C3%A9"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (says(error="invalid_client", error_description="no\x1b[31m"), r"invalid_client: no\[31m"),
        (says(), "not understood"),
        (says(access_token=7), "not understood"),
        (says(access_token="a\nb"), "not understood"),
    ],
)
def test_no_token(answer: Answer, said: str) -> None:
    with pytest.raises(SignInFailed, match=said):
        client(answer).development("alice")


@pytest.mark.parametrize("status", [200, 502])
@pytest.mark.parametrize("content", [b"<html>", b"[]", b"\xff"])
def test_answers_that_are_none(status: int, content: bytes) -> None:
    with pytest.raises(IssuerUnreachable):
        client(lambda request: httpx.Response(status, content=content)).development("alice")


def test_another_issuers_metadata() -> None:
    with pytest.raises(IssuerUnreachable, match="another issuer"):
        client(says(), {**METADATA, "issuer": "https://evil.example"})


def test_secrets_go_to_https_alone() -> None:
    with pytest.raises(SignInFailed, match="not https"):
        client(says(), {**METADATA, "token_endpoint": "http://issuer.example/token"}).development("alice")
    with pytest.raises(SignInFailed, match="not https"), OidcClient.at("http://issuer.example"):
        pass


def test_only_a_development_issuer_hands_out_names() -> None:
    with pytest.raises(SignInFailed, match="--as"):
        client(says(), {**METADATA, "grant_types_supported": ["client_credentials"]}).development("alice")


def test_an_issuer_without_device_flow() -> None:
    metadata = {key: value for key, value in METADATA.items() if not key.startswith("device")}
    with pytest.raises(SignInFailed, match="no device authorization endpoint"):
        client(says(), metadata).device("cli", "", "", lambda prompt: None)
    with pytest.raises(SignInFailed, match="unauthorized_client"):
        client(says(error="unauthorized_client")).device("cli", "", "", lambda prompt: None)
