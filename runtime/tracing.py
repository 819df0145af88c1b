"""One trace of an exchange through Envoy, authz, extproc and approvals: OpenTelemetry, sent by OTLP over HTTP.

Envoy begins it and hands it on with every call (`traceparent`, W3C Trace Context); whoever is called goes on with it.
Callers begin none: what they say of traces is removed. Spans hold our codes, ids and names from the policy repository,
never what a caller wrote. Without `tracing.endpoint` nothing is imported and a span costs a comparison.

Spans are gathered and sent by a thread of the SDK's; a collector that is away costs spans, never an exchange.
"""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from runtime import log
from runtime.settings import Settings, TracingSettings

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

PARENT = "traceparent"
SEND_SECONDS = 5.0
Metadata = Sequence[tuple[str, Any]]
logger = log.get("tracing")
_tracer: "Tracer | None" = None


@contextlib.contextmanager
def exporting(settings: Settings, part: str) -> Iterator[None]:
    """Spans of this process are sent while the block runs, and what is left at its end."""
    global _tracer
    if settings.tracing.endpoint is None:
        yield
        return
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased

    about = Resource({"service.namespace": "exeat", "service.name": f"exeat-{part}"})
    provider = TracerProvider(resource=about, sampler=ParentBased(ALWAYS_OFF), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(_exporter(settings.tracing)))
    _tracer = provider.get_tracer("exeat")
    try:
        yield
    finally:
        _tracer = None
        provider.shutdown()


@contextlib.contextmanager
def span(name: str, call: Any = None, **about: str | int) -> Iterator[Any]:
    """Within the current span, or the one that a gRPC call (its context) brought. Yields the span, None when off.

    An exception marks it as failed, by its type alone: its text may quote content.
    """
    if _tracer is None:
        yield None
        return
    from opentelemetry.trace import Status, StatusCode

    with _tracer.start_as_current_span(
        name,
        context=_named(call.invocation_metadata() or ()) if call is not None else None,
        attributes={f"exeat.{key}": value for key, value in about.items()},
        record_exception=False,
        set_status_on_exception=False,
    ) as opened:
        try:
            yield opened
        except Exception as error:
            opened.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise


def note(opened: Any, **about: str | int) -> None:
    """More about a span that `span` gave."""
    if opened is not None:
        for key, value in about.items():
            opened.set_attribute(f"exeat.{key}", value)


def carried() -> Metadata:
    """What a call of ours takes along, so that the called one goes on with the trace."""
    if _tracer is None:
        return ()
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return tuple(carrier.items())


def _named(metadata: Iterable[tuple[str, Any]]) -> Any:
    from opentelemetry.context import Context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier = {key: value for key, value in metadata if key == PARENT and isinstance(value, str)}
    return TraceContextTextMapPropagator().extract(carrier, context=Context())


def _exporter(settings: TracingSettings) -> Any:
    """The SDK's exporter would bring message classes that `xds-protos` has, too, under the same names."""
    import ssl

    import httpx
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

    from runtime.otlp import traces

    class Exporter(SpanExporter):
        def __init__(self) -> None:
            trusted = ssl.create_default_context(cafile=settings.ca) if settings.ca else True
            self._client = httpx.Client(verify=trusted, timeout=SEND_SECONDS, trust_env=False)

        def export(self, spans: Any) -> SpanExportResult:
            kind = {"content-type": "application/x-protobuf"}
            try:
                answer = self._client.post(settings.url, content=traces(spans), headers=kind)
            except httpx.HTTPError as error:
                logger.warning("spans_lost", extra={"fields": {"count": len(spans), "error": type(error).__name__}})
                return SpanExportResult.FAILURE
            if answer.status_code == 200:
                return SpanExportResult.SUCCESS
            logger.warning("spans_lost", extra={"fields": {"count": len(spans), "status": answer.status_code}})
            return SpanExportResult.FAILURE

        def shutdown(self) -> None:
            self._client.close()

    return Exporter()
