"""`/approvals`: what waits, live; one card with all that an answer should rest on; the answer."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from approvals.client_signing import SigningClient
from approvals.errors import SignInNeeded
from approvals.facts import Shown
from approvals.machine import Approval
from approvals.quorum import missing
from approvals.view import View
from console.web.desk import Desk, desk
from console.web.forms import form
from console.web.menu import EVERYBODY
from console.web.people import Person, Role, current_person, needs
from console.web.render import fragment, page
from console.web.signin import again
from console.web.site.answering import given
from console.web.site.authenticators import options
from console.web.stream import event, stream
from runtime.errors import CallerError, Error

SIGNS = {"+": "plus", "-": "minus", "@": "at"}
MOST = 100  # that wait, on one screen; those that end first
GATHER_SECONDS = 0.2  # a burst of changes is one new list


@needs(*EVERYBODY)
async def inbox(request: Request) -> Response:
    return page(request, "approvals.html", await _inbox(desk(request), current_person(request)) | {"card": None})


@needs(*EVERYBODY)
async def card(request: Request) -> Response:
    return await _card(request)


async def _card(request: Request, problem: str = "", status: int = 200, sign_in: str = "") -> Response:
    at, person, open_id = desk(request), current_person(request), request.path_params["id"]
    async with at.approvals(person) as client:
        approval, shown = await client.get(open_id)
        signs = (await SigningClient(client).signs()).at(at.settings.console.url)
    context = await _inbox(at, person, open_id) | about(approval, shown)
    fresh = person.fresh(at.clock.now_us(), at.settings.people.auth_time_max_seconds)
    offered = {"may_answer": Role.APPROVER in person.roles and approval.state == "requested", "fresh": fresh}
    must_sign = signs.required or approval.card.terms.signature
    choices = {"profiles": _profiles(at), "glass": _glass(person, approval), "signs": signs, "must_sign": must_sign}
    told = {"problem": problem, "again": sign_in or again(request.url.path)}
    return page(request, "approvals.html", context | offered | choices | told, status)


def _profiles(at: Desk) -> list[str]:
    try:
        return sorted(at.snapshot().masking.profiles - {at.settings.masking.floor})
    except Error:
        return []


def _glass(person: Person, approval: Approval) -> bool:
    glass = approval.card.terms.break_glass
    return glass is not None and not set(glass.any).isdisjoint(person.identity.groups)


@needs(Role.APPROVER)
async def answer(request: Request) -> Response:
    """Grant or refuse. Whether it counts is decided by approvals, with the person's own token."""
    at, person, approval_id = desk(request), current_person(request), request.path_params["id"]
    said = await form(request)
    async with at.approvals(person) as client:
        try:
            await (await given(client, approval_id, said)).answer(client)
        except SignInNeeded as error:
            return await _card(request, error.message, 403)
        except CallerError as error:
            return await _card(request, error.message, 409)
    return RedirectResponse(f"/approvals/{approval_id}", 303)


@needs(Role.APPROVER)
async def challenge(request: Request) -> Response:
    """What the browser's authenticator must sign so that the answer in the form counts; asked by sign.js."""
    at, person, approval_id = desk(request), current_person(request), request.path_params["id"]
    said = await form(request)

    async def ask() -> str:
        async with at.approvals(person) as client:
            return await (await given(client, approval_id, said)).challenge(client)

    return await options(ask, f"/approvals/{approval_id}")


@needs(*EVERYBODY)
async def changes(request: Request) -> Response:
    """The list again whenever something changed."""
    at, person, open_id = desk(request), current_person(request), request.query_params.get("open", "")

    async def lists() -> AsyncIterator[str]:
        with suppress(Error):  # the browser asks again
            async for _ in _changed(at, person):
                yield event(fragment(request, "approvals_list.html", await _inbox(at, person, open_id)))

    return stream(lists())


async def _changed(at: Desk, person: Person) -> AsyncIterator[None]:
    """Now, and after each change, gathered."""
    changed = asyncio.Event()

    async def follow() -> None:
        async with at.approvals(person) as client:
            async for _ in client.watch():
                changed.set()

    async with asyncio.TaskGroup() as group:
        following = group.create_task(follow())
        try:
            while not following.done():
                yield
                await changed.wait()
                await asyncio.sleep(GATHER_SECONDS)
                changed.clear()
        finally:
            following.cancel()


async def _inbox(at: Desk, person: Person, open_id: str = "") -> dict[str, Any]:
    async with at.approvals(person) as client:
        count, found = await client.newest(MOST)
    waiting = [approval for approval in found if approval.state == "requested"]
    ended = sorted((one for one in found if one.state != "requested"), key=lambda one: -one.changed_us)[:20]
    about: dict[str, Any] = {"waiting": waiting, "ended": ended, "count": count}
    return about | {"open_id": open_id, "now_us": at.clock.now_us()}


def about(approval: Approval, shown: Shown) -> dict[str, Any]:
    """What the template of a card needs."""
    terms, view = approval.card.terms, View.read(shown)
    difference = view.previous.difference if view.previous else ""
    needed = missing([vote.voter for vote in approval.votes], terms)
    return {
        "approval": approval,
        "card": approval.card,
        "terms": terms,
        "groups": ", ".join((*terms.any, *terms.all)),
        "needed": needed,
        "view": view,
        "content": _readable(view.content, view.media),
        "changed": [(SIGNS.get(line[:1], "same"), line) for line in difference.splitlines()[2:]],  # without its head
        "shown": shown,
    }


def _readable(text: str, media: str) -> str:
    if media.partition(";")[0].endswith("json"):
        with suppress(ValueError):
            return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    return text


ROUTES = [
    Route("/approvals", inbox),
    Route("/approvals/changes", changes),
    Route("/approvals/{id}", card),
    Route("/approvals/{id}", answer, methods=["POST"]),
    Route("/approvals/{id}/challenge", challenge, methods=["POST"]),
]
