"""Stands before every page (ASGI): nobody gets further who is not signed in, nothing is changed by another site's form.

    right host? ─▶ an open path? ─▶ signed in? ─▶ (unsafe method) from our own page, with its token? ─▶ the page

Cross-site requests are told apart twice: by `Origin` or `Sec-Fetch-Site`, which pages cannot set, and by the
session's `csrf`, in the form field of that name or the header `x-exeat-csrf`. A program with `Authorization: Bearer`
has no cookie that a foreign page could use, so it needs neither.
"""

import hmac
from urllib.parse import parse_qsl, quote, urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.web.pages import sentence
from console.web.people import SCOPE_KEY, Person
from console.web.signin import SignIn

OPEN = {"/health", "/style.css", "/sign-in", "/sign-in/back", "/signed-out"}
OPEN_UNDER = "/static/"
SAFE = {"GET", "HEAD"}
FIELD, HEADER = "csrf", "x-exeat-csrf"
MAX_BODY = 1 << 20  # forms of people; the largest is a policy that somebody pastes
FORM = "application/x-www-form-urlencoded"


class Guard:
    def __init__(self, app: ASGIApp, sign_in: SignIn) -> None:
        self._app, self._sign_in = app, sign_in
        self._host = urlsplit(sign_in.origin).netloc

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:  # nothing of ours is a websocket
            await send({"type": "websocket.close", "code": 1008})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        request, path = Request(scope, receive), scope["path"]
        if path == "/health":  # asked by supervisors, under whatever name they know
            await self._app(scope, receive, send)
            return
        refused = self._wrong_host(request)
        if refused is None and path not in OPEN and not path.startswith(OPEN_UNDER):
            person = await self._sign_in.person(request)
            scope[SCOPE_KEY] = person
            refused = self._stranger(request) if person is None else None
            if person is not None and request.method not in SAFE:
                refused, receive = await self._changing(request, person)
        await (refused or self._app)(scope, receive, send)

    def _wrong_host(self, request: Request) -> Response | None:
        """Under another name (DNS rebinding) a page of somebody else's would be of our origin."""
        if request.headers.get("host", "") == self._host:
            return None
        if request.method in SAFE:
            return RedirectResponse(self._sign_in.origin + quote(request.url.path, safe="/"), 307)
        return sentence("Another address", f"The console is at {self._sign_in.origin}.", status=421)

    def _stranger(self, request: Request) -> Response:
        if self._sign_in.why_not:
            return sentence("Sign in", self._sign_in.why_not, status=503)
        browser = request.method == "GET" and not request.url.path.startswith("/api/")
        if browser and "text/html" in request.headers.get("accept", "text/html"):
            asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(f"/sign-in?to={quote(asked, safe='')}", 303)
        headers = {"www-authenticate": 'Bearer realm="exeat console"'}
        return JSONResponse({"error": "sign_in_needed", "message": "Sign in first."}, 401, headers)

    async def _changing(self, request: Request, person: Person) -> tuple[Response | None, Receive]:
        """The answer if this may not change anything; and what gives the page its body once more."""
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY:
                return _too_large(request), request.receive
        again = _replayed(bytes(body), request.receive)
        if request.headers.get("authorization") is not None:
            return None, again
        ours = _own_origin(request, self._sign_in.origin) and _carries(request, bytes(body), person.csrf)
        told = "This did not come from a page of the console that you have open. Load the page again and repeat it."
        return (None if ours else sentence("Not done", told, status=403)), again


def _too_large(request: Request) -> Response:
    """In the shape that the caller reads."""
    told = f"At most {MAX_BODY} bytes."
    if request.url.path.startswith("/api/"):
        return JSONResponse({"error": "too_large", "message": told}, 413)
    return sentence("Too large", told, status=413)


def _own_origin(request: Request, origin: str) -> bool:
    said = request.headers.get("origin")
    return said == origin if said is not None else request.headers.get("sec-fetch-site") == "same-origin"


def _carries(request: Request, body: bytes, csrf: str) -> bool:
    given = request.headers.get(HEADER, "")
    if not given and request.headers.get("content-type", "").partition(";")[0].strip().lower() == FORM:
        fields = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
        given = next((value for name, value in fields if name == FIELD), "")
    return bool(csrf) and hmac.compare_digest(given.encode("utf-8", "replace"), csrf.encode())


def _replayed(body: bytes, receive: Receive) -> Receive:
    told = False

    async def again() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
