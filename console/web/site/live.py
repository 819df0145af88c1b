"""`/live`: what happens now, as it reaches the record. A stream is one read, in the name of who watches."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from audit.read import Question, Reader
from audit.read.timeline import Note
from console.web.desk import desk
from console.web.menu import RECORD
from console.web.people import current_person, needs
from console.web.render import fragment, page
from console.web.stream import event, stream
from runtime.errors import Error

SHOWN = 50  # to begin with; the script keeps 300
EVERY_SECONDS = 1.0  # the shipper sends about as often
KINDS = ("decision", "approval", "masking", "exchange")
COLUMNS = (
    "ts, toUnixTimestamp64Micro(ts) AS at_us, log_index, exchange, session, connection, subject, agent, type, body"
)


def newest(after: int, limit: int) -> Question:
    """The newest events that people ask about, newest first; `after`: an index of the log, -1 for the beginning."""
    sql = (
        f"SELECT {COLUMNS} FROM events WHERE kind IN {{kinds:Array(String)}} AND toInt64(log_index) > {{after:Int64}}"  # noqa: S608
        " ORDER BY log_index DESC LIMIT {limit:UInt32}"
    )
    return Question("live", sql, {"kinds": list(KINDS), "after": after, "limit": limit})


def told(row: dict[str, Any]) -> dict[str, Any]:
    """A row with its fact as a sentence."""
    return row | {"text": Note.of(row["at_us"], row["exchange"], row["type"], row["body"]).text}


@needs(*RECORD)
async def live(request: Request) -> Response:
    rows = await desk(request).read(current_person(request), lambda reader: reader.ask(newest(-1, SHOWN)))
    last = max((int(row["log_index"]) for row in rows), default=-1)
    return page(request, "live.html", {"rows": list(map(told, rows)), "last": last})


@needs(*RECORD)
async def happenings(request: Request) -> Response:
    at, person = desk(request), current_person(request)
    given = request.query_params.get("after", "-1")
    last = int(given) if given.lstrip("-").isdecimal() and len(given) < 19 else -1

    async def rows() -> AsyncIterator[str]:
        nonlocal last
        with suppress(Error):  # the browser comes back
            read = at.reading(person)
            while True:
                if found := await read(_asking(last)):
                    last = max(int(row["log_index"]) for row in found)
                    yield event(fragment(request, "live_rows.html", {"rows": list(map(told, found))}), "rows")
                await asyncio.sleep(EVERY_SECONDS)

    return stream(rows())


def _asking(last: int) -> Callable[[Reader], list[dict[str, Any]]]:
    return lambda reader: reader.ask(newest(last, SHOWN))


ROUTES = [Route("/live", live), Route("/live/happenings", happenings)]
