"""The console's ASGI app: a page that says what runs here and how to use it, and a health check.

It shows nothing of any exchange and needs no sign-in. Approvals are answered with `exeat approvals`.
"""

from importlib.resources import files

from jinja2 import Environment, select_autoescape
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runtime import health
from runtime.settings import Settings

HEADERS = (
    (b"content-security-policy", b"default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'"),
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


def app(settings: Settings) -> Starlette:
    environment = Environment(autoescape=select_autoescape(default=True))
    page = environment.from_string(_text("home.html"))

    async def home(request: Request) -> Response:
        states = {name: await health.socket_answers(settings.socket(name)) for name in SERVICES}
        parts = [(name, SERVICES[name], up) for name, up in states.items()]
        return HTMLResponse(page.render(parts=parts, gateway=settings.gateway.listen, id=settings.gateway.id))

    async def style(request: Request) -> Response:
        return Response(_text("style.css"), media_type="text/css")

    async def healthy(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    routes = [Route("/", home), Route("/style.css", style), Route("/health", healthy)]
    return Starlette(routes=routes, middleware=[Middleware(SecurityHeaders)])


def _text(name: str) -> str:
    return files("console.web").joinpath("templates", name).read_text("utf-8")
