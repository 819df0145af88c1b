"""Envoy's own errors (local replies) in the caller's API shape: a Python part that is down must not look like a bug.

Bodies that authz and extproc wrote themselves pass unchanged (code details `ext_authz_denied` and `exeat_…`).
The route's name starts with the connection's kind (`anthropic:…`), which is how a reply learns its shape.
Every local reply is marked `x-exeat-reply`, so that the marker guard knows it from an upstream's answer.
"""

from envoy_data_plane.envoy.config.accesslog import v3 as accesslog
from envoy_data_plane.envoy.config.core import v3 as core
from envoy_data_plane.envoy.extensions.access_loggers.filters.cel import v3 as cel
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager import v3 as hcm
from envoy_data_plane.google.protobuf import Struct

from snapshot.answers import ANTHROPIC_TYPES, GOOGLE_STATUS, KUBERNETES_REASONS, OPENAI_TYPES, SHAPES, TITLES
from snapshot.envoy.typed import pack

REPLY_MARK = "x-exeat-reply"
OURS = "(response.code_details == 'ext_authz_denied' || response.code_details.startsWith('exeat_'))"
# ext_proc's details quote the Python exception: they select the mapper and never reach a body
DOWN = (
    "(response.code_details.startsWith('ext_proc_error') || response.code_details == 'ext_authz_error'"
    " || response.code_details.startsWith('failed_to_inject_credential')"
    " || response.code_details == 'ext_authz_invalid' || response.code_details == 'cluster_not_found')"
)
UPSTREAM = "(response.code_details.startsWith('upstream_') || response.code_details.startsWith('no_healthy_upstream'))"
REFUSED = "Exeat refused the request before a decision."
UNAVAILABLE = "A part of the gateway is not available, so nothing was let through."
NO_ANSWER = "The upstream gave no answer that could be used."
# what Envoy itself refuses, by status: our stable code, and the sentence
REFUSALS = {
    400: ("request_refused", REFUSED),
    403: ("upgrade_refused", "Upgrades and tunnels (WebSocket, CONNECT) are not let out."),
    404: ("unknown_connection", "There is no such connection."),
    408: ("request_too_slow", "The request did not arrive in time."),
    413: ("body_too_large", "The request is larger than this gateway takes."),
    429: ("rate_limited", "Too many requests; ask again later."),
    431: ("headers_too_large", "The headers of the request are larger than this gateway takes."),
}


def local_replies() -> hcm.LocalReplyConfig:
    """Selective on purpose: a global body format would also wrap the bodies that authz and extproc wrote."""
    mappers = [_mapper(OURS, {}, None)]
    for kind in (*SHAPES, ""):
        named = f"xds.route_name.startsWith('{kind}:') && " if kind else ""
        mappers.append(_mapper(named + DOWN, _body(kind, 503, "gateway_unavailable", UNAVAILABLE), 503))
        for status in (503, 504):
            expression = f"{named}{UPSTREAM} && response.code == {status}"
            mappers.append(_mapper(expression, _body(kind, status, "upstream_unavailable", NO_ANSWER), None))
        mappers.append(_mapper(named + UPSTREAM, _body(kind, 502, "upstream_unavailable", NO_ANSWER), None))
        for status, (code, message) in REFUSALS.items():
            mappers.append(_mapper(named + f"response.code == {status}", _body(kind, status, code, message), None))
        mappers.append(_mapper(named + f"!{OURS}", _body(kind, 400, "request_refused", REFUSED), None))
    mappers.append(_mapper("true", {}, None))
    return hcm.LocalReplyConfig(mappers=mappers)


def _body(kind: str, status: int, code: str, message: str) -> dict[str, object]:
    """What `snapshot.answers` would say of `status`; Envoy may have another one of the same sort."""
    if kind == "anthropic":
        error = {"type": ANTHROPIC_TYPES[status], "message": message, "code": code}
        return {"type": "error", "error": error, "request_id": "%REQ(X-REQUEST-ID)%"}
    if kind in ("openai", "azure_openai"):
        said = OPENAI_TYPES.get(status, "server_error")
        return {"error": {"message": message, "type": said, "param": None, "code": code}}
    if kind == "gemini":
        return {"error": {"code": "%RESPONSE_CODE%", "message": message, "status": GOOGLE_STATUS[status]}}
    if kind == "mcp":
        refused = {"code": -32000, "message": message, "data": {"code": code}}
        return {"jsonrpc": "2.0", "id": None, "error": refused}
    if kind == "kubernetes":
        head = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message}
        return {**head, "reason": KUBERNETES_REASONS[status], "code": "%RESPONSE_CODE%"}
    problem = {"type": "about:blank", "title": TITLES[status], "status": "%RESPONSE_CODE%"}
    return {**problem, "detail": message, "code": code}


def _mapper(expression: str, body: dict[str, object], status: int | None) -> hcm.ResponseMapper:
    extension = core.TypedExtensionConfig(
        name="envoy.access_loggers.extension_filters.cel",
        typed_config=pack(cel.ExpressionFilter(expression=expression)),
    )
    mapper = hcm.ResponseMapper(
        filter=accesslog.AccessLogFilter(
            extension_filter=accesslog.ExtensionFilter(name=extension.name, typed_config=extension.typed_config)
        ),
        headers_to_add=[
            core.HeaderValueOption(
                header=core.HeaderValue(key=REPLY_MARK, value="local"),
                append_action=core.HeaderValueOptionHeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD,
            )
        ],
    )
    if status is not None:
        mapper.status_code = status
    if body:
        media = "application/problem+json" if "title" in body else "application/json"
        mapper.body_format_override = core.SubstitutionFormatString(
            json_format=Struct.from_dict(body), content_type=media
        )
    return mapper
