"""Each place that the log is forwarded to, over real sockets."""

import json
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from audit.log.forward import Line, SinkAway, SinkRefuses
from audit.log.sinks import FileSink, HecSink, OtlpSink, sink_of, syslog_frame
from runtime.settings import ForwardTarget
from tests.kit.certificates import Authority
from tests.kit.serving import free_port, http
from tests.kit.syslog import receiver

ONE = Line(1_795_180_292_818_771, "decision.deny", "exeat", True, '{"a":"\u00e9"}')
TWO = Line(1_795_180_292_818_772, "decision.allow", "exeat", False, '{"a":2}')


def target(**fields: Any) -> ForwardTarget:
    return ForwardTarget.model_validate({"name": "siem", **fields})


def test_a_file_of_json_lines(tmp_path: Path):
    sink = FileSink(tmp_path / "out.jsonl")
    sink.send([ONE])
    sink.send([TWO])
    assert (tmp_path / "out.jsonl").read_text() == '{"a":"\u00e9"}\n{"a":2}\n'
    with pytest.raises(SinkAway):
        FileSink(tmp_path / "none" / "x").send([ONE])


def test_a_write_that_fails_leaves_no_half_line(tmp_path: Path):
    path = tmp_path / "out.jsonl"
    sink = FileSink(path)
    sink.send([TWO])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, limits[1]))  # as a disk that is full: a part is written
    try:
        with pytest.raises(SinkAway, match="File too large"):
            sink.send([TWO._replace(text='{"a":"' + "x" * (1 << 20) + '"}')])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    sink.send([TWO])
    assert path.read_text() == '{"a":2}\n{"a":2}\n'


def test_a_line_that_a_kill_tore_is_ended_first(tmp_path: Path):
    path = tmp_path / "out.jsonl"
    path.write_text('{"a":')
    FileSink(path).send([TWO])
    assert path.read_text() == '{"a":\n{"a":2}\n'


def answering(seen: list[tuple[str, bytes]], answers: list[Response]) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        seen.append((request.headers.get("authorization", ""), await request.body()))
        return answers.pop(0)

    return answer


def test_a_collector_of_splunks_form():
    seen, port = list[tuple[str, bytes]](), free_port()
    answer = answering(seen, [Response(), Response(status_code=503)])
    with http(Starlette(routes=[Route("/services/collector/event", answer, methods=["POST"])]), port):
        sink = HecSink(f"http://127.0.0.1:{port}/services/collector/event", "t0ken")
        sink.send([ONE, TWO])
        with pytest.raises(SinkAway, match="503"):
            sink.send([ONE])
    with pytest.raises(SinkAway, match="does not answer"):
        sink.send([ONE])
    authorization, body = seen[0]
    assert authorization == "Splunk t0ken"
    events = [json.loads(line) for line in body.splitlines()]
    assert events[0] == {"time": 1_795_180_292.818771, "sourcetype": "exeat", "event": {"a": "\u00e9"}}


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (413, "", SinkRefuses),
        (400, '{"text":"Invalid data format","code":6}', SinkRefuses),
        (400, '{"text":"Incorrect index","code":7}', SinkAway),
        (400, "<html>a proxy</html>", SinkAway),
        (400, "[6]", SinkAway),
        (403, '{"text":"Invalid token","code":4}', SinkAway),
    ],
)
def test_a_collector_refuses_an_event_or_everything(status: int, body: str, error: type[Exception]):
    answer, port = answering([], [Response(body, status)]), free_port()
    with http(Starlette(routes=[Route("/", answer, methods=["POST"])]), port), pytest.raises(error):
        HecSink(f"http://127.0.0.1:{port}/", "t0ken").send([ONE])


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (413, "", SinkRefuses),
        (400, '{"code":3,"message":"bad record"}', SinkRefuses),
        (400, "<html>a proxy</html>", SinkAway),
        (503, '{"code":14,"message":"later"}', SinkAway),
    ],
)
def test_an_otlp_collector_refuses_for_good_or_for_now(status: int, body: str, error: type[Exception]):
    answer, port = answering([], [Response(body, status)]), free_port()
    with http(Starlette(routes=[Route("/v1/logs", answer, methods=["POST"])]), port), pytest.raises(error):
        OtlpSink(f"http://127.0.0.1:{port}", "").send([ONE])


