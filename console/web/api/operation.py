"""What an operation is, and how one becomes a route. Everything wrong is `{"error": code, "message": sentence}`."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from approvals.errors import (
    NotAllowed,
    NotChanged,
    SignatureNeeded,
    SignatureRefused,
    SignInNeeded,
    UnknownApproval,
)
from audit.read import NothingFound
from audit.read.reader import plain
from console.holding import NoSuchHold
from console.web.desk import Desk, desk
from console.web.people import Person, Role, current_person
from runtime.errors import CallerError, Error
from runtime.strict_json import NotStrict, loads
from snapshot.located import RepositoryRefused

PREFIX = "/api/v1"
MAX_DEPTH = 8
STATUS: dict[type[Error], int] = {
    UnknownApproval: 404,
    NothingFound: 404,
    NoSuchHold: 404,
    NotChanged: 409,
    NotAllowed: 403,
    SignInNeeded: 403,
    SignatureNeeded: 403,
    SignatureRefused: 403,
    RepositoryRefused: 400,  # cases and drafts that somebody sent
}


class Malformed(CallerError):
    code = "malformed"


@dataclass(frozen=True, slots=True)
class Call:
    """What an operation is run with. `query` and `body` are validated objects of its models, or None."""

    desk: Desk
    person: Person
    path: dict[str, str]
    query: Any
    body: Any


@dataclass(frozen=True, slots=True)
class Operation:
    """`path` is below PREFIX, its `{names}` plain segments. `answer`: the model that every answer of 200 is of."""

    method: str
    path: str
    name: str  # operationId
    summary: str
    roles: tuple[Role, ...]
    run: Callable[[Call], Awaitable[Any]]
    answer: type[BaseModel]
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None

    def route(self) -> Route:
        return Route(PREFIX + self.path, self.endpoint, methods=[self.method], name=self.name)

    async def endpoint(self, request: Request) -> Response:
        person = current_person(request)
        if person.roles.isdisjoint(self.roles):
            return refused(403, "not_allowed", f"This is for members of: {', '.join(sorted(self.roles))}.")
        try:
            call = Call(
                desk(request), person, dict(request.path_params), self._query(request), await self._body(request)
            )
            found = await self.run(call)
        except HTTPException as error:
            return refused(error.status_code, "not_found" if error.status_code == 404 else "malformed", error.detail)
        except Error as error:
            return refused(status_of(error), error.code, error.message)
        return JSONResponse(plain(found))

    def _query(self, request: Request) -> BaseModel | None:
        given = dict(request.query_params)
        if self.query is None:
            if given:
                raise Malformed(f"this takes no {sorted(given)[0]}")
            return None
        return validated(self.query, given, strings=True)

    async def _body(self, request: Request) -> BaseModel | None:
        content = await request.body()
        if self.body is None:
            return None
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise HTTPException(415, "The body is JSON: content-type application/json.")
        try:
            value = loads(content, max_depth=MAX_DEPTH)
        except NotStrict as error:
            raise Malformed(f"the body is {error}") from None
        return validated(self.body, value)


def validated(model: type[BaseModel], value: Any, *, strings: bool = False) -> BaseModel:
    """Raises Malformed, which names the field and never repeats its value. `strings`: values are those of a query."""
    try:
        return model.model_validate_strings(value) if strings else model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or ("query" if strings else "body")
        raise Malformed(f"{place}: {first['msg']}") from None


def status_of(error: Error) -> int:
    found = next((status for kind, status in STATUS.items() if isinstance(error, kind)), None)
    return found or (400 if isinstance(error, CallerError) else 503)


def refused(status: int, code: str, message: str) -> JSONResponse:
    return JSONResponse({"error": code, "message": message}, status)
