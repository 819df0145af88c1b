"""Who is offered which page, and that every route asks for a role."""

import pytest
from starlette.routing import Route

from console.web.api.operation import PREFIX
from console.web.app import pages
from console.web.menu import ITEMS, nav
from console.web.people import SCOPE_KEY, Forbidden, Person, Role
from identity import Identity


def person(*roles: Role) -> Person:
    return Person(Identity("https://issuer.example", "somebody"), frozenset(roles), "token")


def test_the_menu_leaves_out_what_would_be_refused() -> None:
    agent, auditor = ([item.name for item in nav(person(role), "/decisions/1")] for role in (Role.AGENT, Role.AUDITOR))
    assert agent == ["Overview", "Approvals", "Connections"]
    assert auditor == [item.name for item in ITEMS]


def test_where_one_is() -> None:
    here = [item.name for item in nav(person(Role.AUDITOR), "/decisions/1") if item.here]
    assert here == ["Decisions"]


@pytest.mark.parametrize("route", pages(), ids=lambda route: f"{route.path}-{'-'.join(sorted(route.methods))}")
async def test_every_route_refuses_who_has_no_role(route: Route) -> None:
    from starlette.requests import Request

    request = Request({"type": "http", SCOPE_KEY: person(), "method": "GET", "path": "/", "headers": []})
    try:
        answered = await route.endpoint(request)
    except Forbidden:
        return
    assert (route.path[:8], answered.status_code) == ("/api/v1/", 403)


def test_what_agents_did_is_for_the_record_alone() -> None:
    """The routes under a page ask for no less than its menu item."""
    for route in pages():
        assert isinstance(route, Route)
        if route.path.startswith(PREFIX):
            continue
        item = max(
            (item for item in ITEMS if (route.path + "/").startswith(item.href)), key=lambda item: len(item.href)
        )
        allowed = {role for role in Role if _lets(route, role)}
        assert allowed <= set(item.roles), route.path


def _lets(route: Route, role: Role) -> bool:
    wanted = route.endpoint.__closure__
    assert wanted is not None
    roles = [cell.cell_contents for cell in wanted if isinstance(cell.cell_contents, tuple)]
    assert len(roles) == 1
    return role in roles[0]
