"""The console's ASGI app: what runs here and how to use it, for people who are signed in (`signin`, `guard`).

`/health` and the style sheet are all that a stranger gets, and the way to sign in.
"""

import contextlib
from collections.abc import AsyncIterator
from importlib.resources import files

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.web.guard import Guard
from console.web.pages import sentence, template
from console.web.people import Forbidden, current_person
from console.web.signin import SignIn
from runtime import health
from runtime.clock import Clock, SystemClock
from runtime.settings import Settings

HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)
SERVICES = {
    "authz": "who is asking, and may they",
    "extproc": "holds, masks and records",
    "approvals": "who must say yes",
    "holds": "approvals, as extproc sees it",
    "envoy-admin": "Envoy, which carries the traffic",
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
    sign_in = SignIn(settings, clock or SystemClock())

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with sign_in:
            yield

    async def home(request: Request) -> Response:
        states = {name: await health.socket_answers(settings.socket(name)) for name in SERVICES}
        parts = [(name, SERVICES[name], up) for name, up in states.items()]
        about = {"parts": parts, "gateway": settings.gateway.listen, "id": settings.gateway.id}
        return HTMLResponse(template("home.html").render(person=current_person(request), **about))

    async def style(request: Request) -> Response:
        return Response(_text("style.css"), media_type="text/css")

    async def healthy(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    routes = [Route("/", home), Route("/style.css", style), Route("/health", healthy), *sign_in.routes()]
    return Starlette(
        routes=routes,
        middleware=[Middleware(SecurityHeaders), Middleware(Guard, sign_in=sign_in)],
        exception_handlers={Forbidden: _forbidden},
        lifespan=lifespan,
    )


async def _forbidden(request: Request, error: Exception) -> Response:
    return sentence("Not yours", f"This page is for members of: {error}.", status=403, link=("/", "Home"))


def _text(name: str) -> str:
    return files("console.web").joinpath("templates", name).read_text("utf-8")
