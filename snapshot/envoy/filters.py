"""The HTTP connection manager and its filter chain. Each setting here is security; tests assert them as rendered."""

from importlib.resources import files

from betterproto2 import Message
from envoy_data_plane.envoy.config.common.mutation_rules import v3 as mutation_rules
from envoy_data_plane.envoy.config.core import v3 as core
from envoy_data_plane.envoy.config.route import v3 as route
from envoy_data_plane.envoy.extensions.common.ratelimit import v3 as ratelimit
from envoy_data_plane.envoy.extensions.filters.http.ext_authz import v3 as ext_authz
from envoy_data_plane.envoy.extensions.filters.http.ext_proc import v3 as ext_proc
from envoy_data_plane.envoy.extensions.filters.http.header_mutation import v3 as header_mutation
from envoy_data_plane.envoy.extensions.filters.http.local_ratelimit import v3 as local_ratelimit
from envoy_data_plane.envoy.extensions.filters.http.lua import v3 as lua
from envoy_data_plane.envoy.extensions.filters.http.router import v3 as router
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager import v3 as hcm
from envoy_data_plane.envoy.extensions.http.early_header_mutation.header_mutation import v3 as early
from envoy_data_plane.envoy.type import v3 as envoy_type
from envoy_data_plane.envoy.type.matcher import v3 as matcher

from runtime.settings import Settings
from snapshot.envoy.access_log import access_log
from snapshot.envoy.replies import local_replies
from snapshot.envoy.tracing import tracing
from snapshot.envoy.typed import grpc_service, pack, seconds

MESSAGE_SECONDS = 10.0  # extproc's answer to one message; a hold asks for more, once, up to the next line
HOLD_SECONDS = 3600.0  # Envoy's own ceiling for message timeouts
AUTHZ_MARGIN_SECONDS = 4.0  # beside the engine's deadline: keys, group commit
# of a caller inside the house Envoy would keep its request id, and so carry text to the upstream that nobody decided on
FORGED = (
    *("x-http-method-override", "x-original-url", "x-request-id", "x-client-trace-id"),
    *("traceparent", "tracestate"),
)
AUTHZ = "envoy.filters.http.ext_authz"
STRANGER = "token"
TOKEN = r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"
BEARER = rf"(?i:bearer) +{TOKEN} *"
MAX_ADDRESSES = 10_000


def connection_manager(settings: Settings, routes: dict[str, Message]) -> hcm.HttpConnectionManager:
    """`routes` is `{"rds": …}`, or `{"route_config": …}` when the whole is validated at once."""
    return hcm.HttpConnectionManager(
        codec_type=hcm.HttpConnectionManagerCodecType.AUTO,
        stat_prefix="ingress",
        server_name="exeat",
        **routes,
        http_filters=http_filters(settings),
        use_remote_address=True,
        internal_address_config=hcm.HttpConnectionManagerInternalAddressConfig(unix_sockets=False),
        early_header_mutation_extensions=[_strip_forged()],
        normalize_path=True,
        merge_slashes=True,
        path_with_escaped_slashes_action=(hcm.HttpConnectionManagerPathWithEscapedSlashesAction.REJECT_REQUEST),
        common_http_protocol_options=core.HttpProtocolOptions(
            idle_timeout=seconds(3600),
            max_headers_count=100,
            headers_with_underscores_action=core.HttpProtocolOptionsHeadersWithUnderscoresAction.REJECT_REQUEST,
        ),
        http_protocol_options=core.Http1ProtocolOptions(enable_trailers=True),
        http2_protocol_options=core.Http2ProtocolOptions(
            max_concurrent_streams=1000,
            initial_stream_window_size=1 << 20,
            initial_connection_window_size=16 << 20,
        ),
        max_request_headers_kb=60,
        # 0: a hold is idle by design; extproc keeps the deadlines
        stream_idle_timeout=seconds(0),
        request_timeout=seconds(settings.gateway.request_seconds),
        request_headers_timeout=seconds(settings.gateway.headers_seconds),
        generate_request_id=True,
        preserve_external_request_id=False,
        access_log=[access_log(settings)],
        local_reply_config=local_replies(),
        tracing=tracing(settings.tracing),
    )


def http_filters(settings: Settings) -> list[hcm.HttpFilter]:
    """In request order; responses pass them from the last to the first, so the guard sees what extproc did."""
    return [
        _filter("envoy.filters.http.local_ratelimit", _rate_limit(settings)),
        _filter(AUTHZ, _authz(settings)),
        _filter("envoy.filters.http.lua", _guard()),
        _filter("envoy.filters.http.ext_proc", _extproc()),
        _filter("envoy.filters.http.router", router.Router(suppress_envoy_headers=True)),
    ]


def _filter(name: str, message: Message) -> hcm.HttpFilter:
    return hcm.HttpFilter(name=name, typed_config=pack(message))


def _authz(settings: Settings) -> ext_authz.ExtAuthz:
    return ext_authz.ExtAuthz(
        grpc_service=grpc_service("authz", settings.engine.deadline_ms / 1000 + AUTHZ_MARGIN_SECONDS),
        transport_api_version=core.ApiVersion.V3,
        failure_mode_allow=False,
        status_on_error=envoy_type.HttpStatus(code=envoy_type.StatusCode.ServiceUnavailable),
        # as bytes: otherwise Envoy sanitises the body that authz sees, and digests differ
        with_request_body=ext_authz.BufferSettings(
            max_request_bytes=settings.gateway.max_request_bytes, allow_partial_message=False, pack_as_bytes=True
        ),
        encode_raw_headers=True,
        validate_mutations=True,
        include_peer_certificate=True,
    )


