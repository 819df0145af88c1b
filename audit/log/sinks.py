"""Where the log is forwarded to.

    FileSink     JSON Lines, fsynced
    HecSink      HTTP event collector as Splunk has it: a POST of {"time", "event"} objects, `Authorization: Splunk …`
    SyslogSink   RFC 5424 messages over TLS (RFC 5425), one connection a bundle
    OtlpSink     OTLP logs over HTTP in JSON (OpenTelemetry protocol 1.x), POST …/v1/logs

Syslog has no acknowledgement. But who answers our close_notify, or closes without a reset, has read all that came
before it (RFC 5425 §4.4): only then is a bundle taken as kept.
"""

import contextlib
import datetime
import json
import os
import re
import socket
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from audit.log.forward import Line, Sink, SinkAway, SinkRefuses
from audit.read.siem import FORMATS
from runtime.settings import ForwardTarget, Settings

SECONDS = 20.0
FACILITY = 13  # log audit (RFC 5424 §6.2.1)
NOTICE, WARNING = 5, 4
INFO, WARN = 9, 13  # severity numbers of OpenTelemetry's log data model
SYSLOG_TLS = 6514
# What Splunk's collector says of an event (400): bad format, field `event` missing or blank, wrong indexed fields. Its
# other codes speak of the token, the index or the channel: those somebody sets right, and then every event is taken.
HEC_EVENT_CODES = (6, 12, 13, 15)
TOO_LARGE, BAD_REQUEST = 413, 400


class FileSink:
    """Whole lines only: what a failed write left is taken back, what a kill left is ended first."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, lines: Sequence[Line]) -> int:
        try:
            handle = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.fchmod(handle, 0o600)
                _append(handle, "".join(f"{line.text}\n" for line in lines).encode())
            finally:
                os.close(handle)
        except OSError as error:
            raise SinkAway(f"{self._path}: {error.strerror}") from None
        return 0

    def close(self) -> None:
        pass


def _append(handle: int, content: bytes) -> None:
    size = os.fstat(handle).st_size
    torn = size > 0 and os.pread(handle, 1, size - 1) != b"\n"
    left = memoryview(b"\n" + content if torn else content)
    try:
        while left:
            left = left[os.write(handle, left) :]
        os.fsync(handle)
    except OSError:
        with contextlib.suppress(OSError):
            os.ftruncate(handle, size)
        raise


class HecSink:
    def __init__(self, url: str, token: str, client: httpx.Client | None = None) -> None:
        self._url, self._token = url, token
        self._client = client or _client()

    def send(self, lines: Sequence[Line]) -> int:
        body = "".join(f'{{"time":{x.us / 1e6:.6f},"sourcetype":"exeat","event":{x.text}}}\n' for x in lines)
        answer = _post(self._client, self._url, body.encode(), {"authorization": f"Splunk {self._token}"})
        _taken(answer, answer.status_code == BAD_REQUEST and _member(answer, "code") in HEC_EVENT_CODES)
        return 0

    def close(self) -> None:
        self._client.close()


class SyslogSink:
    def __init__(self, host: str, port: int, context: ssl.SSLContext) -> None:
        self._host, self._port, self._context = host, port, context

    def send(self, lines: Sequence[Line]) -> int:
        try:
            with (
                socket.create_connection((self._host, self._port), SECONDS) as plain,
                self._context.wrap_socket(plain, server_hostname=self._host) as secure,
            ):
                secure.sendall(b"".join(map(syslog_frame, lines)))
                with contextlib.suppress(ssl.SSLEOFError):  # closed without close_notify, as some receivers do
                    secure.unwrap().close()
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            raise SinkAway(f"the syslog server does not take it: {type(error).__name__}") from None
        return 0

    def close(self) -> None:
        pass


def syslog_frame(line: Line) -> bytes:
    """One message with its length before it (RFC 5425 §4.3)."""
    severity = WARNING if line.refusing else NOTICE
    moment = datetime.datetime.fromtimestamp(0, datetime.UTC) + datetime.timedelta(microseconds=line.us)
    head = f"<{FACILITY * 8 + severity}>1 {moment:%Y-%m-%dT%H:%M:%S.%fZ} {_name(line.gateway, 255)} exeat - "
    message = f"{head}{_name(line.type, 32)} - {line.text}".encode()
    return str(len(message)).encode() + b" " + message


def _name(text: str, most: int) -> str:
    """PRINTUSASCII of RFC 5424 §6, `-` for none."""
    return re.sub(r"[^!-~]", "_", text)[:most] or "-"


class OtlpSink:
    def __init__(self, url: str, token: str, client: httpx.Client | None = None) -> None:
        """`url`: of the collector, `/v1/logs` is added."""
        self._url = f"{url.rstrip('/')}/v1/logs"
        self._headers = {"authorization": f"Bearer {token}"} if token else {}
        self._client = client or _client()

    def send(self, lines: Sequence[Line]) -> int:
        """A partial success and a 400 are not tried again (OTLP 1.x, "Partial Success", "Failures")."""
        headers = {"content-type": "application/json", **self._headers}
        answer = _post(self._client, self._url, json.dumps(otlp(lines)).encode(), headers)
        # a proxy that knows nothing of OTLP answers 400 too, but not with a Status in JSON
        _taken(answer, answer.status_code == BAD_REQUEST and isinstance(_member(answer, "message"), str))
        partial = _member(answer, "partialSuccess")
        rejected = str(partial.get("rejectedLogRecords") or 0) if isinstance(partial, dict) else "0"
        return min(int(rejected[:9]), len(lines)) if rejected.isdecimal() else 0

    def close(self) -> None:
        self._client.close()


def otlp(lines: Sequence[Line]) -> dict[str, Any]:
    """ExportLogsServiceRequest as JSON; 64-bit integers are strings there."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        record = {
            "timeUnixNano": str(line.us * 1000),
            "severityNumber": WARN if line.refusing else INFO,
            "severityText": "WARN" if line.refusing else "INFO",
            "eventName": line.type,
            "body": {"stringValue": line.text},
        }
        groups.setdefault(line.gateway, []).append(record)
    return {
        "resourceLogs": [
            {
                "resource": {"attributes": [_text("service.name", "exeat"), _text("service.instance.id", name)]},
                "scopeLogs": [{"scope": {"name": "exeat.audit"}, "logRecords": records}],
            }
            for name, records in groups.items()
        ]
    }


