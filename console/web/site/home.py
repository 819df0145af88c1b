"""`/`: what runs, what waits, what was decided today."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from audit.read import Reader
from audit.read.questions import named
from console.web.desk import Desk, desk
from console.web.menu import EVERYBODY, RECORD
from console.web.people import Person, current_person, needs
from console.web.render import page
from runtime import health
from runtime.errors import Error

SERVICES = {
    "authz": "who is asking, and may they",
    "extproc": "holds, masks and records",
    "approvals": "who must say yes",
    "holds": "approvals, as extproc sees it",
    "envoy-admin": "Envoy, which carries the traffic",
}


@needs(*EVERYBODY)
async def home(request: Request) -> Response:
    at, person = desk(request), current_person(request)
    several = {service: at.settings.processes(service) for service in ("authz", "extproc")}
    named = [(name, what) for service, what in SERVICES.items() for name in several.get(service, [service])]
    parts = [(name, what, await health.socket_answers(at.settings.socket(name))) for name, what in named]
    about = {"parts": parts, "waiting": await _waiting(at, person), "counts": await _counts(at, person)}
    return page(request, "home.html", about)


async def _waiting(at: Desk, person: Person) -> int | None:
    """None when approvals does not answer: the table of parts says so."""
    try:
        async with at.approvals(person) as client:
            return (await client.newest(1))[0]
    except Error:
        return None


async def _counts(at: Desk, person: Person) -> dict[str, int] | None:
    """Decisions of the last day by effect; None for who may not read them, or while the store is down."""
    if person.roles.isdisjoint(RECORD):
        return None

    def ask(reader: Reader) -> list[dict[str, Any]]:
        return reader.ask(named("decisions-by-day").bind({"since": "1d"}, at.clock.now_us()))

    try:
        rows = await at.read(person, ask)
    except Error:
        return None
    effects = ("allow", "hold", "deny", "refused")
    return {effect: sum(int(row["decisions"]) for row in rows if row["effect"] == effect) for effect in effects}


ROUTES = [Route("/", home)]
