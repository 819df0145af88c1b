"""Server-sent events (WHATWG HTML §9.2): what changed, as HTML that the page puts in place.

A stream ends by itself after some minutes and the browser comes back, so that nobody listens on who signed out.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from starlette.responses import StreamingResponse

LONGEST_SECONDS = 300
BEAT_SECONDS = 15  # a comment, so that proxies and we notice a connection that is gone
RETRY_MS = 1000


def event(html: str, name: str = "message") -> str:
    """Every line of the data is a field of its own."""
    lines = "".join(f"data: {line}\n" for line in html.splitlines())
    return f"event: {name}\n{lines}\n"


def stream(events: AsyncIterator[str]) -> StreamingResponse:
    """`events`: what `event` made. Closes the iterator when the browser has gone."""
    return StreamingResponse(_bounded(events), media_type="text/event-stream", headers={"x-accel-buffering": "no"})


async def _bounded(events: AsyncIterator[str]) -> AsyncIterator[str]:
    yield f"retry: {RETRY_MS}\n\n"
    loop = asyncio.get_running_loop()
    deadline, waiting = loop.time() + LONGEST_SECONDS, asyncio.ensure_future(anext(events, None))
    try:
        while (left := deadline - loop.time()) > 0:
            await asyncio.wait([waiting], timeout=min(BEAT_SECONDS, left))
            if not waiting.done():
                yield ": still here\n\n"
                continue
            found = waiting.result()
            if found is None:
                return
            yield found
            waiting = asyncio.ensure_future(anext(events, None))
    finally:
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await waiting
        if close := getattr(events, "aclose", None):
            await close()