def test_otlp_logs_in_json():
    seen, port = list[tuple[str, bytes]](), free_port()
    partial = '{"partialSuccess": {"rejectedLogRecords": "1", "errorMessage": "no"}}'
    answer = answering(seen, [Response(), Response("{}"), Response(partial), Response(status_code=429)])
    with http(Starlette(routes=[Route("/v1/logs", answer, methods=["POST"])]), port):
        sink = OtlpSink(f"http://127.0.0.1:{port}/", "t0ken")
        assert sink.send([ONE, TWO]) == 0
        assert sink.send([TWO]) == 0
        assert sink.send([ONE, TWO]) == 1, "a partial success is not sent again"
        with pytest.raises(SinkAway, match="429"):
            sink.send([TWO])
    assert seen[0][0] == "Bearer t0ken"
    (resource,) = json.loads(seen[0][1])["resourceLogs"]
    names = {item["key"]: item["value"]["stringValue"] for item in resource["resource"]["attributes"]}
    assert names == {"service.name": "exeat", "service.instance.id": "exeat"}
    first, second = resource["scopeLogs"][0]["logRecords"]
    assert (first["timeUnixNano"], first["severityNumber"], first["eventName"]) == (
        "1795180292818771000", 13, "decision.deny",
    )  # fmt: skip
    assert json.loads(second["body"]["stringValue"]) == {"a": 2}
    assert second["severityText"] == "INFO"


def test_a_syslog_message():
    text = '<108>1 2026-11-20T13:11:32.818771Z exeat exeat - decision.deny - {"a":"\u00e9"}'.encode()
    assert syslog_frame(ONE) == b"%d %s" % (len(text), text)
    assert b"<109>1 " in syslog_frame(TWO)
    assert b" a_b " in syslog_frame(TWO._replace(type="a b"))


@pytest.mark.parametrize("closing", ["properly", "bare"])
def test_syslog_over_tls(tmp_path: Path, closing: str):
    authority = Authority(tmp_path)
    with receiver(authority) as server:
        server.closing = closing
        sink = sink_of(target(kind="syslog", url=f"tls://localhost:{server.port}", ca=authority.file))
        sink.send([ONE, TWO] * 2000)
        sink.send([TWO])
    assert [frame.rpartition(b" - ")[2] for frame in server.received] == [
        line.text.encode() for line in [*([ONE, TWO] * 2000), TWO]
    ]


def test_a_syslog_server_that_hangs_up_did_not_take_it(tmp_path: Path):
    authority = Authority(tmp_path)
    with receiver(authority) as server:
        server.closing = "reset"
        sink = sink_of(target(kind="syslog", url=f"tls://localhost:{server.port}", ca=authority.file))
        with pytest.raises(SinkAway, match="does not take it"):
            sink.send([ONE] * 5000)
        stranger = sink_of(target(kind="syslog", url=f"tls://localhost:{server.port}"))
        with pytest.raises(SinkAway, match="SSLCertVerificationError"):
            stranger.send([ONE])


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "file", "path": "relative"},
        {"kind": "syslog", "url": "https://h"},
        {"kind": "syslog"},
        {"kind": "otlp", "url": "http://collector.example"},
        {"kind": "hec", "url": "https://splunk.example"},
        {"kind": "kafka"},
    ],
)
def test_targets_that_are_none(fields: dict[str, str]):
    with pytest.raises(ValidationError):
        target(**fields)


def test_files_that_are_not_there(tmp_path: Path):
    with pytest.raises(SinkAway):
        sink_of(target(kind="hec", url="https://splunk.example", token_file=tmp_path / "none"))
    with pytest.raises(SinkAway):
        sink_of(target(kind="otlp", url="https://otel.example", ca=tmp_path / "none"))
