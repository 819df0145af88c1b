"""Discovery and key sets over HTTPS (OpenID Connect Discovery 1.0 §4, RFC 8414 §3)."""

import asyncio
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx

from identity import keyset
from identity.errors import KeysUnavailable
from identity.keyset import KeySet
from runtime import strict_json
from runtime.settings import Issuer, is_loopback

MAX_DOCUMENT_BYTES = 1 << 20  # the largest seen is under 20 KiB
MAX_DEPTH = 16
FETCH_SECONDS = 3.0  # for discovery and keys together: Envoy waits about 4 s beside the engine's deadline
DISCOVERY = "/.well-known/openid-configuration"


def client() -> httpx.AsyncClient:
    """Trusts the system's certificates (SSL_CERT_FILE adds a house's own), follows no redirect, reads no proxy."""
    limits = httpx.Limits(max_connections=16, max_keepalive_connections=4)
    return httpx.AsyncClient(
        verify=ssl.create_default_context(),
        timeout=FETCH_SECONDS,
        trust_env=False,
        follow_redirects=False,
        limits=limits,
    )


async def fetch_keys(http: httpx.AsyncClient, issuer: Issuer) -> KeySet:
    """The issuer's keys now. Raises KeysUnavailable, whatever went wrong."""
    try:
        async with asyncio.timeout(FETCH_SECONDS):
            found = await _discovered(http, issuer)
            return keyset.parse(await _document(http, issuer, _keys_url(found)), issuer.algorithms)
    except TimeoutError:
        raise KeysUnavailable(f"The issuer gave no keys within {FETCH_SECONDS:.0f} s.") from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError):
        raise KeysUnavailable("The issuer cannot be reached.") from None


async def fetch_metadata(http: httpx.AsyncClient, issuer: Issuer) -> Mapping[str, Any]:
    """The issuer's discovery document. Raises KeysUnavailable, whatever went wrong."""
    try:
        async with asyncio.timeout(FETCH_SECONDS):
            return await _discovered(http, issuer)
    except TimeoutError:
        raise KeysUnavailable(f"The issuer did not answer within {FETCH_SECONDS:.0f} s.") from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError):
        raise KeysUnavailable("The issuer cannot be reached.") from None


async def _discovered(http: httpx.AsyncClient, issuer: Issuer) -> Mapping[str, Any]:
    """The document must name the very issuer that was asked (Discovery §4.3), else one tenant could speak for all."""
    found = await _document(http, issuer, issuer.issuer.rstrip("/") + DISCOVERY)
    if not isinstance(found, Mapping) or found.get("issuer") != issuer.issuer:
        raise KeysUnavailable("The issuer's discovery document names another issuer.")
    return found


def _keys_url(found: Mapping[str, Any]) -> str:
    url = found.get("jwks_uri")
    if not isinstance(url, str):
        raise KeysUnavailable("The issuer's discovery document names no keys.")
    return url


async def _document(http: httpx.AsyncClient, issuer: Issuer, url: str) -> Any:
    if not allowed(url, issuer.allow_http):
        raise KeysUnavailable("The issuer names an address that is not https.")
    async with http.stream("GET", url, headers={"accept": "application/json"}) as response:
        if response.status_code != httpx.codes.OK:
            raise KeysUnavailable(f"The issuer answered {response.status_code}.")
        data = bytearray()
        async for chunk in response.aiter_bytes():
            data += chunk
            if len(data) > MAX_DOCUMENT_BYTES:
                raise KeysUnavailable(f"The issuer's answer is larger than {MAX_DOCUMENT_BYTES} bytes.")
    try:
        return strict_json.loads(bytes(data), max_depth=MAX_DEPTH)
    except strict_json.NotStrict:
        raise KeysUnavailable("The issuer's answer is not JSON.") from None


def allowed(url: str, allow_http: bool) -> bool:
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (allow_http and parts.scheme == "http" and is_loopback(host)))
