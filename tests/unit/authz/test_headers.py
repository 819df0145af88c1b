"""Headers: by allow-list, single where they have one meaning, ours removed."""

import pytest

from authz.errors import HeaderRefused
from authz.headers import (
    ALWAYS_REMOVED,
    SINGLE,
    Headers,
    justification,
    mcp_session,
    patience,
    removed,
    session_key,
    shown,
)
from snapshot.connections import KINDS

FORGED = [
    "authorization", "x-api-key", "cookie", "x-exeat-session", "x-exeat-justification", "x-exeat-decision",
    "x-exeat-inspected", "x-exeat-anything", "x-envoy-original-path", "x-envoy-decorator-operation", "x-forwarded-for",
    "x-forwarded-host", "x-forwarded-user", "x-real-ip", "x-http-method-override", "x-method-override",
    "x-original-url", "x-rewrite-url", "range", "if-range", "accept-encoding", "te", "forwarded", "via",
    "x-amzn-trace-id", "x-user", "expect",
    "proxy-authorization", "x_api_key", "anthropic_version", "mcp-session-id", "traceparent", "baggage",
]  # fmt: skip


def pairs(*names: str, value: bytes = b"v") -> Headers:
    return Headers([(name, value) for name in names])


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "mcp"])
@pytest.mark.parametrize("name", FORGED)
def test_what_nobody_allowed_is_removed(kind: str, name: str) -> None:
    found = pairs(name, "accept")
    assert name in removed(found, kind)
    assert [shown_name for shown_name, _ in shown(found, kind)] == ["accept"]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("anthropic", "anthropic-version"), ("anthropic", "anthropic-beta"), ("anthropic", "x-stainless-lang"),
        ("openai", "openai-organization"), ("openai", "openai-project"), ("http", "if-match"), ("http", "accept"),
        ("http", "content-type"), ("http", "idempotency-key"), ("azure_openai", "x-ms-client-request-id"),
        ("gemini", "x-goog-api-client"), ("mcp", "mcp-session-id"), ("mcp", "mcp-protocol-version"),
        ("mcp", "last-event-id"), ("mcp", "mcp-param-region"), ("kubernetes", "if-none-match"),
    ],
)  # fmt: skip
def test_what_the_apis_need_passes(kind: str, name: str) -> None:
    assert name not in removed(pairs(name), kind)
    assert shown(pairs(name), kind) == [(name, b"v")]


@pytest.mark.parametrize("kind", KINDS)
def test_framing_stays_envoys(kind: str) -> None:
    names = ("host", "content-length", "transfer-encoding", "x-request-id")
    assert not set(names) & set(removed(pairs(*names), kind))
    assert shown(pairs(*names), kind) == []


def test_what_is_ours_is_removed_even_when_absent() -> None:
    assert set(ALWAYS_REMOVED) <= set(removed(Headers([]), "http"))


def test_headers_of_one_kind_of_api_do_not_reach_another() -> None:
    assert "anthropic-beta" in removed(pairs("anthropic-beta"), "openai")
    assert "openai-organization" in removed(pairs("openai-organization"), "http")


@pytest.mark.parametrize("name", SINGLE)
def test_twice_is_refused_where_it_has_one_meaning(name: str) -> None:
    with pytest.raises(HeaderRefused):
        pairs(name, name).check()


def test_several_values_where_they_have_a_meaning() -> None:
    pairs("accept", "accept").check()


@pytest.mark.parametrize("value", [b"caf\xc3\xa9", b"a\0b", b"a\r\nb", b"\x7f", b"\xff"])
def test_what_passes_is_printable_ascii(value: bytes) -> None:
    with pytest.raises(HeaderRefused):
        shown(pairs("accept", value=value), "http")


def test_session_keys_are_short_and_plain() -> None:
    assert session_key(pairs("x-exeat-session", value=b" run-7 ")) == "run-7"
    assert mcp_session(pairs("mcp-session-id", value=b"s")) == "s"
    assert session_key(Headers([])) == ""
    for value in (b"x" * 129, b"a\nb", b"caf\xc3\xa9"):
        with pytest.raises(HeaderRefused):
            session_key(pairs("x-exeat-session", value=value))


def test_a_justification_is_one_line_of_text() -> None:
    assert justification(pairs("x-exeat-justification", value="Müller asked".encode())) == "Müller asked"
    assert justification(Headers([])) == ""
    for value in (b"x" * 501, b"a\nb", b"\xff", "a\u202eb".encode(), b"a\x1b[2Jb"):
        with pytest.raises(HeaderRefused):
            justification(pairs("x-exeat-justification", value=value))


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ({}, 0),
        ({"x-stainless-timeout": b"600"}, 600),
        ({"x-stainless-read-timeout": b"12.9"}, 12),
        ({"x-stainless-timeout": b"600", "x-stainless-read-timeout": b"30"}, 30),
        ({"x-stainless-timeout": b"NOT_GIVEN"}, 0),
        ({"x-stainless-timeout": b"-5"}, 0),
        ({"x-stainless-timeout": b"1e9"}, 0),
    ],
)
def test_how_long_a_caller_waits_is_what_its_sdk_says(told: dict[str, bytes], seconds: int) -> None:
    assert patience(Headers(told.items())) == seconds
