"""Where Envoy's part of a trace goes (runtime/tracing.py), and what it must not say: anything that a caller wrote."""

from urllib.parse import urlsplit

from envoy_data_plane.envoy.config.cluster import v3 as cluster
from envoy_data_plane.envoy.config.core import v3 as core
from envoy_data_plane.envoy.config.trace import v3 as trace
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager import v3 as hcm
from envoy_data_plane.envoy.type import v3 as kinds
from envoy_data_plane.envoy.type.tracing import v3 as tags

from runtime.settings import TracingSettings
from snapshot.envoy.tls import client
from snapshot.envoy.typed import assignment, pack, seconds, tcp

CLUSTER = "collector"
SEND_SECONDS = 5.0
# Envoy's own tags of these names hold what the caller sent; a tag of ours takes their place
SILENCED = ("http.url", "user_agent", "downstream_cluster", "peer.address", "guid:x-request-id", "x-request-id")


def tracing(settings: TracingSettings) -> hcm.HttpConnectionManagerTracing | None:
    """None without a collector. Nobody outside can have an exchange traced: `client_sampling` is 0."""
    if settings.endpoint is None:
        return None
    where = core.HttpUri(uri=settings.url, cluster=CLUSTER, timeout=seconds(SEND_SECONDS))
    collector = trace.OpenTelemetryConfig(http_service=core.HttpService(http_uri=where), service_name="exeat-envoy")
    return hcm.HttpConnectionManagerTracing(
        client_sampling=kinds.Percent(value=0.0),
        random_sampling=kinds.Percent(value=settings.sample_percent),
        overall_sampling=kinds.Percent(value=100.0),
        max_path_tag_length=1,
        custom_tags=[tags.CustomTag(tag=name, literal=tags.CustomTagLiteral(value="-")) for name in SILENCED],
        provider=trace.TracingHttp(name="envoy.tracers.opentelemetry", typed_config=pack(collector)),
    )


def collector(settings: TracingSettings) -> list[cluster.Cluster]:
    if settings.endpoint is None:
        return []
    url = urlsplit(settings.endpoint)
    secure, host = url.scheme == "https", url.hostname or ""
    found = cluster.Cluster(
        name=CLUSTER,
        type=cluster.ClusterDiscoveryType.STRICT_DNS,
        dns_lookup_family=cluster.ClusterDnsLookupFamily.V4_PREFERRED,
        connect_timeout=seconds(1),
        load_assignment=assignment(CLUSTER, tcp(host, url.port or (443 if secure else 80))),
    )
    if secure:
        found.transport_socket = client(host, settings.ca)
    return [found]
