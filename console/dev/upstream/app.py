"""The HTTP shell of the simulated upstreams: `python -m console.dev.upstream.app --port N`."""

import asyncio
import itertools
import json
from collections import deque
from collections.abc import AsyncIterator, Iterable
from typing import Any

import click
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from console.dev.upstream import anthropic, gemini, openai
from console.dev.upstream.mcp import McpServer
from console.dev.upstream.script import Scenario, choose
from runtime import serve

SSE = "text/event-stream; charset=utf-8"
ACCOUNTS = [
    {"account": "GB82WEST12345698765432", "holder": "Ada Lovell", "balance": 1520.75, "ssn": "536-22-1234"},
    {"account": "DE89370400440532013000", "holder": "Konrad Fuse", "balance": 88.1, "ssn": "457-55-5462"},
]


class Upstream:
    """Everything it received, newest last, and the ledger's bookings."""

    def __init__(self) -> None:
        self.received: deque[dict[str, Any]] = deque(maxlen=1000)
        self.bookings: list[Any] = []
        self.mcp = McpServer()

    def app(self) -> Starlette:
        post = ["POST"]
        return Starlette(
            routes=[
                Route("/v1/messages", self._messages, methods=post),
                Route("/v1/chat/completions", self._chat, methods=post),
                Route("/v1/responses", self._responses, methods=post),
                Route("/v1/models", self._models),
                Route("/accounts", self._accounts),
                Route("/query", self._query, methods=post),
                Route("/transfers", self._transfers, methods=post),
                Route("/v1beta/models/{rest:path}", self._gemini, methods=post),
                Route("/openai/deployments/{model}/chat/completions", self._chat, methods=post),
                Route("/api/v1/{rest:path}", self._kubernetes, methods=["GET", "POST", "DELETE"]),
                Route("/mcp", self._mcp, methods=["GET", "POST", "DELETE"]),
                Route("/sim/received", self._received),
                Route("/sim/echo", self._echo, methods=["GET", "POST", "PUT"]),
                Route("/health", self._health),
            ]
        )

    async def _keep(self, request: Request) -> Any:
        body = await request.body()
        headers = {name: value for name, value in request.headers.items()}
        entry = {"method": request.method, "path": request.url.path, "query": request.url.query}
        self.received.append({**entry, "headers": headers, "body": body.decode("utf-8", "replace")})
        try:
            return json.loads(body) if body else {}
        except ValueError:
            return {}

    async def _messages(self, request: Request) -> Response:
        asked = await self._keep(request)
        if asked.get("messages") is None:
            error = {"type": "invalid_request_error", "message": "messages: field required"}
            return JSONResponse({"type": "error", "error": error}, 400)
        scenario = choose(asked)
        if not asked.get("stream"):
            return JSONResponse(anthropic.message(asked, scenario))
        lines = (_named(name, data) for name, data in anthropic.events(asked, scenario))
        return StreamingResponse(_paced(lines, scenario), media_type=SSE)

    async def _chat(self, request: Request) -> Response:
        asked = await self._keep(request)
        scenario = choose(asked)
        if not asked.get("stream"):
            return JSONResponse(openai.completion(asked, scenario))
        lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in openai.chunks(asked, scenario)]
        return StreamingResponse(_paced([*lines, "data: [DONE]\n\n"], scenario), media_type=SSE)

    async def _responses(self, request: Request) -> Response:
        asked = await self._keep(request)
        scenario = choose(asked)
        if not asked.get("stream"):
            return JSONResponse(openai.response(asked, scenario))
        lines = (_named(name, data) for name, data in openai.response_events(asked, scenario))
        return StreamingResponse(_paced(lines, scenario), media_type=SSE)

    async def _models(self, request: Request) -> Response:
        await self._keep(request)
        return JSONResponse({"object": "list", "data": [{"id": "simulated", "object": "model", "owned_by": "exeat"}]})

    async def _accounts(self, request: Request) -> Response:
        await self._keep(request)
        asked = request.query_params.get("limit", "")
        accounts = list(itertools.islice(itertools.cycle(ACCOUNTS), int(asked))) if asked.isdigit() else ACCOUNTS
        return JSONResponse({"accounts": accounts, "bookings": self.bookings})

    async def _query(self, request: Request) -> Response:
        asked = await self._keep(request)
        return JSONResponse({"query": asked.get("query"), "rows": ACCOUNTS})

    async def _transfers(self, request: Request) -> Response:
        self.bookings.append(await self._keep(request))
        return JSONResponse({"status": "booked", "number": len(self.bookings)}, 201)

    async def _gemini(self, request: Request) -> Response:
        asked = await self._keep(request)
        scenario = choose(asked)
        if not request.url.path.endswith(":streamGenerateContent"):
            return JSONResponse(gemini.answer(scenario))
        told = [json.dumps(chunk) for chunk in gemini.chunks(scenario)]
        if request.query_params.get("alt") == "sse":
            return StreamingResponse(_paced([f"data: {each}\r\n\r\n" for each in told], scenario), media_type=SSE)
        array = [f"{',' if at else '['}{each}" for at, each in enumerate(told)]
        return StreamingResponse(_paced([*array, "]"], scenario), media_type="application/json")

    async def _kubernetes(self, request: Request) -> Response:
        """Pods with a customer's data in an annotation; watched, as one JSON document a line."""
        await self._keep(request)
        pod = {
            "kind": "Pod",
            "apiVersion": "v1",
            "metadata": {"name": "p", "annotations": {"note": ACCOUNTS[0]["ssn"]}},
        }
        if request.query_params.get("watch"):
            lines = [json.dumps({"type": kind, "object": pod}) + "\n" for kind in ("ADDED", "MODIFIED")]
            return StreamingResponse(iter(lines), media_type="application/json;stream=watch")
        return JSONResponse({"kind": "PodList", "apiVersion": "v1", "items": [pod]})

    async def _mcp(self, request: Request) -> Response:
        return await self.mcp.handle(request, await self._keep(request))

    async def _echo(self, request: Request) -> Response:
        """What a careless upstream does: it repeats the headers, the injected key among them."""
        await self._keep(request)
        return JSONResponse(self.received[-1], headers={"x-echo": request.headers.get("x-api-key", "-")})

    async def _received(self, request: Request) -> Response:
        return JSONResponse(list(self.received))

    async def _health(self, request: Request) -> Response:
        return JSONResponse({"status": "ok"})


def _named(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


async def _paced(lines: Iterable[str], scenario: Scenario) -> AsyncIterator[bytes]:
    for line in lines:
        yield line.encode()
        await asyncio.sleep(scenario.delay_ms / 1000)


@click.command()
@click.option("--port", default=8998, show_default=True, help="Port on 127.0.0.1.")
def main(port: int) -> None:
    """Serve the simulated upstreams until stopped."""
    serve.main(lambda: serve.serve_http(Upstream().app(), f"127.0.0.1:{port}"))


if __name__ == "__main__":
    main()
