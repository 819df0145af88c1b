"""An OTLP/HTTP collector that keeps what it got: spans as plain values, and the bytes they came in."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.kit.serving import free_port, http


@dataclass(frozen=True)
class Seen:
    service: str
    name: str
    trace: str
    id: str
    parent: str
    attributes: dict[str, str]
    error: str


@dataclass
class Collector:
    url: str = ""
    spans: list[Seen] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    async def take(self, request: Request) -> Response:
        body = await request.body()
        self.bodies.append(body)
        for whole in ExportTraceServiceRequest.FromString(body).resource_spans:
            service = {pair.key: pair.value.string_value for pair in whole.resource.attributes}["service.name"]
            for span in (span for ours in whole.instrumentation_library_spans for span in ours.spans):
                about = {pair.key: pair.value.string_value or str(pair.value.int_value) for pair in span.attributes}
                ids = (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex())
                failed = span.status.message if span.status.code == 2 else ""
                self.spans.append(Seen(service, span.name, *ids, about, failed))
        return Response(b"", media_type="application/x-protobuf")

    def of(self, trace: str) -> list[Seen]:
        return [span for span in self.spans if span.trace == trace]


@contextlib.contextmanager
def collector() -> Iterator[Collector]:
    found, port = Collector(), free_port()
    found.url = f"http://127.0.0.1:{port}"
    with http(Starlette(routes=[Route("/v1/traces", found.take, methods=["POST"])]), port):
        yield found
