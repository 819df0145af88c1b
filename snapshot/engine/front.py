"""OPA's REST API, as far as decisions need it: `POST` and `GET /v1/data/{path}`, `/health`.

The semantics are those of OPA's server.go: `{}` for undefined, `{"result": …}` otherwise, 400 for what is no JSON
object, 500 with OPA's error object for a failed evaluation. Beyond OPA: builtin errors are always strict, and 503
says that nothing was decided (no snapshot yet, a deadline that passed, a worker that died).
"""

import json
import re
from typing import Any
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Lifespan, Receive, Scope, Send

from runtime import log
from runtime.errors import GatewayError
from snapshot.engine.frames import plain_input
from snapshot.engine.pool import Pool
from snapshot.engine.process import Evaluated, RegoFailed

DATA = "/v1/data"
MAX_BODY = 8 << 20  # an input describes a request, it does not carry it
# each distinct document is compiled once and kept: callers that ask for endless ones would fill the memory
MAX_DOCUMENTS = 100
UNSUPPORTED = ("explain", "metrics", "provenance", "instrument")  # of OPA's parameters: refused rather than left out

PLACE = re.compile(r"^(?P<file>.+?):(?P<row>[0-9]+): (?P<code>[a-z_]+): (?P<message>.*)$", re.DOTALL)
NO_INPUT = {"code": "api_usage_warning", "message": "'input' key missing from the request"}

logger = log.get("engine")


class Refused(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        self.response = _error(status, code, message)


class Front:
    """The ASGI application. It routes by itself: Starlette's own way there costs as much as the rest of it here."""

    def __init__(self, pool: Pool, lifespan: Lifespan[Starlette] | None = None) -> None:
        self._pool = pool
        self._lifespan = Starlette(lifespan=lifespan)
        self._documents: set[tuple[str, ...]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._lifespan(scope, receive, send)
            return
        response = await self._respond(Request(scope, receive))
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        path: str = request.scope["path"]
        if path == "/health" and request.method == "GET":
            return _json(200 if self._pool.ready else 500, {})
        if path != DATA and not path.startswith(f"{DATA}/"):
            return _error(404, "resource_not_found", "there is nothing here")
        if request.method not in ("GET", "POST"):
            return _error(405, "invalid_parameter", "documents are asked for with GET or POST")
        return await self._data(request)

    async def _data(self, request: Request) -> Response:
        try:
            path = self._path(request)
            body, has_input = await _body(request)
            answer = await self._pool.evaluate(path, body)
        except Refused as refused:
            return refused.response
        except RegoFailed as error:
            logger.warning("evaluation_failed", extra={"fields": {"kind": error.kind}})
            return _failed(error)
        except GatewayError as error:
            logger.warning("no_decision", extra={"fields": {"code": error.code}})
            return _error(503, error.code, error.message)
        return _answer(answer, warn=request.method == "POST" and not has_input)

    def _path(self, request: Request) -> tuple[str, ...]:
        """The document's steps, unescaped one by one, as OPA does it."""
        raw = request.scope.get("raw_path") or request.url.path.encode()
        steps = raw.partition(b"?")[0].decode("ascii", "replace").removeprefix(DATA).split("/")
        path = tuple(unquote(step) for step in steps if step)
        if any('"' in step or "\0" in step for step in path):
            raise Refused(500, "internal_error", "invalid ref term")  # OPA's own status for it
        for name in UNSUPPORTED:
            if name in request.query_params:
                raise Refused(400, "invalid_parameter", f"the embedded engine does not offer `{name}`")
        if path not in self._documents and len(self._documents) >= MAX_DOCUMENTS:
            raise Refused(503, "too_many_documents", f"more than {MAX_DOCUMENTS} documents were asked for")
        self._documents.add(path)
        return path


async def _body(request: Request) -> tuple[bytes, bool]:
    """A JSON object, checked, and whether it carries `input`; b"" for none."""
    if request.method == "GET":
        given = request.query_params.getlist("input")
        return _checked(b'{"input": ' + given[-1].encode("utf-8", "replace") + b"}") if given else (b"", False)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise Refused(413, "invalid_parameter", f"the body is larger than {MAX_BODY} bytes")
    return _checked(bytes(body)) if body.strip() else (b"", False)


def _checked(body: bytes) -> tuple[bytes, bool]:
    if plain_input(body):
        return body, True
    try:
        document = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Refused(400, "invalid_parameter", "body contains malformed input document") from None
    if document is not None and not isinstance(document, dict):
        raise Refused(400, "invalid_parameter", "body contains malformed input document: not an object")
    # a null input is none at all, as for OPA
    return (body, document.get("input") is not None) if document else (b"", False)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _answer(answer: Evaluated, *, warn: bool) -> Response:
    parts = [] if answer.json is None else [b'"result":' + answer.json]
    if warn:
        parts.append(b'"warning":' + json.dumps(NO_INPUT).encode())
    return Response(b"{" + b",".join(parts) + b"}\n", media_type="application/json")


def _failed(error: RegoFailed) -> Response:
    """types.ErrorV1 with its list of topdown errors."""
    if error.kind != "eval_error":
        return _error(500, "internal_error", error.text)
    found: dict[str, Any] = {"code": "eval_internal_error", "message": error.text}
    match = PLACE.match(error.text)
    if match:
        location = {"file": match["file"], "row": int(match["row"]), "col": 0}
        found = {"code": match["code"], "message": match["message"], "location": location}
    body = {"code": "internal_error", "message": "error(s) occurred while evaluating query", "errors": [found]}
    return _json(500, body)


def _error(status: int, code: str, message: str) -> Response:
    return _json(status, {"code": code, "message": message})


def _json(status: int, body: dict[str, Any]) -> Response:
    return Response(json.dumps(body).encode() + b"\n", status, media_type="application/json")
