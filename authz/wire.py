"""Envoy's protobuf, and nothing of it beyond this file: CheckRequest → Request, answers → CheckResponse."""

from collections.abc import Iterable, Mapping
from typing import Any

from envoy.service.auth.v3.external_auth_pb2 import CheckResponse
from envoy.service.auth.v3.external_auth_pb2_grpc import AuthorizationServicer, add_AuthorizationServicer_to_server

from authz.errors import BodyTooLarge, EnvoyMisconfigured
from authz.request import Request
from snapshot.answers import Answer

PERMISSION_DENIED = 7  # google.rpc.Code; Envoy looks only at whether it is 0
OVERWRITE = 2  # HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD
PARTIAL = "x-envoy-auth-partial-body"
DECISION = "x-exeat-decision"

__all__ = ["AuthorizationServicer", "add_AuthorizationServicer_to_server", "allow", "read", "refuse"]


def read(check: Any) -> Request:
    """Raises EnvoyMisconfigured where Envoy shows less than it forwards, BodyTooLarge where it cut the body off."""
    http = check.attributes.request.http
    pairs = [(header.key.lower(), bytes(header.raw_value)) for header in http.header_map.headers]
    if http.headers or http.body:
        raise EnvoyMisconfigured("encode_raw_headers or pack_as_bytes is off")
    pseudo = {name: value for name, value in pairs if name.startswith(":")}
    if (
        pseudo.get(":path", b"").decode("latin-1") != http.path
        or pseudo.get(":method", b"").decode("latin-1") != http.method
    ):
        raise EnvoyMisconfigured("Envoy shows two different paths or methods")
    headers = tuple((name, value) for name, value in pairs if not name.startswith(":"))
    if any(name == PARTIAL and value != b"false" for name, value in headers):
        raise BodyTooLarge("The body is larger than the gateway takes.")
    return Request(
        method=http.method,
        host=http.host,
        path=http.path,
        headers=headers,
        body=http.raw_body,
        connection=check.attributes.context_extensions.get("connection", ""),
        source=check.attributes.source.address.socket_address.address,
        certificate=check.attributes.source.certificate,
    )


def allow(exchange: str, metadata: Mapping[str, str], remove: Iterable[str]) -> Any:
    """On it goes, without the headers in `remove`; `metadata` is the verdict, for extproc."""
    response = CheckResponse()
    response.ok_response.headers_to_remove.extend(remove)
    _header(response.ok_response.response_headers_to_add.add(), DECISION, exchange)
    response.dynamic_metadata.update(dict(metadata))
    return response


def refuse(answer: Answer, metadata: Mapping[str, str]) -> Any:
    """Our own answer to the caller; `metadata` is for the access log."""
    response = CheckResponse()
    response.status.code = PERMISSION_DENIED
    response.denied_response.status.code = answer.status
    for name, value in answer.headers:
        _header(response.denied_response.headers.add(), name, value)
    response.denied_response.body = answer.body.decode()
    response.dynamic_metadata.update(dict(metadata))
    return response


def _header(option: Any, name: str, value: str) -> None:
    option.header.key = name
    option.header.value = value  # ext_authz reads no raw_value here: with one the header would be empty
    option.append_action = OVERWRITE