def _text(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value}}


def _client(verify: ssl.SSLContext | bool = True) -> httpx.Client:
    return httpx.Client(timeout=SECONDS, trust_env=False, verify=verify)


def _post(client: httpx.Client, url: str, body: bytes, headers: dict[str, str]) -> httpx.Response:
    try:
        answer = client.post(url, content=body, headers=headers)
    except httpx.HTTPError as error:
        raise SinkAway(f"the collector does not answer: {type(error).__name__}") from None
    return answer


def _taken(answer: httpx.Response, refuses: bool) -> None:
    """`refuses`: the answer says that it is the events' fault. Raises SinkRefuses, SinkAway."""
    if refuses or answer.status_code == TOO_LARGE:
        raise SinkRefuses(f"the collector answered {answer.status_code}")
    if answer.status_code != 200:
        raise SinkAway(f"the collector answered {answer.status_code}")


def _member(answer: httpx.Response, name: str) -> Any:
    """Of the object that was answered; None when it is none, as an empty answer that took everything."""
    try:
        found = answer.json()
    except ValueError:
        return None
    return found.get(name) if isinstance(found, dict) else None


def sink_of(target: ForwardTarget) -> Sink:
    """Raises SinkAway when a file that it needs cannot be read."""
    if target.kind == "file":
        assert target.path is not None
        return FileSink(target.path)
    assert target.url is not None
    token, context = _token(target.token_file), _trusting(target)
    if target.kind == "syslog":
        url = urlsplit(target.url)
        assert url.hostname is not None
        return SyslogSink(url.hostname, url.port or SYSLOG_TLS, context)
    made = HecSink if target.kind == "hec" else OtlpSink
    return made(target.url, token, _client(context))


def _trusting(target: ForwardTarget) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=target.ca)
        if target.certificate is not None:
            context.load_cert_chain(target.certificate, target.key)
    except OSError as error:
        raise SinkAway(f"certificates of {target.name}: {type(error).__name__}") from None
    return context


def _token(file: Path | None) -> str:
    try:
        return file.read_text("utf-8").strip() if file is not None else ""
    except OSError as error:
        raise SinkAway(f"{file}: {error.strerror}") from None


def cursor_of(settings: Settings, name: str) -> Path:
    return settings.gateway.state_dir / "log" / f"forward-{name}"


def format_of(target: ForwardTarget) -> Any:
    return FORMATS[target.format]
