"""Connections: what may be declared, and the file and line of what may not."""

from dataclasses import dataclass, field

import pytest

from snapshot.connections import Connection, parse_connections
from snapshot.located import RepositoryRefused


@dataclass
class Hosts:
    hosts: list[str] = field(default_factory=list)


def one(text: str) -> Connection:
    (connection,) = parse_connections(text, "data/connections.yaml").values()
    return connection


def test_a_connection_reads_as_written() -> None:
    text = """
ledger:
  kind: http
  upstream: https://ledger.internal:8443/api/
  credential: ledger
  risk: high
  sql_fields: ["$.query", "$.batch[*].sql"]
  uninspectable: {pass: [image/*, application/pdf]}
"""
    assert one(text) == Connection(
        name="ledger",
        kind="http",
        upstream="https://ledger.internal:8443/api",
        credential="ledger",
        risk="high",
        sql_fields=("$.query", "$.batch[*].sql"),
        uninspectable=("image/*", "application/pdf"),
    )
    assert one(text).line == 2


def test_defaults_are_the_safe_ones() -> None:
    connection = one("a: {kind: anthropic, upstream: 'https://api.anthropic.com'}")
    assert (connection.credential, connection.risk, connection.uninspectable) == ("", "standard", ())
    assert not connection.passes("image/png")


def test_what_kinds_of_their_own_may_say() -> None:
    connection = one(
        "a: {kind: mcp, upstream: 'https://x.example/mcp', server_requests: [elicitation/create, ping], mode: shadow,"
        " sql_fields: ['$.params.arguments.sql'], sql_dialect: tsql}"
    )
    assert connection.server_requests == ("elicitation/create", "ping")
    assert (connection.sql_dialect, connection.mode) == ("tsql", "shadow")
    plain = one("a: {kind: mcp, upstream: 'https://x.example'}")
    assert (plain.server_requests, plain.sql_dialect, plain.mode) == ((), "", "enforce")


def test_passing_is_by_media_type() -> None:
    connection = one(
        "a: {kind: http, upstream: 'https://x.example', uninspectable: {pass: [image/*, application/pdf]}}"
    )
    assert connection.passes("image/png")
    assert connection.passes("Application/PDF; q=1")
    assert not connection.passes("application/pdfx")
    assert not connection.passes("audio/mpeg")


