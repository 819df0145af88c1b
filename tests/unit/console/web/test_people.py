"""Groups become roles."""

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from console.web.people import SCOPE_KEY, Forbidden, Person, Role, current_person, needs, roles
from identity import Identity
from runtime.settings import People


def identity(*groups: str, auth_time: int | None = None) -> Identity:
    return Identity("https://people.example", "alice", groups=groups, auth_time=auth_time)


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        ((), {Role.AGENT}),
        (("ledger-approvers",), {Role.AGENT, Role.APPROVER}),
        (("auditors", "exeat-admins"), {Role.AGENT, Role.AUDITOR, Role.ADMIN}),
        (("Auditors",), {Role.AGENT}),
    ],
)
def test_roles(groups: tuple[str, ...], expected: set[Role]) -> None:
    assert roles(identity(*groups), People()) == expected


def test_running_agents_can_be_a_role_of_its_own() -> None:
    people = People(agents=["builders"])
    assert roles(identity("builders"), people) == {Role.AGENT}
    assert roles(identity("auditors"), people) == {Role.AUDITOR}


@pytest.mark.parametrize(("auth_time", "fresh"), [(None, False), (99, False), (100, True), (1000, True)])
def test_freshness(auth_time: int | None, fresh: bool) -> None:
    person = Person(identity(auth_time=auth_time), frozenset(), "t")
    assert person.fresh(1_000_000_000, 900) is fresh


async def test_pages_that_need_a_role() -> None:
    @needs(Role.AUDITOR, Role.ADMIN)
    async def page(request: Request) -> Response:
        return PlainTextResponse(current_person(request).name)

    def request(*groups: str) -> Request:
        who = identity(*groups)
        return Request({"type": "http", SCOPE_KEY: Person(who, roles(who, People()), "t")})

    assert (await page(request("auditors"))).body == b"alice"
    with pytest.raises(Forbidden, match="admin, auditor"):
        await page(request("ledger-approvers"))
