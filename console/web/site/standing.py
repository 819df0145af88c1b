"""`/standing`: what is granted in advance, or was alone in an emergency; ending it, and the review that is owed."""

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from approvals.errors import SignInNeeded
from console.web.desk import desk
from console.web.forms import form
from console.web.menu import EVERYBODY
from console.web.people import Role, current_person, needs
from console.web.render import page
from console.web.signin import again
from console.web.site.answering import NoAnswer
from runtime.errors import CallerError


@needs(*EVERYBODY)
async def listed(request: Request) -> Response:
    return await _page(request)


@needs(Role.APPROVER)
async def answer(request: Request) -> Response:
    """`revoke` or `review`. Whether this person may is decided by approvals."""
    at, given = desk(request), await form(request)
    async with at.approvals(current_person(request)) as client:
        verbs = {"revoke": client.revoke_standing, "review": client.review}
        try:
            if (verb := verbs.get(given.get("answer", ""))) is None:
                raise NoAnswer("an answer is `revoke` or `review`")
            await verb(request.path_params["id"], given.get("reason", "").strip())
        except SignInNeeded as error:
            return await _page(request, error.message, 403)
        except CallerError as error:
            return await _page(request, error.message, 409)
    return RedirectResponse("/standing", 303)


async def _page(request: Request, problem: str = "", status: int = 200) -> Response:
    at, person = desk(request), current_person(request)
    async with at.approvals(person) as client:
        found = sorted(await client.standings(ended=True), key=lambda one: (not one.kept, -one.given.at_us))
    about: dict[str, Any] = {"found": found, "problem": problem, "again": again("/standing")}
    return page(request, "standing.html", about | {"may_answer": Role.APPROVER in person.roles}, status)


ROUTES = [Route("/standing", listed), Route("/standing/{id}", answer, methods=["POST"])]
