"""ClickHouse's errors over HTTP: a numeric code, a symbolic name, a status that follows from the code.

Source of the statuses: ClickHouse's `src/Server/HTTP/exceptionCodeToHTTPStatus.cpp`. Source of the codes:
`src/Common/ErrorCodes.cpp`. Clients read the code from the header and the name from the body.
"""

import re

_SHAPE = re.compile(r"Code: (\d+)\. DB::Exception: (.*?)\s*(?:\(([A-Z][A-Z0-9_]+)\))?\s*$", re.DOTALL)

_STATUS = {
    194: 401,  # REQUIRED_PASSWORD
    **dict.fromkeys(
        (192, 193, 497, 512, 516), 403
    ),  # unknown user, wrong password, access denied, role, authentication
    **dict.fromkeys((36, 427, 6, 25, 26, 38, 41, 72, 376, 27, 15, 44, 8, 62, 117, 53, 69, 321, 465, 675, 676), 400),
    **dict.fromkeys((60, 46, 47, 50, 56, 81, 115, 64, 63, 73, 336, 78, 511), 404),  # UNKNOWN_…
    223: 413,  # QUERY_IS_TOO_LARGE
    48: 501,  # NOT_IMPLEMENTED
    209: 503,
    76: 503,
    159: 408,  # TIMEOUT_EXCEEDED
    439: 503,  # CANNOT_SCHEDULE_TASK
    202: 503,  # TOO_MANY_SIMULTANEOUS_QUERIES: ours, so that clients back off
}


class Fault(Exception):
    """A query that failed or was refused, in ClickHouse's words. `text` holds what the client's own SQL provoked."""

    def __init__(self, code: int, name: str, text: str) -> None:
        super().__init__(code, name, text)
        self.code, self.name, self.text = code, name, text

    def __str__(self) -> str:
        return f"Code: {self.code}. DB::Exception: {self.text} ({self.name})"

    @property
    def status(self) -> int:
        return _STATUS.get(self.code, 500)

    def body(self, version: str) -> str:
        return f"{self} (version {version} (official build))\n"


def from_engine(message: str) -> Fault:
    """The engine's message, taken apart; a message of another shape becomes code 1002 (UNKNOWN_EXCEPTION)."""
    found = _SHAPE.search(message)
    if found is None:
        return Fault(1002, "UNKNOWN_EXCEPTION", message.strip() or "unknown exception")
    return Fault(int(found[1]), found[3] or "UNKNOWN_EXCEPTION", found[2].strip())


def access_denied(text: str) -> Fault:
    return Fault(497, "ACCESS_DENIED", text)


def readonly(text: str) -> Fault:
    return Fault(164, "READONLY", text)


def not_implemented(text: str) -> Fault:
    return Fault(48, "NOT_IMPLEMENTED", text)


def authentication_failed(user: str) -> Fault:
    """One text for a wrong name and a wrong password: the difference is nobody's business."""
    reason = "Authentication failed: password is incorrect, or there is no user with such name."
    return Fault(516, "AUTHENTICATION_FAILED", f"{user}: {reason}")
