"""What people typed."""

import pytest
from starlette.requests import Request

from audit.read.instants import WrongTime
from console.web.forms import filter_of, form, with_query

NOW_US = 1_800_000_000_000_000


def asked(query: str, body: bytes = b"") -> Request:
    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    scope = {"type": "http", "method": "POST", "path": "/decisions", "headers": [], "query_string": query.encode()}
    return Request(scope, receive)


def test_a_filter() -> None:
    which = filter_of(asked("effect=deny&agent=+x+&since=1h&until="), NOW_US)
    assert (which.effect, which.agent, which.since_us, which.until_us) == ("deny", "x", NOW_US - 3_600_000_000, None)
    assert filter_of(asked(""), NOW_US).since_us == NOW_US - 7 * 86_400_000_000
    with pytest.raises(WrongTime):
        filter_of(asked("since=whenever"), NOW_US)


def test_the_address_of_the_next_page() -> None:
    assert with_query(asked("effect=deny&agent="), until="2026-11-20") == "/decisions?effect=deny&until=2026-11-20"


async def test_a_form() -> None:
    assert await form(asked("", b"a=1&b=&a=%3Cb%3E")) == {"a": "<b>", "b": ""}
