"""`/revocations`: who is stopped, stopping somebody at once, and letting them go on."""

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from approvals.errors import SignInNeeded
from approvals.revocations import Scope
from console.web.desk import desk
from console.web.forms import form
from console.web.menu import RECORD
from console.web.people import Role, current_person, needs
from console.web.render import page
from console.web.signin import again
from runtime.errors import CallerError

SCOPES = {
    Scope.AGENT: "Everything of an agent",
    Scope.SUBJECT: "Everything of a subject of a token",
    Scope.SESSION: "One session",
    Scope.JTI: "One token, by its jti",
}


class NoScope(CallerError):
    code = "no_scope"


@needs(*RECORD)
async def listed(request: Request) -> Response:
    """`?scope=agent&value=NAME` fills the form, as links from a session do."""
    return await _page(request, dict(request.query_params))


@needs(Role.ADMIN)
async def made(request: Request) -> Response:
    at, given = desk(request), await form(request)
    value, reason = given.get("value", "").strip(), given.get("reason", "").strip()
    try:
        scope = next((scope for scope in Scope if scope == given.get("scope")), None)
        if scope is None or not value or not reason:
            raise NoScope("say whom to stop, and why")
        async with at.approvals(current_person(request)) as client:
            await client.revoke(scope, value, reason, given.get("issuer", "").strip())
    except SignInNeeded as error:
        return await _page(request, given, error.message, 403)
    except CallerError as error:
        return await _page(request, given, error.message, 400)
    return RedirectResponse("/revocations", 303)


@needs(Role.ADMIN)
async def lifted(request: Request) -> Response:
    at, given = desk(request), await form(request)
    try:
        async with at.approvals(current_person(request)) as client:
            await client.lift(request.path_params["id"], given.get("reason", "").strip())
    except SignInNeeded as error:
        return await _page(request, {}, error.message, 403)
    except CallerError as error:
        return await _page(request, {}, error.message, 409)
    return RedirectResponse("/revocations", 303)


async def _page(request: Request, given: dict[str, str], problem: str = "", status: int = 200) -> Response:
    at, person = desk(request), current_person(request)
    async with at.approvals(person) as client:
        found = sorted(await client.revocations(lifted=True), key=lambda one: (not one.active, -one.made.at_us))
    about: dict[str, Any] = {"found": found, "scopes": SCOPES, "given": given, "problem": problem}
    about |= {"again": again("/revocations"), "may_revoke": Role.ADMIN in person.roles}
    return page(request, "revocations.html", about, status)


ROUTES = [
    Route("/revocations", listed),
    Route("/revocations", made, methods=["POST"]),
    Route("/revocations/{id}/lift", lifted, methods=["POST"]),
]
