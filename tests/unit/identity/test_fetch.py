"""Discovery and keys: https, the right issuer, bounded, no redirect."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from identity.errors import KeysUnavailable
from identity.fetch import MAX_DOCUMENT_BYTES, client, fetch_keys
from tests.kit.tokens import ISSUER, settings, signing_key

KEYS = "https://keys.bank.example/jwks"
Answer = Callable[[httpx.Request], httpx.Response]


def web(discovery: Any = None, keys: Any = None, **changes: Any) -> httpx.AsyncClient:
    """An issuer that answers from a table: a document, or a whole response."""
    told = {"issuer": ISSUER, "jwks_uri": KEYS, **changes}
    table = {
        f"{ISSUER}/.well-known/openid-configuration": told if discovery is None else discovery,
        KEYS: {"keys": [signing_key().public_jwk()]} if keys is None else keys,
    }

    def answer(request: httpx.Request) -> httpx.Response:
        found = table[str(request.url)]
        if isinstance(found, Exception):
            raise found
        return found if isinstance(found, httpx.Response) else httpx.Response(200, json=found)

    return httpx.AsyncClient(transport=httpx.MockTransport(answer))


async def test_keys_by_discovery() -> None:
    async with web() as http:
        found = await fetch_keys(http, settings())
    assert found.get(signing_key().public_jwk()["kid"], "ES256")


async def test_an_issuer_whose_name_ends_in_a_slash() -> None:
    async with web(issuer=f"{ISSUER}/") as http:
        assert (await fetch_keys(http, settings(issuer=f"{ISSUER}/"))).keys


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://evil.example"}, {"issuer": f"{ISSUER}/"}, {"issuer": None}, {"jwks_uri": None},
        {"jwks_uri": "http://keys.bank.example/jwks"}, {"jwks_uri": "file:///etc/passwd"}, {"jwks_uri": "//x/jwks"},
        {"jwks_uri": 1}, {"jwks_uri": "https://"}, {"jwks_uri": "http://127.0.0.1/jwks"}, {"jwks_uri": "https://[x"},
        {"discovery": []}, {"discovery": httpx.Response(500)}, {"discovery": httpx.Response(200, text="<html>")},
        {"discovery": httpx.Response(302, headers={"location": KEYS})}, {"discovery": httpx.ConnectError("no")},
        {"keys": httpx.Response(404)}, {"keys": httpx.Response(200, content=b"\0garbage")}, {"keys": {"keys": 1}},
        {"keys": httpx.Response(302, headers={"location": "https://evil.example"})},
        {"keys": httpx.Response(200, content=b" " * (MAX_DOCUMENT_BYTES + 1))},
        {"keys": httpx.Response(200, text='{"keys":[],"keys":[]}')}, {"keys": httpx.ReadTimeout("slow")},
    ],
)  # fmt: skip
async def test_whatever_is_wrong_there_are_no_keys(changes: dict[str, Any]) -> None:
    async with web(**changes) as http:
        with pytest.raises(KeysUnavailable):
            await fetch_keys(http, settings())


async def test_http_only_where_the_settings_allow_it_and_on_loopback() -> None:
    url = "http://127.0.0.1:1"
    table = {"issuer": url, "jwks_uri": "http://10.0.0.1/jwks"}
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200, json=table))) as http:
        with pytest.raises(KeysUnavailable, match="https"):
            await fetch_keys(http, settings(issuer=url, allow_http=True))


async def test_the_client_follows_no_redirect_and_no_environment() -> None:
    async with client() as http:
        assert not http.follow_redirects
        assert not http.trust_env