@pytest.mark.parametrize("host", ["127.0.0.1:9000", "localhost:9000", "[::1]:9000"])
def test_plain_http_is_for_loopback(host: str) -> None:
    assert one(f"a: {{kind: http, upstream: 'http://{host}'}}").upstream == f"http://{host}"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: {kind: http, upstream: 'http://ledger.internal'}", 1, "https"),
        ("a: {kind: http, upstream: 'http://127.0.0.1.evil.example'}", 1, "https"),
        (
            "a:\n  kind: smtp\n  upstream: https://x.example",
            2,
            "anthropic, openai, azure_openai, gemini, mcp, kubernetes",
        ),
        ("a:\n  kind: bedrock\n  upstream: https://x.example", 2, "not supported: its answers are AWS event streams"),
        ("a:\n  kind: vertex\n  upstream: https://x.example", 2, "not supported"),
        (
            "a: {kind: http, upstream: 'https://bedrock-runtime.us-east-1.amazonaws.com'}",
            1,
            "not supported under any kind",
        ),
        ("a: {kind: http, upstream: 'https://bedrock-runtime-fips.us-gov-west-1.amazonaws.com'}", 1, "under any kind"),
        ("a: {kind: gemini, upstream: 'https://us-central1-aiplatform.googleapis.com/v1'}", 1, "under any kind"),
        ("a: {kind: gemini, upstream: 'https://aiplatform.googleapis.com'}", 1, "under any kind"),
        ("a: {kind: http, upstream: 'https://x.example', server_requests: [roots/list]}", 1, "kind mcp"),
        ("a: {kind: mcp, upstream: 'https://x.example', server_requests: ['*']}", 1, "sampling/createMessage"),
        ("a: {kind: http, upstream: 'https://x.example', sql_dialect: ansi}", 1, "postgres"),
        ("a: {kind: http, upstream: 'https://x.example', mode: observe}", 1, "enforce, shadow"),
        ("a:\n  upstream: https://x.example", 1, "no `kind`"),
        ("a: {kind: http}", 1, "no `upstream`"),
        ("a:\n  kind: http\n  upstream: https://x.example\n  timeout: 5", 4, "unknown key `timeout`"),
        ("a: {kind: http, upstream: 'https://x.example', risk: extreme}", 1, "risk"),
        ("a: {kind: http, upstream: 'https://user:pw@x.example'}", 1, "credential"),
        ("a: {kind: http, upstream: 'https://x.example/?a=b'}", 1, "plain path"),
        ("a: {kind: http, upstream: 'https://x.example/#a'}", 1, "plain path"),
        ("a: {kind: http, upstream: 'https://x.example/a/../b'}", 1, "plain path"),
        ("a: {kind: http, upstream: 'https://169.254.169.254/'}", 1, "host"),
        ("a: {kind: http, upstream: 'https://0.0.0.0/'}", 1, "host"),
        ("a: {kind: http, upstream: 'https://2130706433/'}", 1, "host"),
        ("a: {kind: http, upstream: 'https://x.example:0'}", 1, "port"),
        ("a: {kind: http, upstream: 'https://x.example:99999'}", 1, "URL"),
        ("a: {kind: http, upstream: 'https://'}", 1, "host"),
        ("a: {kind: http, upstream: 'file:///etc/passwd'}", 1, "https"),
        ("a: {kind: http, upstream: 7}", 1, "text"),
        ("A: {kind: http, upstream: 'https://x.example'}", 1, "cannot name"),
        ("a/b: {kind: http, upstream: 'https://x.example'}", 1, "cannot name"),
        ("exeat: {kind: http, upstream: 'https://x.example'}", 1, "cannot name"),
        ("a: https://x.example", 1, "mapping"),
        ("- a", 1, "mapping"),
        ("a: {kind: http, upstream: 'https://x.example', sql_fields: [query]}", 1, "$.query"),
        ("a: {kind: http, upstream: 'https://x.example', uninspectable: pass}", 1, "refuse"),
        ("a: {kind: http, upstream: 'https://x.example', uninspectable: {pass: ['*/*']}}", 1, "media types"),
        ("a: {kind: http, upstream: 'https://x.example', uninspectable: {pass: [text/html]}}", 1, "inspected"),
        ("a: {kind: http, upstream: 'https://x.example', uninspectable: {pass: [application/*]}}", 1, "inspected"),
        ("a: {kind: http, upstream: 'https://x.example'}\na: {kind: http, upstream: 'https://y.example'}", 2, "twice"),
    ],
)
def test_what_is_refused_says_where(text: str, line: int, words: str) -> None:
    with pytest.raises(RepositoryRefused) as caught:
        parse_connections(text, "data/connections.yaml")
    assert caught.value.message.startswith(f"data/connections.yaml:{line}: ")
    assert words in caught.value.message


DECLARED = "a:\n  kind: anthropic\n  upstream: https://api.anthropic.com\n  credential: key\n"


def test_a_secret_goes_only_to_its_hosts() -> None:
    assert parse_connections(DECLARED, "f", {"key": Hosts(["api.anthropic.com"])})
    for hosts in (["anthropic.com"], ["evil.example"], []):
        with pytest.raises(RepositoryRefused, match=r"may not be sent to api\.anthropic\.com"):
            parse_connections(DECLARED, "f", {"key": Hosts(hosts)})


def test_a_secret_must_exist() -> None:
    with pytest.raises(RepositoryRefused, match=r"f:1: .*no \[secrets.key\]"):
        parse_connections(DECLARED, "f", {})
