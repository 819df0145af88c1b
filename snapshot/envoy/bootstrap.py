"""What Envoy reads once. Routes, upstream clusters and secrets come from files that a snapshot rewrites."""

from collections.abc import Sequence
from pathlib import Path

from betterproto2 import Message
from envoy_data_plane.envoy.config.bootstrap import v3 as bootstrap
from envoy_data_plane.envoy.config.cluster import v3 as cluster
from envoy_data_plane.envoy.config.core import v3 as core
from envoy_data_plane.envoy.config.listener import v3 as listener
from envoy_data_plane.envoy.config.overload import v3 as overload
from envoy_data_plane.envoy.config.route import v3 as route
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager import v3 as hcm
from envoy_data_plane.envoy.extensions.resource_monitors.downstream_connections import v3 as connections_monitor
from envoy_data_plane.envoy.extensions.upstreams.http import v3 as upstreams

from runtime.settings import Settings, split_address
from snapshot.envoy import tls
from snapshot.envoy.dynamic import assignment, breakers
from snapshot.envoy.filters import connection_manager
from snapshot.envoy.typed import file_source, pack, pipe, protocol_options, seconds, tcp

PING_SECONDS = 10.0  # a hold is silent: pings tell a dead service from a waiting one (server options in runtime/serve)
CONNECTION_BUFFER = 1 << 20


def config(
    settings: Settings,
    xds: Path,
    *,
    inline: tuple[route.RouteConfiguration, Sequence[cluster.Cluster]] | None = None,
) -> bootstrap.Bootstrap:
    """`inline` puts routes and clusters into the document, so that `envoy --mode validate` sees the whole."""
    routes: dict[str, Message] = {
        "rds": hcm.Rds(config_source=file_source(xds / "routes.json"), route_config_name="gateway")
    }
    upstream: Sequence[cluster.Cluster] = []
    if inline is not None:
        routes, upstream = {"route_config": inline[0]}, inline[1]
    document = bootstrap.Bootstrap(
        node=core.Node(id=settings.gateway.id, cluster="exeat"),
        admin=bootstrap.Admin(address=pipe(settings.socket("envoy-admin"), 0o600)),
        static_resources=bootstrap.BootstrapStaticResources(
            listeners=[_listener(settings, routes, xds / tls.FOLDER)],
            clusters=[_service(settings, "authz"), _service(settings, "extproc"), *upstream],
        ),
        overload_manager=_overload(settings),
    )
    if inline is None:
        document.dynamic_resources = bootstrap.BootstrapDynamicResources(cds_config=file_source(xds / "clusters.json"))
    return document


def _listener(settings: Settings, routes: dict[str, Message], certificates: Path) -> listener.Listener:
    host, port = split_address(settings.gateway.listen)
    manager = connection_manager(settings, routes)
    chain = listener.FilterChain(
        filters=[listener.Filter(name="envoy.filters.network.http_connection_manager", typed_config=pack(manager))]
    )
    if settings.gateway.tls is not None:
        chain.transport_socket = tls.server(settings.gateway.tls, certificates)
    return listener.Listener(
        name="agents",
        address=tcp(host, port),
        filter_chains=[chain],
        per_connection_buffer_limit_bytes=CONNECTION_BUFFER,
        tcp_keepalive=core.TcpKeepalive(keepalive_probes=3, keepalive_time=30, keepalive_interval=10),
    )


def _service(settings: Settings, name: str) -> cluster.Cluster:
    keepalive = core.KeepaliveSettings(interval=seconds(PING_SECONDS), timeout=seconds(PING_SECONDS / 2))
    http2 = core.Http2ProtocolOptions(connection_keepalive=keepalive)
    options = upstreams.HttpProtocolOptions(
        explicit_http_config=upstreams.HttpProtocolOptionsExplicitHttpConfig(http2_protocol_options=http2)
    )
    return cluster.Cluster(
        name=name,
        type=cluster.ClusterDiscoveryType.STATIC,
        connect_timeout=seconds(1),
        circuit_breakers=breakers(),
        load_assignment=assignment(name, pipe(settings.socket(name))),
        typed_extension_protocol_options=protocol_options(options),
    )


def _overload(settings: Settings) -> overload.OverloadManager:
    monitor = connections_monitor.DownstreamConnectionsConfig(
        max_active_downstream_connections=settings.gateway.max_connections
    )
    return overload.OverloadManager(
        resource_monitors=[
            overload.ResourceMonitor(
                name="envoy.resource_monitors.global_downstream_max_connections", typed_config=pack(monitor)
            )
        ]
    )
