"""The console's ASGI app: its pages for people who are signed in (`signin`, `guard`), and the same as a JSON API.

`/health`, the style sheet and the script are all that a stranger gets, and the way to sign in.
"""

import contextlib
from collections.abc import AsyncIterator
from importlib.resources import files

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.web import menu, render
from console.web.api import site as api
from console.web.api.operation import PREFIX, refused
from console.web.desk import Desk
from console.web.guard import Guard
from console.web.people import Forbidden
from console.web.signin import SignIn
from console.web.site import (
    approvals,
    authenticators,
    connections,
    decisions,
    evidence,
    home,
    live,
    masking,
    policies,
    revocations,
    sessions,
    sql,
    standing,
    trials,
)
from runtime.clock import Clock, SystemClock
from runtime.errors import CallerError, Error
from runtime.settings import Settings

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)
HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),  # not `no-referrer`: browsers would send our own forms with `Origin: null`
    (b"cache-control", b"no-store"),
)
SITES = (
    home,
    approvals,
    authenticators,
    standing,
    live,
    sessions,
    decisions,
    policies,
    trials,
    masking,
    connections,
    revocations,
    evidence,
    sql,
    api,
)
CODES = {404: "not_found", 405: "method_not_allowed"}
STATIC = {
    "/style.css": ("style.css", "text/css"),
    "/static/app.js": ("app.js", "text/javascript"),
    "/static/sign.js": ("sign.js", "text/javascript"),
}


class SecurityHeaders:
    """Added to every answer (ASGI), errors included."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *HEADERS]
            await send(message)

        await self._app(scope, receive, with_headers)


def app(settings: Settings, clock: Clock | None = None) -> Starlette:
    clock = clock or SystemClock()
    desk = Desk(settings, clock)
    sign_in = SignIn(settings, clock, desk.note)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with sign_in:
            yield
        desk.close()

    made = Starlette(
        routes=[*_static(), Route("/health", _healthy), *sign_in.routes(), *pages()],
        middleware=[Middleware(SecurityHeaders), Middleware(Guard, sign_in=sign_in)],
        exception_handlers={Forbidden: _forbidden, Error: _error, HTTPException: _http},
        lifespan=lifespan,
    )
    made.state.desk, made.state.templates = desk, render.environment()
    made.state.templates.globals["nav"] = menu.nav
    return made


def pages() -> list[BaseRoute]:
    """Everything that needs somebody signed in."""
    return [route for site in SITES for route in site.ROUTES]


def _static() -> list[Route]:
    return [Route(path, _file(name, media)) for path, (name, media) in STATIC.items()]


def _file(name: str, media: str) -> "_Static":
    return _Static(files("console.web").joinpath("static", name).read_bytes(), media)


class _Static:
    """A file of ours, read once (ASGI)."""

    def __init__(self, content: bytes, media: str) -> None:
        self._content, self._media = content, media

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await Response(self._content, media_type=self._media)(scope, receive, send)


async def _healthy(request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _forbidden(request: Request, error: Exception) -> Response:
    return _told(request, "Not yours", f"This page is for members of: {error}.", 403)


async def _error(request: Request, error: Exception) -> Response:
    """What we raise on purpose holds no content, only a sentence."""
    assert isinstance(error, Error)
    status = 400 if isinstance(error, CallerError) else 503
    return _told(request, "That did not work" if status == 400 else "Not now", error.message, status)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if request.url.path.startswith(PREFIX):
        answered = refused(error.status_code, CODES.get(error.status_code, "refused"), error.detail)
        answered.headers.update(error.headers or {})
        return answered
    title = "Nothing here" if error.status_code == 404 else "That did not work"
    return _told(request, title, error.detail, error.status_code)


def _told(request: Request, title: str, text: str, status: int) -> Response:
    return render.page(request, "error.html", {"title": title, "text": text}, status)
