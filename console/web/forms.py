"""What people typed: the fields of a form, and the filter of a list."""

from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request

from audit.read.decisions import Filter
from audit.read.instants import instant

FILTERS = ("effect", "subject", "agent", "connection", "session")
MOST_FIELDS = 50


async def form(request: Request) -> dict[str, str]:
    """`application/x-www-form-urlencoded` alone; the guard has bounded its size. A field twice: the last one."""
    body = (await request.body()).decode("utf-8", "replace")
    return dict(parse_qsl(body, keep_blank_values=True, max_num_fields=MOST_FIELDS))


def filter_of(request: Request, now_us: int, since: str = "7d") -> Filter:
    """From the query. Raises WrongTime."""
    asked = request.query_params
    fields = {name: asked.get(name, "").strip() for name in FILTERS}
    start, end = asked.get("since", "").strip() or since, asked.get("until", "").strip()
    return Filter(instant(start, now_us), instant(end, now_us) if end else None, **fields)


def with_query(request: Request, **changed: str) -> str:
    """This page's address with other values in its query; empty ones are left out."""
    asked = {name: value for name, value in {**request.query_params, **changed}.items() if value}
    return f"{request.url.path}?{urlencode(asked)}" if asked else request.url.path
