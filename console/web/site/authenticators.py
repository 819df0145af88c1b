"""`/authenticators`: what people sign their answers with; adding one, removing it: they alone, just signed in."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from approvals.client_signing import SigningClient
from approvals.errors import SignInNeeded
from console.web.desk import desk
from console.web.forms import form
from console.web.menu import EVERYBODY
from console.web.people import current_person, needs
from console.web.render import page
from console.web.signin import again
from runtime.errors import CallerError, Error

HERE = "/authenticators"


@needs(*EVERYBODY)
async def listed(request: Request) -> Response:
    return await _page(request)


@needs(*EVERYBODY)
async def begin(request: Request) -> Response:
    """What the browser's authenticator needs to make a key; asked by sign.js."""

    async def ask() -> str:
        async with desk(request).approvals(current_person(request)) as client:
            return await SigningClient(client).begin()

    return await options(ask, HERE)


@needs(*EVERYBODY)
async def add(request: Request) -> Response:
    given = await form(request)
    return await _changed(
        request, lambda signing: signing.register(given.get("name", "").strip(), given.get("response", ""))
    )


@needs(*EVERYBODY)
async def remove(request: Request) -> Response:
    return await _changed(request, lambda signing: signing.remove(request.path_params["id"]))


async def options(ask: Callable[[], Awaitable[str]], path: str) -> Response:
    """WebAuthn's options for sign.js, or why there are none: a sentence, and `again` where signing in anew helps."""
    try:
        return JSONResponse(json.loads(await ask()))
    except SignInNeeded as error:
        return JSONResponse({"message": error.message, "again": again(path)}, 403)
    except Error as error:
        return JSONResponse({"message": error.message}, 409 if isinstance(error, CallerError) else 503)


async def _changed(request: Request, work: Callable[[SigningClient], Awaitable[None]]) -> Response:
    async with desk(request).approvals(current_person(request)) as client:
        try:
            await work(SigningClient(client))
        except SignInNeeded as error:
            return await _page(request, error.message, 403)
        except CallerError as error:
            return await _page(request, error.message, 409)
    return RedirectResponse(HERE, 303)


async def _page(request: Request, problem: str = "", status: int = 200) -> Response:
    at, person = desk(request), current_person(request)
    async with at.approvals(person) as client:
        signs = await SigningClient(client).signs()
    fresh = person.fresh(at.clock.now_us(), at.settings.people.auth_time_max_seconds)
    about: dict[str, Any] = {"signs": signs, "fresh": fresh, "problem": problem, "again": again(HERE)}
    about["here"] = at.settings.console.url
    return page(request, "authenticators.html", about, status)


ROUTES = [
    Route(HERE, listed),
    Route(HERE, add, methods=["POST"]),
    Route(f"{HERE}/begin", begin, methods=["POST"]),
    Route(f"{HERE}/{{id}}/remove", remove, methods=["POST"]),
]
