"""`/sessions`: find one; see it again as it happened, masked as recorded.

The page holds the whole story; the script plays it. Without script it is there to be read, and the marks of the
timeline are links into it.
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from audit.read import Reader, sessions
from audit.read.story import Line, Story, story
from audit.read.timeline import timeline
from console.web.desk import desk
from console.web.forms import filter_of
from console.web.menu import RECORD
from console.web.people import current_person, needs
from console.web.render import page

SHOWN = 100
WIDTH, HEIGHT = 1000, 34


@needs(*RECORD)
async def listed(request: Request) -> Response:
    at = desk(request)
    which = filter_of(request, at.clock.now_us())
    rows = await at.read(current_person(request), lambda reader: reader.ask(sessions.newest(which, SHOWN)))
    return page(request, "sessions.html", {"rows": rows, "asked": request.query_params})


@needs(*RECORD)
async def one(request: Request) -> Response:
    at, exchange = desk(request), request.query_params.get("exchange", "")

    def ask(reader: Reader) -> tuple[str, Story, list[dict[str, Any]]]:
        key = sessions.key(reader, request.path_params["session"])
        frames, notes = sessions.load(reader, key, exchange)
        return key, story(timeline(frames, notes)), reader.ask(sessions.exchanges(key))

    key, told, exchanges = await at.read(current_person(request), ask)
    about = {"key": key, "story": told, "exchanges": exchanges, "exchange": exchange}
    return page(request, "session.html", about | {"marks": [_mark(line, told) for line in told.lines], "width": WIDTH})


def _mark(line: Line, told: Story) -> dict[str, Any]:
    """A stroke on the timeline: facts reach its whole height, text half of it."""
    x = line.play_us / max(told.length_us, 1) * (WIDTH - 4)
    tone = line.tone if line.tone in ("hold", "deny", "mask") else "body"
    tall = HEIGHT if tone != "body" else HEIGHT // 2
    return {"line": line, "x": round(x, 1), "y": (HEIGHT - tall) / 2, "height": tall, "tone": tone}


ROUTES = [Route("/sessions", listed), Route("/sessions/{session:path}", one)]
