"""What Envoy reads once. Routes, upstream clusters and secrets come from files that a snapshot rewrites."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

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
from envoy_data_plane.envoy.type import v3 as kinds

from runtime.settings import Settings, split_address
from snapshot.envoy import tls
from snapshot.envoy.dynamic import breakers
from snapshot.envoy.filters import connection_manager
from snapshot.envoy.tracing import collector
from snapshot.envoy.typed import assignment, file_source, pack, pipe, protocol_options, seconds, tcp

PING_SECONDS = 10.0  # a hold is silent: pings tell a dead service from a waiting one (server options in runtime/serve)
CONNECTION_BUFFER = 1 << 20
CHECK_SECONDS = 0.25  # between looks at whether each of several processes can be reached


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
            clusters=[
                *(_service(settings, "authz"), _service(settings, "extproc")),
                *collector(settings.tracing),
                *upstream,
            ],
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


def _service(settings: Settings, name: Literal["authz", "extproc"]) -> cluster.Cluster:
    keepalive = core.KeepaliveSettings(interval=seconds(PING_SECONDS), timeout=seconds(PING_SECONDS / 2))
    http2 = core.Http2ProtocolOptions(connection_keepalive=keepalive)
    options = upstreams.HttpProtocolOptions(
        explicit_http_config=upstreams.HttpProtocolOptionsExplicitHttpConfig(http2_protocol_options=http2)
    )
    names = settings.processes(name)
    found = cluster.Cluster(
        name=name,
        type=cluster.ClusterDiscoveryType.STATIC,
        connect_timeout=seconds(1),
        circuit_breakers=breakers(),
        load_assignment=assignment(name, *(pipe(settings.socket(each)) for each in names)),
        typed_extension_protocol_options=protocol_options(options),
    )
    if len(names) > 1:  # streams last as long as their exchanges: the next goes to who has fewest
        found.lb_policy = cluster.ClusterLbPolicy.LEAST_REQUEST
        found.common_lb_config = cluster.ClusterCommonLbConfig(
            healthy_panic_threshold=kinds.Percent(value=0),
            update_merge_window=seconds(0),  # else a second failure within a second reaches the workers late
        )
        found.outlier_detection = _failing(len(names))
        found.health_checks = [_answering()]
    return found


def _failing(count: int) -> cluster.OutlierDetection:
    """One whose connection fails is left out at once, until the check below says otherwise; never all of them."""
    return cluster.OutlierDetection(
        split_external_local_origin_errors=True,
        consecutive_local_origin_failure=1,
        enforcing_consecutive_local_origin_failure=100,
        enforcing_local_origin_success_rate=0,
        enforcing_consecutive_5xx=0,
        enforcing_consecutive_gateway_failure=0,
        enforcing_success_rate=0,
        max_ejection_percent=100 * (count - 1) // count,
    )


def _answering() -> core.HealthCheck:
    """That a connection can be made. A process that stands still is the supervisor's to find."""
    return core.HealthCheck(
        timeout=seconds(1),
        interval=seconds(CHECK_SECONDS),
        no_traffic_interval=seconds(CHECK_SECONDS),
        unhealthy_threshold=1,
        healthy_threshold=1,
        tcp_health_check=core.HealthCheckTcpHealthCheck(),
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
