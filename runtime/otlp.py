"""Finished spans as an OTLP message (opentelemetry-proto, trace/v1), with the classes that `xds-protos` brings."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan


def traces(spans: "Iterable[ReadableSpan]") -> bytes:
    """All of them from one process: one resource."""
    kept = list(spans)
    request = ExportTraceServiceRequest()
    whole = request.resource_spans.add()
    if kept:
        whole.resource.CopyFrom(Resource(attributes=_pairs(kept[0].resource.attributes)))
    ours = whole.instrumentation_library_spans.add()  # called `scope_spans` since 0.15; the number (2) is the same
    ours.instrumentation_library.name = "exeat"
    ours.spans.extend(_span(each) for each in kept)
    found: bytes = request.SerializeToString()
    return found


def _span(given: "ReadableSpan") -> Span:
    context = given.get_span_context()
    found = Span(
        name=given.name,
        kind=Span.SPAN_KIND_INTERNAL,
        start_time_unix_nano=given.start_time or 0,
        end_time_unix_nano=given.end_time or 0,
        attributes=_pairs(given.attributes or {}),
        status=Status(code=given.status.status_code.value, message=given.status.description or ""),
    )
    if context is not None:
        found.trace_id, found.span_id = context.trace_id.to_bytes(16, "big"), context.span_id.to_bytes(8, "big")
    if given.parent is not None:
        found.parent_span_id = given.parent.span_id.to_bytes(8, "big")
    return found


def _pairs(attributes: Any) -> list[KeyValue]:
    return [KeyValue(key=key, value=_value(value)) for key, value in attributes.items()]


def _value(value: Any) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    return AnyValue(int_value=value) if isinstance(value, int) else AnyValue(string_value=str(value))
