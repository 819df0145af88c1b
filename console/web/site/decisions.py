"""`/decisions`: what was decided, narrowed; and why, with the rule's text at the snapshot that decided."""

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from audit.read import Reader, decisions
from audit.read.charts import stacked
from audit.read.reader import plain
from console import explained
from console.web.desk import desk
from console.web.forms import filter_of, with_query
from console.web.menu import RECORD
from console.web.people import current_person, needs
from console.web.render import page

SHOWN = 100
EFFECTS = ("allow", "hold", "deny", "refused")


@needs(*RECORD)
async def listed(request: Request) -> Response:
    at, person = desk(request), current_person(request)
    which = filter_of(request, at.clock.now_us())

    def ask(reader: Reader) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        return reader.ask(decisions.newest(which, SHOWN)), reader.ask(decisions.over_time(which))

    rows, counts = await at.read(person, ask)
    older = with_query(request, until=str(plain(rows[-1]["ts"]))) if len(rows) == SHOWN else ""
    about = {"rows": rows, "effects": EFFECTS, "asked": request.query_params, "older": older}
    return page(request, "decisions.html", about | {"chart": _chart(counts)})


def _chart(counts: list[dict[str, Any]]) -> str:
    """`counts`: rows of `over_time`; times without any are drawn as such."""
    if not counts:
        return ""
    step = max(1, int(counts[0]["step_s"]))
    places = {(int(row["at_s"]) // step, row["effect"]): int(row["decisions"]) for row in counts}
    first, last = min(place for place, _ in places), max(place for place, _ in places)
    every = range(first, min(last, first + 400) + 1)
    labels = [decisions.label(place * step, step) for place in every]
    series = {effect: [places.get((place, effect), 0) for place in every] for effect in EFFECTS}
    return stacked(labels, {name: values for name, values in series.items() if any(values)}, "Decisions over time")


@needs(*RECORD)
async def one(request: Request) -> Response:
    at, person = desk(request), current_person(request)
    found = await at.read(person, lambda reader: explained.gather(reader, request.path_params["exchange"]))
    again = await explained.again(at.settings, found)
    findings = [json.loads(finding) for finding in found.decision["findings"]]
    about = {"found": found, "decision": found.decision, "again": again, "findings": findings}
    return page(request, "decision.html", about)


ROUTES = [Route("/decisions", listed), Route("/decisions/{exchange}", one)]
