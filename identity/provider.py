"""The issuer of people as the console meets it: where to send them, and what their code is worth.

`async with Provider(settings.people, client, clock) as provider:`
    address = await provider.address(started, redirect)       # where the browser goes
    signed_in = await provider.redeem(started, query, redirect)   # what it came back with

The token that a person carries from here on is the access token for `people.audience`; where the audience is the
client itself, as with issuers whose access tokens are opaque (Google, Okta's org server), it is the ID token.
"""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote

import httpx

from identity import code_flow
from identity.claims import Identity
from identity.code_flow import Started
from identity.errors import KeysUnavailable, ProviderUnavailable, SignInRefused, TokenRefused
from identity.fetch import allowed, client, fetch_metadata
from identity.token import take_apart
from identity.verifier import Verifier
from runtime import strict_json
from runtime.clock import Clock
from runtime.settings import Issuer

METADATA_US = 300_000_000  # endpoints move less often than keys
MAX_ANSWER_BYTES = 256 << 10
MAX_DEPTH = 8
NO_AUTH = httpx.Auth()
TOKEN_SECONDS = 10.0  # an issuer that asks a directory takes its time; a person waits, no request does


@dataclass(frozen=True, slots=True)
class Client:
    """Ours at the issuer. Without a secret it is a public one, which PKCE alone protects. `max_age` in seconds."""

    id: str
    secret: str = ""
    scope: str = "openid profile email"
    max_age: int = 8 * 3600


@dataclass(frozen=True, slots=True)
class SignedIn:
    """`token` is what other parts of the house accept of this person; `refresh` renews it, if the issuer gave one."""

    identity: Identity
    token: str
    refresh: str
    to: str


