"""How the CLI gets a token: client credentials, device flow (RFC 8628), or the development issuer's own grant.

Tokens are printed or used at once and never kept.

Error
├── CallerError
│   └── SignInFailed         the issuer said no, or nobody signed in
└── GatewayError
    └── IssuerUnreachable    no answer, or not one of an OIDC provider
"""

import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, urlsplit

import httpx

from runtime.errors import CallerError, GatewayError
from runtime.settings import Settings, config_path, is_loopback, load

TIMEOUT_S = 10.0
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
DEVELOPMENT_GRANT = "urn:exeat:grant-type:development"
DEFAULT_INTERVAL_S = 5  # RFC 8628 §3.2
SLOW_DOWN_S = 5  # RFC 8628 §3.5
DEV_HOUSE = Path("state") / "dev" / "exeat.toml"  # what `exeat up` writes when there is no exeat.toml


NO_AUTH = httpx.Auth()


class SignInFailed(CallerError):
    code = "sign_in_failed"


class IssuerUnreachable(GatewayError):
    code = "issuer_unreachable"


def settings_of(config: Path | None) -> Settings:
    """The settings; without a file those of the development house, just as `exeat up` runs it then."""
    path = config_path(config)
    return load(DEV_HOUSE if path is None and DEV_HOUSE.exists() else path)


@dataclass(frozen=True)
class Prompt:
    """What a person has to do in a browser."""

    url: str
    code: str
    complete: str  # the URL with the code in it, if the issuer gives one


class OidcClient:
    """One issuer, found by discovery."""

    def __init__(self, http: httpx.Client, issuer: str) -> None:
        self._http, self._issuer = http, issuer
        self._metadata: Mapping[str, Any] = self._discover()

    @classmethod
    @contextmanager
    def at(cls, issuer: str) -> Iterator[Self]:
        """Raises IssuerUnreachable, SignInFailed (an issuer that is not https)."""
        _check_url(issuer)
        local = is_loopback(urlsplit(issuer).hostname)
        # the house's proxy, if the environment names one, leads to the issuer; loopback is never asked of it
        with httpx.Client(timeout=TIMEOUT_S, verify=ssl.create_default_context(), trust_env=not local) as http:
            yield cls(http, issuer)

    def client_credentials(self, client: str, secret: str, audience: str, scope: str) -> str:
        """RFC 6749 §4.4. The secret goes into the body or the Basic header, as the issuer says."""
        form = {"grant_type": "client_credentials"} | _given(audience=audience, scope=scope)
        methods = self._metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if "client_secret_basic" in methods:
            # RFC 6749 §2.3.1: both are form-encoded first, or a secret with `%` or `+` in it is another one
            return self._token(form, auth=httpx.BasicAuth(quote(client, safe=""), quote(secret, safe="")))
        return self._token(form | {"client_id": client, "client_secret": secret})

    def development(self, name: str) -> str:
        if DEVELOPMENT_GRANT not in self._metadata.get("grant_types_supported", []):
            raise SignInFailed(f"{self._issuer} is not a development issuer, so --as cannot be used with it")
        return self._token({"grant_type": DEVELOPMENT_GRANT, "username": name})

    def device(self, client: str, audience: str, scope: str, tell: Callable[[Prompt], None]) -> str:
        """Asks, tells the person what to do, and polls until they have signed in."""
        form = {"client_id": client} | _given(audience=audience, scope=scope)
        started = self._post("device_authorization_endpoint", form)
        url, code = started.get("verification_uri"), started.get("user_code")
        if "error" in started or not isinstance(url, str) or not isinstance(code, str):
            raise SignInFailed(f"{self._issuer} does not start a device sign-in: {_said(started)}")
        tell(Prompt(url, code, str(started.get("verification_uri_complete") or "")))
        poll = {"grant_type": DEVICE_GRANT, "client_id": client, "device_code": str(started.get("device_code"))}
        pause = float(started.get("interval") or DEFAULT_INTERVAL_S)
        end = time.monotonic() + float(started.get("expires_in") or 600)
        while time.monotonic() < end:
            time.sleep(pause)
            answer = self._post("token_endpoint", poll)
            error = answer.get("error")
            if error == "slow_down":
                pause += SLOW_DOWN_S
            elif error != "authorization_pending":
                return _access_token(answer)
        raise SignInFailed("nobody signed in in time; start again")

    def _token(self, form: Mapping[str, str], auth: httpx.Auth = NO_AUTH) -> str:
        return _access_token(self._post("token_endpoint", form, auth))

    def _post(self, endpoint: str, form: Mapping[str, str], auth: httpx.Auth = NO_AUTH) -> Mapping[str, Any]:
        url = self._metadata.get(endpoint)
        if not isinstance(url, str):
            raise SignInFailed(f"{self._issuer} has no {endpoint.replace('_', ' ')}")
        _check_url(url)
        return _object(self._issuer, lambda: self._http.post(url, data=dict(form), auth=auth))

    def _discover(self) -> Mapping[str, Any]:
        url = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
        found = _object(self._issuer, lambda: self._http.get(url))
        if found.get("issuer") != self._issuer:
            raise IssuerUnreachable(f"{url} speaks for another issuer")
        return found


def _object(issuer: str, ask: Callable[[], httpx.Response]) -> Mapping[str, Any]:
    """OAuth errors are objects too (RFC 6749 §5.2), so the status alone says little."""
    try:
        answer = ask()
        value = answer.json()
    except httpx.HTTPError as error:
        raise IssuerUnreachable(f"the issuer {issuer} gives no answer ({type(error).__name__})") from None
    except ValueError:
        raise IssuerUnreachable(f"the issuer {issuer} answered {answer.status_code} without JSON") from None
    if not isinstance(value, dict) or (answer.status_code >= 400 and "error" not in value):
        raise IssuerUnreachable(f"the issuer {issuer} answered {answer.status_code}")
    return value


def _access_token(answer: Mapping[str, Any]) -> str:
    token = answer.get("access_token")
    if "error" in answer or not isinstance(token, str) or not token.isascii() or not token.isprintable():
        raise SignInFailed(f"the issuer gives no token: {_said(answer)}")
    return token


def _said(answer: Mapping[str, Any]) -> str:
    """The error's code and description, fit for a terminal."""
    words = [answer.get("error"), answer.get("error_description")]
    text = ": ".join(str(word) for word in words if word) or "its answer is not understood"
    return "".join(letter for letter in text[:300] if letter.isprintable())


def _given(**fields: str) -> dict[str, str]:
    return {name: value for name, value in fields.items() if value}


def _check_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
        raise SignInFailed(f"{url} is not https, and a secret or token will not be sent to it")
