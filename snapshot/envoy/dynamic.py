"""What a snapshot may change: one route and one upstream cluster a connection, one secret reference a secret."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from envoy_data_plane.envoy.config.cluster import v3 as cluster
from envoy_data_plane.envoy.config.core import v3 as core
from envoy_data_plane.envoy.config.route import v3 as route
from envoy_data_plane.envoy.extensions.filters.http.credential_injector import v3 as credential_injector
from envoy_data_plane.envoy.extensions.filters.http.ext_authz import v3 as ext_authz
from envoy_data_plane.envoy.extensions.filters.http.upstream_codec import v3 as upstream_codec
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager import v3 as hcm
from envoy_data_plane.envoy.extensions.http.injected_credentials.generic import v3 as generic
from envoy_data_plane.envoy.extensions.transport_sockets.tls import v3 as tls
from envoy_data_plane.envoy.extensions.upstreams.http import v3 as upstreams

from runtime.settings import Secret, Settings
from snapshot.connections import Connection
from snapshot.envoy.filters import AUTHZ, strip_marks
from snapshot.envoy.tls import client
from snapshot.envoy.typed import LARGE, assignment, file_source, pack, protocol_options, seconds, tcp

CONNECT_SECONDS = 10.0
BODY_MARGIN = 1 << 20  # over the largest request: with less, a large body hangs instead of a 413 (envoy issue 7404)
# what a caller must never carry to an upstream, whatever authz says
NEVER_FORWARD = ["accept-encoding", "range", "if-range", "x-exeat-session", "x-exeat-justification", "x-forwarded-for"]


def routes(settings: Settings, connections: Iterable[Connection]) -> route.RouteConfiguration:
    """Any host name: the connection is the first path segment, and authz reads the same one."""
    host = route.VirtualHost(
        name="gateway",
        domains=["*"],
        routes=[*(_route(connection) for connection in connections), *_nowhere()],
        request_body_buffer_limit=settings.gateway.max_request_bytes + BODY_MARGIN,
    )
    return route.RouteConfiguration(name="gateway", virtual_hosts=[host])


def _route(connection: Connection) -> route.Route:
    upstream = urlsplit(connection.upstream)
    settings = ext_authz.CheckSettings(context_extensions={"connection": connection.name})
    return route.Route(
        name=f"{connection.kind}:{connection.name}",
        match=route.RouteMatch(prefix=f"/{connection.name}/"),
        route=route.RouteAction(
            cluster=cluster_name(connection.name),
            prefix_rewrite=(upstream.path.rstrip("/") or "") + "/",
            host_rewrite_literal=upstream.netloc,
            timeout=seconds(0),
            idle_timeout=seconds(0),
        ),
        request_headers_to_remove=NEVER_FORWARD,
        response_headers_to_remove=["server"],
        typed_per_filter_config={AUTHZ: pack(ext_authz.ExtAuthzPerRoute(check_settings=settings))},
    )


def _nowhere() -> list[route.Route]:
    """What no connection takes. Where there is no route Envoy would not ask authz, which answers and records."""
    return [
        route.Route(name="nowhere", match=match, direct_response=route.DirectResponseAction(status=404))
        # a CONNECT has no path that a prefix could match (RFC 9113 §8.5)
        for match in (route.RouteMatch(prefix="/"), route.RouteMatch(connect_matcher=route.RouteMatchConnectMatcher()))
    ]


def cluster_name(connection: str) -> str:
    return f"upstream_{connection}"


def upstream_clusters(settings: Settings, connections: Iterable[Connection], sds: Path) -> list[cluster.Cluster]:
    return [_cluster(settings, connection, sds) for connection in connections]


def _cluster(settings: Settings, connection: Connection, sds: Path) -> cluster.Cluster:
    secret = settings.secrets.get(connection.credential or "")
    upstream = urlsplit(connection.upstream)
    secure = upstream.scheme == "https"
    address = tcp(upstream.hostname or "", upstream.port or (443 if secure else 80))
    result = cluster.Cluster(
        name=cluster_name(connection.name),
        type=cluster.ClusterDiscoveryType.STRICT_DNS,
        dns_lookup_family=cluster.ClusterDnsLookupFamily.V4_PREFERRED,
        connect_timeout=seconds(CONNECT_SECONDS),
        circuit_breakers=breakers(),
        load_assignment=assignment(cluster_name(connection.name), address),
        typed_extension_protocol_options=protocol_options(_http(connection, secret, sds, secure)),
    )
    if secure:
        result.transport_socket = client(upstream.hostname or "", settings.envoy.upstream_ca)
    return result


def _http(connection: Connection, secret: Secret | None, sds: Path, secure: bool) -> upstreams.HttpProtocolOptions:
    http1 = core.Http1ProtocolOptions(enable_trailers=True)
    filters = [strip_marks()]
    if secret is not None and connection.credential:
        filters.append(_inject(connection.credential, secret, sds))
    codec = upstream_codec.UpstreamCodec()
    filters.append(hcm.HttpFilter(name="envoy.filters.http.upstream_codec", typed_config=pack(codec)))
    options = upstreams.HttpProtocolOptions(http_filters=filters)
    if secure:
        options.auto_config = upstreams.HttpProtocolOptionsAutoHttpConfig(
            http_protocol_options=http1, http2_protocol_options=core.Http2ProtocolOptions()
        )
    else:
        options.explicit_http_config = upstreams.HttpProtocolOptionsExplicitHttpConfig(http_protocol_options=http1)
    return options


def _inject(name: str, secret: Secret, sds: Path) -> hcm.HttpFilter:
    """The upstream key: Envoy reads the file, so no Python process ever holds it in the data path."""
    source = generic.Generic(
        credential=tls.SdsSecretConfig(name=name, sds_config=file_source(sds / f"{name}.json")),
        header=secret.header,
        header_value_prefix=secret.prefix,
    )
    injector = credential_injector.CredentialInjector(
        overwrite=True,
        credential=core.TypedExtensionConfig(name="envoy.http.injected_credentials.generic", typed_config=pack(source)),
    )
    return hcm.HttpFilter(name="envoy.filters.http.credential_injector", typed_config=pack(injector))


def secret_resource(name: str, secret: Secret) -> tls.Secret:
    """The secret by file name: Envoy reads it again when something is renamed in its folder."""
    path = secret.file.absolute()
    source = core.DataSource(filename=str(path), watched_directory=core.WatchedDirectory(path=str(path.parent)))
    return tls.Secret(name=name, generic_secret=tls.GenericSecret(secret=source))


def breakers() -> cluster.CircuitBreakers:
    limit = cluster.CircuitBreakersThresholds(max_connections=LARGE, max_pending_requests=LARGE, max_requests=LARGE)
    return cluster.CircuitBreakers(thresholds=[limit])


def used_secrets(settings: Settings, connections: Iterable[Connection]) -> Mapping[str, Secret]:
    names = {connection.credential for connection in connections if connection.credential}
    return {name: secret for name, secret in settings.secrets.items() if name in names}
