"""How people sign in and out of the console: `/sign-in`, `/sign-in/back`, `/sign-out`, `/signed-out`.

    /sign-in?to=/approvals          to the issuer and back to /approvals
    /sign-in?to=/approvals&again=1  although signed in: a grant needs a fresh `auth_time`

Signing in or out is an event before it takes effect: `person.signed_in` {email, groups, roles, auth_time, amr,
again, through}, `person.signed_out`. What failed is the issuer's to record: here strangers could fill the spool.

Browsers hold a session's cookie (HttpOnly, SameSite=Lax, Secure and `__Host-` over https); tokens stay here.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any, Self
from urllib.parse import parse_qsl, quote, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from audit.write import Value
from console.web.pages import sentence
from console.web.people import Person, roles
from console.web.sealed import Seal
from console.web.sessions import Session, Sessions
from identity import (
    Client,
    Identity,
    KeysUnavailable,
    Provider,
    ProviderUnavailable,
    SignInRefused,
    TokenRefused,
    code_flow,
    people_issuer,
)
from runtime import log
from runtime.clock import Clock
from runtime.errors import Error, GatewayError
from runtime.settings import Settings, is_loopback

BACK = "/sign-in/back"
RENEW_SECONDS = 30  # a token with less left is renewed before a page uses it
MAX_GROUPS = 64  # of an event
MAX_ADDRESS = 1000  # characters; it travels in a cookie
MOST_ON_THEIR_WAY = 5  # sign-ins of one browser at once (tabs); their cookies travel with every request
UNSAID = (
    "Nobody can sign in here: the settings name no issuer of people. Set people.issuer in exeat.toml, and at the "
    "issuer a client for the console (docs/issuers.md)."
)
UNREACHABLE = (
    "Nobody can sign in here: the console listens on more than this machine, and the settings do not say by which "
    "https address browsers reach it. Set console.public_url in exeat.toml."
)
Note = Callable[[Identity, str, Mapping[str, Value]], None]
logger = log.get("console")


class SecretUnreadable(GatewayError):
    code = "secret_unreadable"


class SignIn:
    """`async with SignIn(settings, clock) as sign_in:` then its routes and `await sign_in.person(request)`."""

    def __init__(self, settings: Settings, clock: Clock, note: Note) -> None:
        """`note` makes an event durable, or raises an Error; then nobody is signed in."""
        self._settings, self._clock, self._note = settings, clock, note
        console = settings.console
        self.origin = console.url
        secure = self.origin.startswith("https:")
        self._cookie = "__Host-exeat" if secure else "exeat"
        self._cookies: dict[str, Any] = {"path": "/", "secure": secure, "httponly": True, "samesite": "lax"}
        self._sessions = Sessions(clock, idle_minutes=console.idle_minutes, hours=console.session_hours)
        self._seal = Seal()
        self._provider = self._made(settings)
        self._open = AsyncExitStack()

    @property
    def why_not(self) -> str:
        """Why nobody can sign in at all, a sentence for whoever runs this; "" if they can."""
        if self._settings.people.issuer is None:
            return UNSAID
        reachable = self.origin.startswith("https:") or is_loopback(urlsplit(self.origin).hostname)
        return "" if reachable else UNREACHABLE

    async def __aenter__(self) -> Self:
        if self._provider is not None:
            await self._open.enter_async_context(self._provider)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    def routes(self) -> list[Route]:
        return [
            Route("/sign-in", self._begin),
            Route(BACK, self._back),
            Route("/sign-out", self._end, methods=["POST"]),
            Route("/signed-out", self._ended),
        ]

    async def person(self, request: Request) -> Person | None:
        """Who sends this request: by the browser's session, or a program by `Authorization: Bearer`."""
        bearer = request.headers.get("authorization")
        if bearer is not None:
            return await self._by_token(bearer)
        session = self._sessions.find(request.cookies.get(self._cookie, ""))
        if session is None or not await self._current(session):
            return None
        known = roles(session.identity, self._settings.people)
        return Person(session.identity, known, session.token, session.csrf)

    # the pages

    async def _begin(self, request: Request) -> Response:
        if self.why_not or self._provider is None:
            return sentence("Sign in", self.why_not, status=503)
        asked = request.query_params
        started = code_flow.start(local(asked.get("to", "/")), self._now(), again=asked.get("again") == "1")
        try:
            address = await self._provider.address(started, self.origin + BACK)
        except ProviderUnavailable as down:
            return sentence("Sign in", f"The issuer of people cannot be asked. {down.message}", status=503)
        answer = RedirectResponse(address, 303)
        waiting = [name for name in request.cookies if name.startswith(f"{self._cookie}-in-")]
        for name in waiting if len(waiting) >= MOST_ON_THEIR_WAY else []:
            answer.delete_cookie(name, **self._cookies)
        sealed = self._seal.close(started)
        answer.set_cookie(self._on_its_way(started.state), sealed, max_age=code_flow.MAX_SECONDS, **self._cookies)
        return answer

    async def _back(self, request: Request) -> Response:
        if self._provider is None:
            return sentence("Sign in", self.why_not, status=503)
        query = parse_qsl(request.url.query, keep_blank_values=True, max_num_fields=20)
        name = self._on_its_way(dict(query).get("state", ""))
        started = self._seal.open(request.cookies.get(name, ""))
        try:
            if started is None:
                raise SignInRefused("The sign-in that came back is not one that this browser began; begin again.")
            signed_in = await self._provider.redeem(started, query, self.origin + BACK)
            facts = self._facts(signed_in.identity, again=started.again)
            await asyncio.to_thread(self._note, signed_in.identity, "person.signed_in", facts)
        except Error as error:
            return self._failed(error, name)
        self._sessions.close(request.cookies.get(self._cookie, ""))
        answer = RedirectResponse(signed_in.to, 303)
        answer.set_cookie(self._cookie, self._sessions.open(signed_in), **self._cookies)
        answer.delete_cookie(name, **self._cookies)
        logger.info("signed_in", extra={"fields": {"again": started.again}})
        return answer

    def _failed(self, error: Error, cookie: str) -> Response:
        logger.warning("sign_in_failed", extra={"fields": {"code": error.code}})
        status = 503 if isinstance(error, GatewayError) else 400
        answer = sentence("Sign in", error.message, status=status, link=("/sign-in", "Begin again"))
        answer.delete_cookie(cookie, **self._cookies)
        return answer

    def _facts(self, identity: Identity, *, again: bool) -> dict[str, Value]:
        known: dict[str, Value] = {
            "email": identity.email,
            "groups": list(identity.groups[:MAX_GROUPS]),
            "roles": sorted(roles(identity, self._settings.people)),
            "amr": list(identity.amr),
            "again": again,
            "through": "console",
        }
        return known if identity.auth_time is None else {**known, "auth_time": identity.auth_time}

    async def _end(self, request: Request) -> Response:
        cookie = request.cookies.get(self._cookie, "")
        session = self._sessions.find(cookie)
        self._sessions.close(cookie)
        if session is not None:
            try:  # signed out all the same
                await asyncio.to_thread(self._note, session.identity, "person.signed_out", {"through": "console"})
            except Error as error:
                logger.error("sign_out_not_recorded", extra={"fields": {"code": error.code}})
        answer = RedirectResponse("/signed-out", 303)
        answer.delete_cookie(self._cookie, **self._cookies)
        return answer

    async def _ended(self, request: Request) -> Response:
        told = "You are signed out of the console. At your issuer you may still be signed in."
        return sentence("Signed out", told, link=("/sign-in", "Sign in"))

    # who it is

    async def _current(self, session: Session) -> bool:
        """False once the token is over and the issuer gives no other."""
        if self._provider is None:
            return False
        async with session.lock:
            try:
                if session.identity.expires_at - self._now() < RENEW_SECONDS and session.refresh:
                    session.renew(await self._provider.renew(session.refresh, session.identity))
            except SignInRefused:
                session.refresh = ""  # withdrawn at the issuer: what is left of the token is all there is
            except ProviderUnavailable:
                pass  # the token may outlast the issuer's trouble
        return session.identity.expires_at > self._now()

    async def _by_token(self, authorization: str) -> Person | None:
        scheme, _, token = authorization.partition(" ")
        if self._provider is None or scheme.lower() != "bearer":
            return None
        try:
            identity = await self._provider.verify(token)
        except (TokenRefused, KeysUnavailable):
            return None
        return Person(identity, roles(identity, self._settings.people), token)

    def _on_its_way(self, state: str) -> str:
        return f"{self._cookie}-in-{''.join(filter(str.isalnum, state[:8]))}"

    def _now(self) -> int:
        return self._clock.now_us() // 1_000_000

    def _made(self, settings: Settings) -> Provider | None:
        issuer = people_issuer(settings.people)
        if issuer is None or self.why_not:
            return None
        console = settings.console
        file, scope = console.client_secret_file, settings.people.scope
        try:
            secret = file.read_text("utf-8").strip() if file else ""
        except OSError as error:
            raise SecretUnreadable(f"console.client_secret_file: {file}: {error.strerror}") from None
        mine = Client(console.client_id, secret, scope, max_age=console.session_hours * 3600)
        agents = [audience for issuer in settings.issuers for audience in issuer.audiences]
        return Provider(issuer, mine, self._clock, foreign=agents)


def again(to: str) -> str:
    """The address by which a signed-in person signs in once more and comes back to `to`, for acts that need it."""
    return f"/sign-in?again=1&to={quote(to, safe='')}"


def local(to: str) -> str:
    """`to` if it is a path of ours, else `/`: no other site is reached by way of our sign-in."""
    plain = to.startswith("/") and to[1:2] not in ("/", "\\") and "\\" not in to and to.isprintable()
    address = quote(to, safe="/?&=%#-._~:,;+@!$'()*") if plain and not to.startswith("/sign-") else "/"
    return address if len(address) <= MAX_ADDRESS else "/"
