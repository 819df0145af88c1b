"""What an operation refuses before it is run, and how it says so."""

import json
from typing import Any

import pytest
from pydantic import BaseModel
from starlette.requests import Request

from audit.read import NothingFound, StoreSilent
from console.web.api.models import Given, Limit
from console.web.api.operation import Call, Operation, status_of
from console.web.menu import RECORD
from console.web.people import SCOPE_KEY, Person, Role
from identity import Identity


class Asked(Given):
    limit: Limit = 5


class Gave(BaseModel):
    limit: int


class App:
    class state:
        desk = None


async def run(call: Call) -> dict[str, Any]:
    return {"limit": (call.body or call.query).limit}


async def ask(operation: Operation, query: str = "", body: bytes = b"", *roles: Role) -> tuple[int, dict[str, Any]]:
    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    person = Person(Identity("https://issuer.example", "somebody"), frozenset(roles or {Role.AUDITOR}), "token")
    headers = [(b"content-type", b"application/json")] if body else []
    scope = {"type": "http", "method": operation.method, "path": "/", "path_params": {}, "headers": headers, "app": App}
    answered = await operation.endpoint(Request({**scope, "query_string": query.encode(), SCOPE_KEY: person}, receive))
    value: dict[str, Any] = json.loads(bytes(answered.body))
    return answered.status_code, value


GET = Operation("GET", "/x", "x", "", RECORD, run, Gave, query=Asked)
POST = Operation("POST", "/x", "x", "", RECORD, run, Gave, body=Asked)


async def test_as_asked() -> None:
    assert await ask(GET, "limit=7") == (200, {"limit": 7})
    assert await ask(POST, body=b'{"limit": 7}') == (200, {"limit": 7})


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "limit=1001", "other=1"])
async def test_a_query_that_is_none(query: str) -> None:
    status, told = await ask(GET, query)
    assert (status, told["error"]) == (400, "malformed")


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'{"limit": "7x"}', b'{"limit": 1, "limit": 2}', b'{"a": NaN}', b"[" * 99]
)
async def test_a_body_that_is_none(body: bytes) -> None:
    status, told = await ask(POST, body=body)
    assert (status, told["error"]) == (400, "malformed")


async def test_a_body_that_is_not_json() -> None:
    status, _ = await ask(POST)
    assert status == 415


async def test_a_value_is_not_repeated() -> None:
    _, told = await ask(POST, body=b'{"limit": "4111111111111111x"}')
    assert "4111" not in told["message"]


async def test_who_may_not() -> None:
    status, told = await ask(GET, "", b"", Role.APPROVER)
    assert (status, told["error"]) == (403, "not_allowed")
    assert "auditor" in told["message"]


def test_statuses() -> None:
    assert [status_of(error) for error in (NothingFound(), StoreSilent())] == [404, 503]
