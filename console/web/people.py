"""The person in front of the browser, as pages see them: `current_person(request)`, `@needs(Role.AUDITOR)`.

Roles come from groups by the settings (`people.agents`, `approvers`, `auditors`, `admins`). They choose what a page
offers; whether an answer counts is decided again by approvals, with the person's own token.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps

from starlette.requests import Request
from starlette.responses import Response

from identity import Identity
from runtime.settings import People

SCOPE_KEY = "exeat.person"
Page = Callable[[Request], Awaitable[Response]]


class Role(StrEnum):
    AGENT = "agent"  # runs agents: sees what they did
    APPROVER = "approver"  # answers what waits
    AUDITOR = "auditor"  # reads everything, changes nothing but what is kept: legal holds
    ADMIN = "admin"  # revokes identities, releases legal holds


@dataclass(frozen=True, slots=True)
class Person:
    """`token` is for calls in this person's name (`ApprovalsClient`); `csrf` goes into every form, as its field."""

    identity: Identity
    roles: frozenset[Role]
    token: str
    csrf: str = ""

    @property
    def name(self) -> str:
        return self.identity.email or self.identity.subject

    def fresh(self, now_us: int, most_seconds: int) -> bool:
        """Whether they signed in recently enough to grant; if not, send them to `signin.again(path)` first."""
        at = self.identity.auth_time
        return at is not None and now_us // 1_000_000 - at <= most_seconds


def roles(identity: Identity, people: People) -> frozenset[Role]:
    named = {
        Role.APPROVER: people.approvers,
        Role.AUDITOR: people.auditors,
        Role.ADMIN: people.admins,
        Role.AGENT: people.agents or list(identity.groups),
    }
    found = {role for role, groups in named.items() if not set(groups).isdisjoint(identity.groups)}
    return frozenset(found if people.agents else {*found, Role.AGENT})


def current_person(request: Request) -> Person:
    """Who is signed in. Every path but those of `guard.OPEN` has somebody: nobody else gets that far."""
    person: Person = request.scope[SCOPE_KEY]
    return person


class Forbidden(Exception):
    """Signed in, but not as one of `roles`."""

    def __init__(self, roles: frozenset[Role]) -> None:
        super().__init__(", ".join(sorted(roles)))
        self.roles = roles


def needs(*wanted: Role) -> Callable[[Page], Page]:
    """The page is for members of any of these roles; others get a 403 that names them."""

    def wrap(page: Page) -> Page:
        @wraps(page)
        async def guarded(request: Request) -> Response:
            if current_person(request).roles.isdisjoint(wanted):
                raise Forbidden(frozenset(wanted))
            return await page(request)

        return guarded

    return wrap
