"""Short names for the typed messages, and how they become JSON."""

import datetime
from pathlib import Path
from typing import Any as AnyValue

from betterproto2 import Casing, Message
from envoy_data_plane.envoy.config.core import v3 as core
from envoy_data_plane.envoy.config.endpoint import v3 as endpoint
from envoy_data_plane.envoy.extensions.upstreams.http import v3 as upstreams
from envoy_data_plane.google.protobuf import Any

HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
LARGE = (
    100_000  # circuit breakers: 1,100 holds at the default of 1,024 lost 76 of them (500, upstream_rq_active_overflow)
)


def seconds(value: float) -> datetime.timedelta:
    return datetime.timedelta(seconds=value)


def pack(message: Message) -> Any:
    return Any.pack(message)


def to_json(message: Message) -> dict[str, AnyValue]:
    """Snake case, defaults left out: what Envoy's own documentation uses."""
    document: dict[str, AnyValue] = _named(message.to_dict(casing=Casing.SNAKE))
    return document


def _named(value: AnyValue) -> AnyValue:
    """betterproto2 makes `5_xx` of the `5xx` in a field's name; Envoy knows no such field."""
    if isinstance(value, dict):
        return {str(key).replace("5_xx", "5xx"): _named(inner) for key, inner in value.items()}
    return [_named(inner) for inner in value] if isinstance(value, list) else value


def tcp(host: str, port: int) -> core.Address:
    return core.Address(socket_address=core.SocketAddress(address=host, port_value=port))


def pipe(path: Path, mode: int = 0) -> core.Address:
    return core.Address(pipe=core.Pipe(path=str(path), mode=mode))


def grpc_service(cluster: str, timeout: float) -> core.GrpcService:
    """`timeout` in seconds; 0 means none (ext_proc: a stream lives as long as its exchange)."""
    return core.GrpcService(envoy_grpc=core.GrpcServiceEnvoyGrpc(cluster_name=cluster), timeout=seconds(timeout))


def file_source(path: Path) -> core.ConfigSource:
    """A file that Envoy reads again when something is renamed into its folder."""
    watched = core.WatchedDirectory(path=str(path.parent))
    return core.ConfigSource(
        path_config_source=core.PathConfigSource(path=str(path), watched_directory=watched),
        resource_api_version=core.ApiVersion.V3,
    )


def protocol_options(options: upstreams.HttpProtocolOptions) -> dict[str, Any]:
    return {HTTP_OPTIONS: pack(options)}


def assignment(name: str, *addresses: core.Address) -> endpoint.ClusterLoadAssignment:
    places = [endpoint.LbEndpoint(endpoint=endpoint.Endpoint(address=address)) for address in addresses]
    return endpoint.ClusterLoadAssignment(
        cluster_name=name, endpoints=[endpoint.LocalityLbEndpoints(lb_endpoints=places)]
    )