class Provider:
    def __init__(self, issuer: Issuer, client: Client, clock: Clock, *, foreign: Sequence[str] = ()) -> None:
        """`issuer`: of people (`identity.people_issuer`); `foreign`: the audiences of the data path."""
        self._issuer, self._client, self._clock = issuer, client, clock
        by_id_token = issuer.model_copy(update={"audiences": [client.id], "types": ["JWT"]})
        self._access = Verifier([issuer], clock, foreign=foreign)
        self._id = Verifier([by_id_token], clock, foreign=foreign)
        self._http: httpx.AsyncClient | None = None
        self._metadata: Mapping[str, Any] = {}
        self._metadata_us = 0
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._http = await self._open.enter_async_context(client())
        await self._open.enter_async_context(self._access)
        await self._open.enter_async_context(self._id)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    async def address(self, started: Started, redirect: str) -> str:
        """Where the browser goes to sign in. Raises ProviderUnavailable."""
        endpoint = await self._endpoint("authorization_endpoint")
        mine, audience = self._client, self._issuer.audiences[0]
        asked = code_flow.question(
            started, client=mine.id, redirect=redirect, scope=mine.scope, audience=audience, max_age=mine.max_age
        )
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{asked}"

    async def redeem(self, started: Started, query: Sequence[tuple[str, str]], redirect: str) -> SignedIn:
        """The callback's query → who signed in. Raises SignInRefused, ProviderUnavailable."""
        found = await self._discovered()
        promised = found.get("authorization_response_iss_parameter_supported") is True
        now = self._clock.now_us() // 1_000_000
        code = code_flow.code(started, query, issuer=self._issuer.issuer, names_issuer=promised, now=now)
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect}
        answer = await self._token({**form, "code_verifier": started.verifier})
        id_token = _text(answer, "id_token")
        described = await self._verified(self._id, id_token)
        code_flow.check_id_token(take_apart(id_token).claims, started, self._client.id)
        token, identity = await self._carried(answer, id_token)
        if identity.subject != described.subject and self._issuer.claims.subject == "sub":
            raise SignInRefused("The issuer's two tokens speak of different people.")  # Core §3.1.3.8, §5.3.2
        return SignedIn(identity, token, _text(answer, "refresh_token", needed=False), started.to)

    async def renew(self, refresh: str, identity: Identity) -> SignedIn:
        """A fresh token for who signed in as `identity`, `auth_time` unchanged. Raises as redeem does."""
        answer = await self._token({"grant_type": "refresh_token", "refresh_token": refresh})
        token, renewed = await self._carried(answer, _text(answer, "id_token", needed=False))
        if (renewed.issuer, renewed.subject) != (identity.issuer, identity.subject):
            raise SignInRefused("The issuer renewed another person's token.")
        return SignedIn(renewed, token, _text(answer, "refresh_token", needed=False) or refresh, "")

    async def verify(self, token: str) -> Identity:
        """Whose token this is. Raises TokenRefused, KeysUnavailable."""
        return await self._access.verify(token)

    async def _carried(self, answer: Mapping[str, Any], id_token: str) -> tuple[str, Identity]:
        by_id = self._issuer.audiences == [self._client.id]
        token = id_token if by_id else _text(answer, "access_token")
        return token, await self._verified(self._access, token)

    async def _verified(self, verifier: Verifier, token: str) -> Identity:
        try:
            return await verifier.verify(token)
        except TokenRefused as refused:
            raise SignInRefused(f"The issuer's token is not accepted: {refused.message}") from None
        except KeysUnavailable as down:
            raise ProviderUnavailable(down.message) from None

    async def _token(self, form: Mapping[str, str]) -> Mapping[str, Any]:
        """Asks the token endpoint: as a public client (`client_id` in the form), or with the secret as it wants it."""
        url = await self._endpoint("token_endpoint")
        mine, auth, sent = self._client, NO_AUTH, dict(form)
        methods = (await self._discovered()).get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if mine.secret and "client_secret_basic" in methods:
            auth = httpx.BasicAuth(quote(mine.id, safe=""), quote(mine.secret, safe=""))  # RFC 6749 §2.3.1
        else:
            sent |= {"client_id": mine.id} | ({"client_secret": mine.secret} if mine.secret else {})
        assert self._http is not None, "the provider is entered before it is used"
        try:
            answer = await self._http.post(url, data=sent, auth=auth, timeout=TOKEN_SECONDS)
        except (httpx.HTTPError, httpx.InvalidURL, OSError):
            raise ProviderUnavailable("The issuer cannot be reached.") from None
        return _object(answer)

    async def _endpoint(self, name: str) -> str:
        url = (await self._discovered()).get(name)
        if not isinstance(url, str) or not allowed(url, self._issuer.allow_http):
            raise ProviderUnavailable(f"The issuer names no {name.replace('_', ' ')} of https.")
        return url

    async def _discovered(self) -> Mapping[str, Any]:
        """Kept for METADATA_US."""
        if not self._metadata or self._clock.monotonic_us() - self._metadata_us > METADATA_US:
            assert self._http is not None, "the provider is entered before it is used"
            try:
                self._metadata = await fetch_metadata(self._http, self._issuer)
            except KeysUnavailable as down:
                raise ProviderUnavailable(down.message) from None
            self._metadata_us = self._clock.monotonic_us()
        return self._metadata


def _object(answer: httpx.Response) -> Mapping[str, Any]:
    """OAuth errors are objects too (RFC 6749 §5.2)."""
    try:
        value = strict_json.loads(answer.content[:MAX_ANSWER_BYTES], max_depth=MAX_DEPTH)
    except strict_json.NotStrict:
        raise ProviderUnavailable(f"The issuer answered {answer.status_code} without JSON.") from None
    if not isinstance(value, dict) or answer.status_code >= 500:
        raise ProviderUnavailable(f"The issuer answered {answer.status_code}.")
    if answer.status_code != httpx.codes.OK or "error" in value:
        raise SignInRefused(f"The issuer gives no token: {code_flow.said(value)}.")
    return value


def _text(answer: Mapping[str, Any], name: str, *, needed: bool = True) -> str:
    value = answer.get(name, "")
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or (needed and not value):
        raise SignInRefused(f"The issuer's answer holds no {name}.")
    return value
