"""Spans of a process: only within a trace that somebody began, never an error's text; off, nothing at all."""

import subprocess
import sys

import pytest

from runtime import tracing
from runtime.settings import Settings, SettingsRefused, parse
from tests.kit.collector import collector

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Call:
    """What a gRPC server's context says of the metadata."""

    def __init__(self, *metadata: tuple[str, str]) -> None:
        self._metadata = metadata

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return self._metadata


BEGUN = Call(("traceparent", f"00-{TRACE}-{PARENT}-01"), ("user-agent", "grpc"))


def test_off_nothing_is_imported_and_nothing_is_carried() -> None:
    program = (
        "import sys; from runtime import tracing; from runtime.settings import Settings\n"
        "with tracing.exporting(Settings(), 'authz'), tracing.span('x') as span:\n"
        "    tracing.note(span, a=1); assert span is None and tracing.carried() == ()\n"
        "assert not [name for name in sys.modules if name.startswith('opentelemetry')]\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_span_goes_on_with_the_trace_that_it_was_handed() -> None:
    with collector() as seen:
        settings = parse({"tracing": {"endpoint": seen.url}}, "here")
        with tracing.exporting(settings, "authz-1"):
            with tracing.span("outer", BEGUN, connection="ledger") as outer:
                tracing.note(outer, count=7)
                ((name, carried),) = tracing.carried()
                with pytest.raises(ValueError, match="4111"), tracing.span("inner"):
                    raise ValueError("4111 1111 1111 1111")
            with tracing.span("begun by nobody", Call()):
                pass
    found = {span.name: span for span in seen.spans}
    assert set(found) == {"outer", "inner"}
    assert {(span.service, span.trace) for span in found.values()} == {("exeat-authz-1", TRACE)}
    assert (found["outer"].parent, found["inner"].parent) == (PARENT, found["outer"].id)
    assert found["outer"].attributes == {"exeat.connection": "ledger", "exeat.count": "7"}
    assert (found["outer"].error, found["inner"].error) == ("", "ValueError")
    assert (name, carried) == ("traceparent", f"00-{TRACE}-{found['outer'].id}-01")
    assert b"4111" not in b"".join(seen.bodies)


def test_a_collector_that_is_away_costs_spans_and_nothing_else() -> None:
    settings = parse({"tracing": {"endpoint": "http://127.0.0.1:9"}}, "here")
    with tracing.exporting(settings, "authz"), tracing.span("lost", BEGUN) as span:
        assert span is not None


@pytest.mark.parametrize(
    "endpoint", ["http://collector.bank.example:4318", "collector:4318", "https://u:p@c:4318", "https://c/?x=1"]
)
def test_where_spans_may_go(endpoint: str) -> None:
    with pytest.raises(SettingsRefused, match="tracing"):
        parse({"tracing": {"endpoint": endpoint}}, "here")
    assert Settings().tracing.endpoint is None
