"""What can go wrong here, and how it travels over gRPC.

Error
├── CallerError
│   ├── UnknownApproval      no such approval, or not for your eyes
│   ├── NotChanged           the machine said why not: already answered, expired, other content shown, …
│   ├── AskInvalid           a request for approval that is malformed
│   ├── NotAllowed           signed in, but this answer does not count: not an approver, one's own request, …
│   ├── TooWide              a standing grant that is wider than the policy allows (standing.py)
│   ├── Revoked              the identity that asks was revoked
│   ├── SignatureNeeded      the answer must be signed, which takes the console
│   ├── SignatureRefused     what is there of a signature is not one for this answer
│   └── SignInNeeded         no token, a bad one, one of the data path, or a sign-in that is too old
└── GatewayError
    ├── ApprovalsDown        the service or its store gives no answer
    └── TooManyWaiting       settings.approvals.max_waiting

The code travels in trailing metadata `exeat-code`, the sentence as the status' details.
"""

from typing import Any

import grpc

from approvals.standing import TooWide
from approvals.steps import Why
from runtime.errors import CallerError, Error, GatewayError

CODE_KEY = "exeat-code"


class UnknownApproval(CallerError):
    code = "unknown_approval"


class NotChanged(CallerError):
    code = "not_changed"


class AskInvalid(CallerError):
    code = "ask_invalid"


class NotAllowed(CallerError):
    code = "not_allowed"


class Revoked(CallerError):
    code = "identity_revoked"


class SignInNeeded(CallerError):
    code = "sign_in_needed"


class SignatureNeeded(CallerError):
    code = "signature_required"


class SignatureRefused(CallerError):
    code = "signature_refused"


class ApprovalsDown(GatewayError):
    code = "approvals_down"


class StoreFailed(Exception):
    """PostgreSQL's counterpart of `sqlite3.Error`: after it the process ends. Its text never quotes a value."""


class TooManyWaiting(GatewayError):
    code = "too_many_waiting"


SENTENCES: dict[Why, str] = {
    Why.NOT_GRANTED: "It is not granted.",
    Why.GRANTED: "It is already granted.",
    Why.USED: "It is already granted and used.",
    Why.REFUSED: "It is already refused.",
    Why.EXPIRED: "It has expired.",
    Why.WITHDRAWN: "It was withdrawn: nobody waits for it any more.",
    Why.ANSWERED: "You have already said yes; more people are needed.",
    Why.SHOWN_DIFFERS: "You answered for other content than what waits here; look again.",
    Why.JUSTIFICATION: "The policy asks for a justification.",
    Why.NOT_BOUND: "The release does not match what was approved.",
    Why.NOT_WAITING: "The client has left.",
    Why.TOO_MANY: "Too many exchanges ask under one approval.",
    Why.SIGNATURE: "This answer must be signed.",
}

_STATUS: tuple[tuple[type[Error], grpc.StatusCode], ...] = (
    (UnknownApproval, grpc.StatusCode.NOT_FOUND),
    (NotChanged, grpc.StatusCode.FAILED_PRECONDITION),
    (AskInvalid, grpc.StatusCode.INVALID_ARGUMENT),
    (NotAllowed, grpc.StatusCode.PERMISSION_DENIED),
    (Revoked, grpc.StatusCode.PERMISSION_DENIED),
    (SignInNeeded, grpc.StatusCode.UNAUTHENTICATED),
    (SignatureNeeded, grpc.StatusCode.FAILED_PRECONDITION),
    (SignatureRefused, grpc.StatusCode.PERMISSION_DENIED),
    (TooManyWaiting, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (TooWide, grpc.StatusCode.FAILED_PRECONDITION),
    (CallerError, grpc.StatusCode.INVALID_ARGUMENT),
    (Error, grpc.StatusCode.INTERNAL),  # not UNAVAILABLE: that word is the transport's, and clients retry it
)
_KINDS: tuple[type[Error], ...] = (
    UnknownApproval,
    NotChanged,
    AskInvalid,
    NotAllowed,
    Revoked,
    SignInNeeded,
    SignatureNeeded,
    SignatureRefused,
    TooWide,
    ApprovalsDown,
    TooManyWaiting,
)


def status_of(error: Error) -> grpc.StatusCode:
    return next(code for kind, code in _STATUS if isinstance(error, kind))


def from_rpc(error: grpc.aio.AioRpcError) -> Error:
    """Our error again, on the client's side; anything foreign is ApprovalsDown, without its text."""
    metadata: Any = error.trailing_metadata()  # pairs; the stubs know the synchronous form alone
    codes = [value for key, value in metadata if key == CODE_KEY]
    for kind in _KINDS:
        if [kind.code] == codes:
            return kind(error.details() or "")
    return ApprovalsDown(f"the approvals service gives no answer ({error.code().name.lower()})")
