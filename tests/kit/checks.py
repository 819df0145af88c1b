"""Requests as Envoy shows them to authz."""

import json
from collections.abc import Sequence
from typing import Any

from envoy.service.auth.v3.external_auth_pb2 import CheckRequest

Pairs = Sequence[tuple[str, str | bytes]]


def check(
    path: str = "/ledger/accounts",
    *,
    method: str = "GET",
    token: str = "",
    headers: Pairs = (),
    body: bytes | dict[str, Any] = b"",
    connection: str | None = None,
    source: str = "10.0.0.1",
) -> Any:
    """`connection`: of Envoy's route; by default the one that the path begins with."""
    request = CheckRequest()
    http = request.attributes.request.http
    request.attributes.source.address.socket_address.address = source
    http.method, http.path, http.host = method, path, "gateway:10000"
    pairs: list[tuple[str, str | bytes]] = [(":method", method), (":path", path), (":authority", "gateway:10000")]
    if token:
        pairs.append(("authorization", f"Bearer {token}"))
    if isinstance(body, dict):
        body = json.dumps(body).encode()
        pairs.append(("content-type", "application/json"))
    pairs += headers
    if body and not any(name == "content-type" for name, _ in pairs):
        pairs.append(("content-type", "application/json"))
    for name, value in pairs:
        header = http.header_map.headers.add()
        header.key, header.raw_value = name, value if isinstance(value, bytes) else value.encode()
    http.raw_body = body
    http.size = len(body)
    first = path[1:].split("?")[0].partition("/")
    route = connection if connection is not None else (first[0] if first[1] else "")
    if route:
        request.attributes.context_extensions["connection"] = route
    return request


def message(model: str = "simulated", text: str = "hello", **fields: Any) -> dict[str, Any]:
    """A body for Anthropic Messages."""
    return {"model": model, "max_tokens": 16, "messages": [{"role": "user", "content": text}], **fields}
