"""The development issuer: a real OIDC provider on loopback, for the demo and the tests, never for production.

Discovery, JWKS, client credentials, device flow, code with PKCE, and one grant of its own that hands out a token for a
named person or agent (which is why it refuses to listen anywhere but on loopback). `POST /dev/mode` makes an endpoint
slow, failing, hanging or garbage; `POST /dev/rotate` changes the signing key.

    python -m console.dev.issuer --port 8999 --state state/issuer
"""

import asyncio
import base64
import contextlib
import hmac
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import click
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from console.dev import pages
from console.dev.keyring import ALGORITHMS, KeyRing
from console.dev.mint import LIFETIME_S, PEOPLE_CLIENTS, Mint
from console.dev.sign_in import (
    CODE_LIFETIME_S,
    DEVICE_INTERVAL_S,
    DEVICE_LIFETIME_S,
    Code,
    GrantRefused,
    Refresh,
    SignIns,
)
from runtime.clock import Clock, SystemClock
from runtime.serve import bind_http
from runtime.settings import is_loopback

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
DEVELOPMENT_GRANT = "urn:exeat:grant-type:development"
MODES = ("ok", "slow", "failing", "garbage", "hang")
Handler = Callable[[Request], Awaitable[Response]]


class DevIssuer(Mint):
    """The provider; as a context it serves on a thread of its own, so that blocking tests and CLIs can ask it."""

    def __init__(self, state: Path | None = None, clock: Clock | None = None, algorithm: str = "RS256") -> None:
        super().__init__(KeyRing(state, algorithm), clock or SystemClock(), state)
        self.sign_ins = SignIns()
        self.modes: dict[str, tuple[str, float]] = {}
        self.hits: dict[str, int] = {}
        self.people_lifetime_s = LIFETIME_S  # of tokens from a browser's sign-in

    @classmethod
    @contextlib.contextmanager
    def serving(cls, port: int = 0, **options: Any) -> Iterator["DevIssuer"]:
        issuer = cls(**options)
        handle = bind_http(f"127.0.0.1:{port}")
        issuer.url = f"http://127.0.0.1:{handle.getsockname()[1]}"
        server = uvicorn.Server(_config(issuer))
        server.config.timeout_graceful_shutdown = 1
        thread = threading.Thread(target=server.run, args=([handle],), name="dev-issuer", daemon=True)
        thread.start()
        try:
            yield issuer  # the socket already listens: early callers wait in its backlog
        finally:
            server.should_exit = True
            thread.join(5)
            handle.close()

    @classmethod
    @contextlib.asynccontextmanager
    async def running(cls, port: int = 0, **options: Any) -> AsyncIterator["DevIssuer"]:
        context = cls.serving(port, **options)
        issuer = context.__enter__()
        try:
            yield issuer
        finally:
            await asyncio.to_thread(context.__exit__, None, None, None)

    def set_mode(self, endpoint: str, mode: str, seconds: float = 2.0) -> None:
        """`endpoint` is discovery, jwks, token or all; `slow` waits `seconds` and then answers rightly."""
        if mode not in MODES:
            raise ValueError(f"mode must be one of {', '.join(MODES)}")
        self.modes[endpoint] = (mode, seconds)

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._guard("discovery", self._discovery)),
                Route("/jwks", self._guard("jwks", self._jwks)),
                Route("/token", self._guard("token", self._token_endpoint), methods=["POST"]),
                Route("/device_authorization", self._start_device, methods=["POST"]),
                Route("/device", self._device_page, methods=["GET", "POST"]),
                Route("/authorize", self._authorize, methods=["GET", "POST"]),
                Route("/dev/mode", self._dev_mode, methods=["POST"]),
                Route("/dev/rotate", self._dev_rotate, methods=["POST"]),
                Route("/dev/sign", self._dev_sign, methods=["POST"]),
            ],
            # a page in a browser on the same machine must not reach us under a name of its own (DNS rebinding)
            middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])],
        )

    def _guard(self, name: str, handler: Handler) -> Handler:
        async def guarded(request: Request) -> Response:
            self.hits[name] = self.hits.get(name, 0) + 1
            mode, seconds = self.modes.get(name) or self.modes.get("all") or ("ok", 0.0)
            if mode in ("slow", "hang"):
                await asyncio.sleep(seconds if mode == "slow" else 3600)
            if mode == "failing":
                return JSONResponse({"error": "server_error"}, 500)
            if mode == "garbage":
                return Response(b"\x00<html>not json", media_type="application/json")
            return await handler(request)

        return guarded

    async def _discovery(self, request: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/jwks",
                "token_endpoint": f"{self.url}/token",
                "authorization_endpoint": f"{self.url}/authorize",
                "device_authorization_endpoint": f"{self.url}/device_authorization",
                "response_types_supported": ["code"],
                "grant_types_supported": [
                    "authorization_code",
                    "refresh_token",
                    "client_credentials",
                    DEVICE_GRANT,
                    DEVELOPMENT_GRANT,
                ],
                "subject_types_supported": ["public"],
                "code_challenge_methods_supported": ["S256"],
                "authorization_response_iss_parameter_supported": True,
                "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
                "id_token_signing_alg_values_supported": list(ALGORITHMS),
            }
        )

    async def _jwks(self, request: Request) -> Response:
        return JSONResponse(self.keys.jwks(), headers={"cache-control": "max-age=300"})

    async def _token_endpoint(self, request: Request) -> Response:
        form = await _form(request)
        try:
            answer = self._grant(form, request.headers.get("authorization", ""))
        except GrantRefused as refused:
            return JSONResponse({"error": refused.error, "error_description": refused.description}, refused.status)
        return JSONResponse(
            {**answer, "token_type": "Bearer", "expires_in": LIFETIME_S}, headers={"cache-control": "no-store"}
        )

    def _grant(self, form: dict[str, str], authorization: str) -> dict[str, str]:
        grant, client = form.get("grant_type", ""), form.get("client_id", "")
        if grant == "client_credentials":
            return {"access_token": self.agent_token(self._authenticated(form, authorization))}
        if grant == DEVELOPMENT_GRANT:
            return {"access_token": self._development(form)}
        if grant == DEVICE_GRANT:
            name = self.sign_ins.poll_device(form.get("device_code", ""), client, self.now())
            return {"access_token": self.person_token(name, azp=client), "id_token": self.id_token(name, client)}
        if grant == "authorization_code":
            redirect, verifier = form.get("redirect_uri", ""), form.get("code_verifier", "")
            code = self.sign_ins.take_code(form.get("code", ""), client, redirect, verifier, self.now())
            return self._signed_in(Refresh(client, code.person, code.signed_in), code.nonce)
        if grant == "refresh_token":
            return self._signed_in(self.sign_ins.take_refresh(form.get("refresh_token", ""), client))
        raise GrantRefused("unsupported_grant_type", grant)

    def _signed_in(self, whose: Refresh, nonce: str = "") -> dict[str, str]:
        """Tokens of a browser's sign-in, and what renews them without changing when it was."""
        age = self.now() - whose.signed_in
        access = self.person_token(whose.person, azp=whose.client, auth_age_s=age, lifetime_s=self.people_lifetime_s)
        id_token = self.id_token(whose.person, whose.client, nonce, auth_age_s=age)
        return {"access_token": access, "id_token": id_token, "refresh_token": self.sign_ins.start_refresh(whose)}

    def _authenticated(self, form: dict[str, str], authorization: str) -> str:
        """The client's name. RFC 6749 §2.3.1: Basic (form-encoded parts) or in the body. Raises GrantRefused."""
        client, secret = form.get("client_id", ""), form.get("client_secret", "")
        if authorization.lower().startswith("basic "):
            with contextlib.suppress(ValueError):
                left, _, right = base64.b64decode(authorization[6:], validate=True).decode().partition(":")
                client, secret = unquote(left), unquote(right)
        if not hmac.compare_digest(self.secrets.get(client, "").encode(), secret.encode()) or not secret:
            raise GrantRefused("invalid_client", "unknown client or wrong secret", 401)
        return client

    def _development(self, form: dict[str, str]) -> str:
        name = form.get("username", "")
        if name in self.people:
            return self.person_token(name, auth_age_s=int(form.get("auth_age_s", "0")))
        if name in self.agents:
            return self.agent_token(name)
        known = ", ".join([*self.people, *self.agents])
        raise GrantRefused("invalid_grant", f"nobody here is called {name!r}; known: {known}")

    async def _start_device(self, request: Request) -> Response:
        client = (await _form(request)).get("client_id", "")
        if client not in PEOPLE_CLIENTS:
            return JSONResponse({"error": "invalid_client"}, 401)
        code, device = self.sign_ins.start_device(client, self.now())
        page = f"{self.url}/device"
        answer = {"device_code": code, "user_code": device.user_code, "verification_uri": page}
        answer["verification_uri_complete"] = f"{page}?user_code={device.user_code}"
        return JSONResponse({**answer, "expires_in": DEVICE_LIFETIME_S, "interval": DEVICE_INTERVAL_S})

    async def _device_page(self, request: Request) -> Response:
        if request.method == "GET":
            fields = {"user_code": request.query_params.get("user_code", "")}
            return HTMLResponse(pages.choose("/device", fields, list(self.people)))
        form = await _form(request)
        name = form.get("username", "")
        known = name in self.people or not name
        done = known and self.sign_ins.answer_device(form.get("user_code", ""), name, self.now())
        said = "Done; go back to your terminal." if done else "No such code, or nobody of that name."
        return HTMLResponse(pages.say(said), 200 if done else 400)

    async def _authorize(self, request: Request) -> Response:
        asked = dict(request.query_params) if request.method == "GET" else await _form(request)
        if asked.get("client_id") not in PEOPLE_CLIENTS or not _loopback(asked.get("redirect_uri", "")):
            return HTMLResponse(pages.say("Unknown client, or a redirect that is not on loopback."), 400)
        if asked.get("response_type") != "code" or asked.get("code_challenge_method") != "S256":
            return HTMLResponse(pages.say("Only response_type=code with an S256 code_challenge."), 400)
        name = asked.pop("username", "")
        if request.method == "GET" or name not in self.people:
            return HTMLResponse(pages.choose("/authorize", asked, list(self.people)))
        challenge, nonce = asked.get("code_challenge", ""), asked.get("nonce", "")
        redirect, expires = asked["redirect_uri"], self.now() + CODE_LIFETIME_S
        code = Code(asked["client_id"], redirect, challenge, nonce, name, expires, self.now())
        key = self.sign_ins.start_code(code)
        answer = urlencode({"code": key, "state": asked.get("state", ""), "iss": self.url})
        return RedirectResponse(f"{redirect}{'&' if '?' in redirect else '?'}{answer}", 303)

    async def _dev_mode(self, request: Request) -> Response:
        body = await request.json()
        self.set_mode(body["endpoint"], body["mode"], body.get("seconds", 2.0))
        return JSONResponse({"modes": self.modes})

    async def _dev_rotate(self, request: Request) -> Response:
        body = await request.json()
        return JSONResponse({"kid": self.keys.rotate(body.get("algorithm", "RS256"), keep=body.get("keep", True))})

    async def _dev_sign(self, request: Request) -> Response:
        body = await request.json()
        return JSONResponse({"token": self.sign(body["claims"], body.get("headers"))})


async def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))


def _config(issuer: DevIssuer) -> uvicorn.Config:
    return uvicorn.Config(issuer.app(), log_config=None, access_log=False, lifespan="off", http="h11")


def _loopback(redirect: str) -> bool:
    url = urlsplit(redirect)
    return url.scheme == "http" and is_loopback(url.hostname)


@click.command()
@click.option("--port", default=8999, show_default=True, help="Port on 127.0.0.1; 0 picks a free one.")
@click.option("--state", type=click.Path(path_type=Path), help="Folder for keys and client secrets.")
def main(port: int, state: Path | None) -> None:
    """Run the development issuer until stopped. It prints its URL."""
    issuer = DevIssuer(state)
    handle = bind_http(f"127.0.0.1:{port}")
    issuer.url = f"http://127.0.0.1:{handle.getsockname()[1]}"
    click.echo(issuer.url)
    uvicorn.Server(_config(issuer)).run([handle])


if __name__ == "__main__":
    main()
