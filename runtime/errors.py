"""Two families of error, by whose fault it is; each carries a stable code.

Error
├── CallerError      the caller sent something wrong: told to them, in their API's shape
└── GatewayError     a part of ours failed: the caller sees 503, we see the code

The code is the metric label, the recorded reason and what a runbook is filed under, so it never changes.
"""

from typing import ClassVar


class Error(Exception):
    """Base of all errors that Exeat raises on purpose. `message` is a sentence for people and holds no content."""

    code: ClassVar[str] = "error"

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.code.replace("_", " "))

    @property
    def message(self) -> str:
        return str(self.args[0])

    def diagnostics(self) -> str:
        """What a person at a terminal reads; subclasses add the next step to take."""
        return self.message


class CallerError(Error):
    """The caller's fault: bad token, unreadable body, refused request."""

    code = "caller_error"


class GatewayError(Error):
    """Our fault: engine, spool, store or approvals failed. Always answered closed."""

    code = "gateway_error"
