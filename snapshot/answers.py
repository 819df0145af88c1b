"""How a refusal looks to the caller: the error shape of the API that it believes it is talking to.

Sources: Anthropic API reference (errors, streaming errors), OpenAI API reference (error object, streaming errors),
Google's google.rpc.Status, Kubernetes' Status object, JSON-RPC 2.0 §5.1 for MCP, RFC 9457 (problem details) for plain
HTTP. The same shapes stand in Envoy's local replies
(snapshot/envoy), so a caller cannot tell which part said no.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ANTHROPIC_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    408: "invalid_request_error",
    413: "request_too_large",
    415: "invalid_request_error",
    429: "rate_limit_error",
    431: "invalid_request_error",
    502: "api_error",
    503: "overloaded_error",  # passes by itself; the API says so with 529, which no proxy on the way knows
    504: "api_error",
}
OPENAI_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    408: "invalid_request_error",
    413: "invalid_request_error",
    415: "invalid_request_error",
    429: "rate_limit_error",
    431: "invalid_request_error",
}
GOOGLE_STATUS = {  # google.rpc.Code by HTTP status (AIP-193)
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    413: "INVALID_ARGUMENT",
    415: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    431: "INVALID_ARGUMENT",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
KUBERNETES_REASONS = {  # metav1.StatusReason
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    408: "Timeout",
    413: "RequestEntityTooLarge",
    415: "UnsupportedMediaType",
    429: "TooManyRequests",
    431: "BadRequest",
    502: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}
TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    408: "Request Timeout",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer of ours; `body` is JSON."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def refusal(kind: str, status: int, code: str, message: str, exchange: str = "", *, rpc_id: object = None) -> Answer:
    """An answer in the shape of the connection's `kind`. `code` is ours and stable, `message` holds no content."""
    content_type = "application/problem+json" if kind not in SHAPES else "application/json"
    shape = SHAPES.get(kind, _problem)
    document = shape(status, code, _sentence(message, exchange), exchange, rpc_id)
    headers = [("content-type", content_type), ("cache-control", "no-store")]
    if status not in (429, 503):  # those two pass by themselves; asking again changes nothing about the others
        headers.append(("x-should-retry", "false"))
    if exchange:
        headers.append(("x-exeat-decision", exchange))
    if status == 401:
        headers.append(("www-authenticate", 'Bearer realm="exeat"'))
    return Answer(status, tuple(headers), dump(document))


def error_event(
    dialect: str, code: str, message: str, exchange: str = "", *, sequence: int = 0, status: int = 403
) -> bytes:
    """The last event of an SSE stream that we end: `anthropic`, `openai_chat`, `openai_responses`, `gemini`, `mcp`,
    else a plain one.

    `status` is the one that an answer of its own would have had; it says which type of error this is.
    """
    text = _sentence(message, exchange)
    if dialect == "anthropic":
        return _event("error", _anthropic(status, code, text, exchange, None))
    if dialect == "openai_responses":
        data = {"type": "error", "code": code, "message": text, "param": None, "sequence_number": sequence}
        return _event("error", data)
    if dialect == "openai_chat":
        return b"data: " + dump(_openai(status, code, text, exchange, None)) + b"\n\n"
    if dialect == "gemini":  # its clients read unnamed events
        return b"data: " + dump(_gemini(status, code, text, exchange, None)) + b"\n\n"
    if dialect == "mcp":  # without the id of a request no client takes it for an answer, and none takes it for a result
        return _event("message", _mcp(status, code, text, exchange, None))
    return _event("error", {"error": {"code": code, "message": text, "decision": exchange}})


def dump(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def _sentence(message: str, exchange: str) -> str:
    return f"{message} (Exeat decision {exchange})" if exchange else message


def _event(name: str, document: Mapping[str, Any]) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + dump(document) + b"\n\n"


def _anthropic(status: int, code: str, message: str, exchange: str, _: object) -> dict[str, Any]:
    error = {"type": ANTHROPIC_TYPES.get(status, "api_error"), "message": message, "code": code}
    return {"type": "error", "error": error, "request_id": exchange}


def _openai(status: int, code: str, message: str, exchange: str, _: object) -> dict[str, Any]:
    kind = OPENAI_TYPES.get(status, "server_error")
    return {"error": {"message": message, "type": kind, "param": None, "code": code, "decision": exchange}}


def _mcp(status: int, code: str, message: str, exchange: str, rpc_id: object) -> dict[str, Any]:
    # -32000 to -32099 are the implementation's own (JSON-RPC 2.0 §5.1)
    data = {"code": code, "status": status, "decision": exchange}
    return {"jsonrpc": "2.0", "id": rpc_id, "error": {"code": -32000, "message": message, "data": data}}


def _gemini(status: int, code: str, message: str, exchange: str, _: object) -> dict[str, Any]:
    kind = "type.googleapis.com/google.rpc.ErrorInfo"
    info = {"@type": kind, "reason": code, "domain": "exeat", "metadata": {"decision": exchange}}
    return {
        "error": {
            "code": status,
            "message": message,
            "status": GOOGLE_STATUS.get(status, "UNKNOWN"),
            "details": [info],
        }
    }


def _kubernetes(status: int, code: str, message: str, exchange: str, _: object) -> dict[str, Any]:
    cause = {"reason": code, "message": exchange}
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": KUBERNETES_REASONS.get(status, ""),
        "details": {"causes": [cause]},
        "code": status,
    }


def _problem(status: int, code: str, message: str, exchange: str, _: object) -> dict[str, Any]:
    return {
        "type": "about:blank",
        "title": TITLES.get(status, "Refused"),
        "status": status,
        "detail": message,
        "code": code,
        "decision": exchange,
    }


SHAPES = {
    "anthropic": _anthropic,
    "openai": _openai,
    "azure_openai": _openai,
    "gemini": _gemini,
    "mcp": _mcp,
    "kubernetes": _kubernetes,
}
