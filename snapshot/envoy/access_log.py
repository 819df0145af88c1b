"""One line an exchange, for reconciling with the decisions; no path, header or address of content in it."""

from envoy_data_plane.envoy.config.accesslog import v3 as accesslog
from envoy_data_plane.envoy.config.core import v3 as core
from envoy_data_plane.envoy.extensions.access_loggers.file import v3 as file
from envoy_data_plane.google.protobuf import Struct

from runtime.settings import Settings
from snapshot.envoy.typed import pack

METADATA = "%DYNAMIC_METADATA(envoy.filters.http.ext_authz:{})%"
LINE = {
    "start": "%START_TIME(%s.%6f)%",
    "request_id": "%REQ(X-REQUEST-ID)%",
    "exchange": METADATA.format("exchange"),
    "decision": "%RESP(X-EXEAT-DECISION)%",
    "effect": METADATA.format("effect"),
    "connection": METADATA.format("connection"),
    "route": "%ROUTE_NAME%",
    "method": "%REQ(:METHOD)%",
    "status": "%RESPONSE_CODE%",
    "flags": "%RESPONSE_FLAGS%",
    "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",  # 0: nothing went to any upstream
    "bytes_in": "%BYTES_RECEIVED%",
    "bytes_out": "%BYTES_SENT%",
    "duration_ms": "%DURATION%",
    "upstream_ms": "%RESPONSE_DURATION%",
}


def access_log(settings: Settings) -> accesslog.AccessLog:
    format_string = core.SubstitutionFormatString(json_format=Struct.from_dict(dict(LINE)))
    path = (settings.gateway.run_dir / "access.log").absolute()
    return accesslog.AccessLog(
        name="envoy.access_loggers.file",
        typed_config=pack(file.FileAccessLog(path=str(path), log_format=format_string)),
    )
