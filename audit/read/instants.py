"""Times from words. Pure: now is given."""

import datetime
import re

from runtime.errors import CallerError

_SPAN = re.compile(r"(\d{1,6})([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


class WrongTime(CallerError):
    code = "wrong_time"


def instant(text: str, now_us: int) -> int:
    """`90m`, `2d` (ago), `now`, or an ISO 8601 date or time (UTC unless it says otherwise) → unix microseconds."""
    if text == "now":
        return now_us
    if span := _SPAN.fullmatch(text):
        return now_us - int(span[1]) * _SECONDS[span[2]] * 1_000_000
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise WrongTime(f"{text!r} is neither a span such as 90m or 2d nor a date such as 2026-11-20T12:00") from None
    return as_us(moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC))


def as_us(moment: datetime.datetime) -> int:
    """Exact: a float of seconds would lose microseconds."""
    return (moment - datetime.datetime.fromtimestamp(0, datetime.UTC)) // datetime.timedelta(microseconds=1)


def as_sql(us: int) -> str:
    """As ClickHouse reads a DateTime64(6, 'UTC')."""
    moment = datetime.datetime.fromtimestamp(0, datetime.UTC) + datetime.timedelta(microseconds=us)
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")