def _extproc() -> ext_proc.ExternalProcessor:
    send = ext_proc.ProcessingModeHeaderSendMode.SEND
    return ext_proc.ExternalProcessor(
        grpc_service=grpc_service("extproc", 0),
        failure_mode_allow=False,
        status_on_error=envoy_type.HttpStatus(code=envoy_type.StatusCode.ServiceUnavailable),
        processing_mode=ext_proc.ProcessingMode(
            request_header_mode=send,
            request_body_mode=ext_proc.ProcessingModeBodySendMode.BUFFERED,
            response_header_mode=send,
            response_body_mode=ext_proc.ProcessingModeBodySendMode.FULL_DUPLEX_STREAMED,
            response_trailer_mode=send,
        ),
        allow_mode_override=False,
        disable_immediate_response=False,
        message_timeout=seconds(MESSAGE_SECONDS),
        max_message_timeout=seconds(HOLD_SECONDS),
        mutation_rules=mutation_rules.HeaderMutationRules(allow_all_routing=False, allow_envoy=False),
        metadata_options=ext_proc.MetadataOptions(
            forwarding_namespaces=ext_proc.MetadataOptionsMetadataNamespaces(untyped=[AUTHZ])
        ),
    )


def _rate_limit(settings: Settings) -> local_ratelimit.LocalRateLimit:
    rate = settings.gateway.requests_per_second
    always = core.RuntimeFractionalPercent(
        default_value=envoy_type.FractionalPercent(
            numerator=100, denominator=envoy_type.FractionalPercentDenominatorType.HUNDRED
        )
    )
    return local_ratelimit.LocalRateLimit(
        stat_prefix="ingress_rate",
        token_bucket=envoy_type.TokenBucket(max_tokens=rate * 2, tokens_per_fill=rate, fill_interval=seconds(1)),
        filter_enabled=always,
        filter_enforced=always,
        # a flood of strangers must not use up what the house's own agents need
        always_consume_default_token_bucket=False,
        rate_limits=[_without_token(), _of_one_address(), _of_all()],
        descriptors=[  # Envoy asks the smallest first, and the others only if it says yes
            _bucket({STRANGER: "no"}, settings.gateway.strangers_per_second),
            _bucket({"remote_address": ""}, min(rate, settings.gateway.address_per_second)),  # "": each its own
            _bucket({"generic_key": "all"}, rate),
        ],
        max_dynamic_descriptors=MAX_ADDRESSES,
    )


def _without_token() -> route.RateLimit:
    """Neither header holds anything of a JWT's form: what authz answers 401 without looking further."""
    matches = [_not_matching("authorization", BEARER), _not_matching("x-api-key", TOKEN)]
    stranger = route.RateLimitActionHeaderValueMatch(
        descriptor_key=STRANGER, descriptor_value="no", expect_match=True, headers=matches
    )
    return route.RateLimit(actions=[route.RateLimitAction(header_value_match=stranger)])


def _of_one_address() -> route.RateLimit:
    return route.RateLimit(actions=[route.RateLimitAction(remote_address=route.RateLimitActionRemoteAddress())])


def _of_all() -> route.RateLimit:
    return route.RateLimit(
        actions=[route.RateLimitAction(generic_key=route.RateLimitActionGenericKey(descriptor_value="all"))]
    )


def _not_matching(name: str, pattern: str) -> route.HeaderMatcher:
    match = matcher.StringMatcher(safe_regex=matcher.RegexMatcher(regex=pattern))
    return route.HeaderMatcher(name=name, string_match=match, invert_match=True, treat_missing_header_as_empty=True)


def _bucket(entries: dict[str, str], rate: int) -> ratelimit.LocalRateLimitDescriptor:
    return ratelimit.LocalRateLimitDescriptor(
        entries=[ratelimit.RateLimitDescriptorEntry(key=key, value=value) for key, value in entries.items()],
        token_bucket=envoy_type.TokenBucket(max_tokens=rate * 2, tokens_per_fill=rate, fill_interval=seconds(1)),
    )


def _guard() -> lua.Lua:
    source = files("snapshot.envoy").joinpath("marker_guard.lua").read_text("utf-8")
    return lua.Lua(default_source_code=core.DataSource(inline_string=source))


def _strip_forged() -> core.TypedExtensionConfig:
    """What callers may not say about themselves, gone before the route is chosen."""
    prefixes = ["x-envoy-", "x-exeat-inspected", "x-exeat-reply"]
    mutations = [_remove_prefix(prefix) for prefix in prefixes]
    mutations += [mutation_rules.HeaderMutation(remove=name) for name in FORGED]
    return core.TypedExtensionConfig(
        name="envoy.http.early_header_mutation.header_mutation",
        typed_config=pack(early.HeaderMutation(mutations=mutations)),
    )


def _remove_prefix(prefix: str) -> mutation_rules.HeaderMutation:
    match = matcher.StringMatcher(prefix=prefix, ignore_case=True)
    return mutation_rules.HeaderMutation(remove_on_match=mutation_rules.HeaderMutationRemoveOnMatch(key_matcher=match))


def strip_marks() -> hcm.HttpFilter:
    """In the cluster: an upstream cannot set our marks, and is not told of our traces."""
    mutations = header_mutation.Mutations(
        request_mutations=[mutation_rules.HeaderMutation(remove=name) for name in ("traceparent", "tracestate")],
        response_mutations=[_remove_prefix("x-exeat-")],
    )
    return _filter("envoy.filters.http.header_mutation", header_mutation.HeaderMutation(mutations=mutations))
