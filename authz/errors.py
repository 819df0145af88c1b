"""Requests that never reach Rego, and the status that each is answered with.

CallerError
└── RequestRefused              400 unless said otherwise
    ├── CredentialsAmbiguous    two different tokens at once
    ├── CredentialsMisplaced    a token where logs and browsers keep it: the query, a cookie
    ├── HeaderRefused           a header that is there twice, or is no text
    ├── MethodRefused
    ├── PathRefused             a path that two readers could read differently
    ├── UnknownConnection       404
    ├── Revoked                 403: somebody of the house stopped this caller (revoked.py)
    ├── PeerRefused             401: a client certificate without one SPIFFE ID
    ├── TokenBound              401: a token of another client certificate's holder
    ├── TooManyFailures         429: of tokens, from one address (strangers.py)
    ├── BodyMalformed           not JSON of one meaning, or not what the API at that path takes
    ├── BodyUnsupported         415: an encoding or a type that cannot be inspected
    └── BodyTooLarge            413
"""

from typing import ClassVar

from identity import TokenRefused
from masking import Blocked, Uninspectable
from runtime.errors import CallerError, Error, GatewayError

UNAVAILABLE = "A part of the gateway is not available, so nothing was let through."


class RequestRefused(CallerError):
    code = "request_refused"
    status: ClassVar[int] = 400


class CredentialsAmbiguous(RequestRefused):
    code = "credentials_ambiguous"


class CredentialsMisplaced(RequestRefused):
    code = "credentials_misplaced"


class HeaderRefused(RequestRefused):
    code = "header_refused"


class MethodRefused(RequestRefused):
    code = "method_refused"


class PathRefused(RequestRefused):
    code = "path_refused"


class UnknownConnection(RequestRefused):
    code = "unknown_connection"
    status = 404


class PeerRefused(RequestRefused):
    """A certificate that names nobody or several (SPIFFE X.509-SVID §2: exactly one URI)."""

    code = "peer_refused"
    status = 401


class TokenBound(RequestRefused):
    """The token belongs to the holder of another key than who sent it."""

    code = "token_bound"
    status = 401


class BodyMalformed(RequestRefused):
    code = "body_malformed"


class BodyUnsupported(RequestRefused):
    code = "body_unsupported"
    status = 415


class BodyTooLarge(RequestRefused):
    code = "body_too_large"
    status = 413


class EnvoyMisconfigured(GatewayError):
    """Envoy sends less than we need to decide: a setting that is security is not in force."""

    code = "envoy_misconfigured"


def status_of(error: BaseException) -> int:
    """The HTTP status that a refusal of ours carries. Whatever nobody foresaw is our fault."""
    if isinstance(error, RequestRefused):
        return error.status
    if isinstance(error, TokenRefused):
        return 401
    if isinstance(error, Blocked):
        return 403
    if isinstance(error, Uninspectable):
        return 415
    return 400 if isinstance(error, CallerError) else 503


def code_of(error: BaseException) -> str:
    return error.code if isinstance(error, Error) else "internal"


def sentence_of(error: BaseException) -> str:
    """What the caller is told. Of our own faults only that there is one."""
    return error.message if isinstance(error, CallerError) else UNAVAILABLE


def told_code(error: BaseException) -> str:
    """The code in the answer. Which part of ours failed is for the record; Envoy's own 503 reads the same."""
    return error.code if isinstance(error, CallerError) else "gateway_unavailable"
