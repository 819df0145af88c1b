"""Bytes become a document of one meaning, or the request ends."""

import json

import pytest

from authz.body import MAX_DEPTH, UNKNOWN, Body, read
from authz.errors import BodyMalformed, BodyTooLarge, BodyUnsupported, HeaderRefused
from authz.headers import Headers

MOST = 1 << 20


def body(
    raw: bytes, media: str | None = "application/json", kind: str = "anthropic", method: str = "POST", **headers: str
) -> Body:
    told = [(name.replace("_", "-"), value.encode()) for name, value in headers.items()]
    if media is not None:
        told.append(("content-type", media.encode()))
    return read(kind, method, Headers(told), raw, MOST)


@pytest.mark.parametrize(
    "media",
    ["application/json", "Application/JSON", "application/json; charset=utf-8", 'application/json;charset="UTF-8"',
     "text/json", "application/vnd.api+json", "application/problem+json; v=1"],
)  # fmt: skip
def test_json(media: str) -> None:
    assert body(b'{"a": [1, 2.5, "x"]}', media).document == {"a": [1, 2.5, "x"]}


@pytest.mark.parametrize("kind", ["anthropic", "openai", "http"])
@pytest.mark.parametrize(
    "raw",
    [b"{", b'{"a":1,"a":2}', b'{"a":{"b":1,"b":1}}', b"\xff", b'{"a":NaN}', b'{"a":"\\ud800"}', b"\xef\xbb\xbf{}",
     b"{}{}", "{}".encode("utf-16"), b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), b"[" * 500_000],
)  # fmt: skip
def test_what_has_no_one_meaning(kind: str, raw: bytes) -> None:
    with pytest.raises(BodyMalformed):
        body(raw, kind=kind)


def test_depth_within_bounds() -> None:
    assert body(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH).document


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd", "deflate", "identity, gzip", "x"])
def test_encoded_bodies(encoding: str) -> None:
    with pytest.raises(BodyUnsupported):
        body(b"{}", content_encoding=encoding)


@pytest.mark.parametrize("encoding", ["identity", "Identity", ""])
def test_identity_is_plain(encoding: str) -> None:
    assert body(b"{}", content_encoding=encoding).document == {}


@pytest.mark.parametrize("charset", ["utf-16", "latin1", "iso-8859-1", "utf-7"])
def test_other_character_sets(charset: str) -> None:
    with pytest.raises(BodyUnsupported):
        body(b"{}", f"application/json; charset={charset}")


@pytest.mark.parametrize("media", [None, "", "text/plain", "multipart/form-data; boundary=x", "application/x-json-not"])
def test_inspected_kinds_take_json_alone(media: str | None) -> None:
    with pytest.raises(BodyUnsupported):
        body(b"{}", media)


def test_plain_http_takes_other_types_which_masking_must_know() -> None:
    found = body(b"a=1", "application/x-www-form-urlencoded", kind="http")
    assert (found.media, found.document, found.is_json) == ("application/x-www-form-urlencoded", None, False)
    assert body(b"x", None, kind="http").media == UNKNOWN


def test_no_body_needs_no_type() -> None:
    assert not body(b"", None).is_json
    assert not body(b"").is_json


def test_too_large() -> None:
    with pytest.raises(BodyTooLarge):
        body(json.dumps("x" * MOST).encode())


def test_two_types() -> None:
    with pytest.raises(HeaderRefused):
        read("http", "POST", Headers([("content-type", b"text/plain"), ("content-type", b"text/css")]), b"x", MOST)
    with pytest.raises(HeaderRefused):
        body(b"{}", "application/json,text/plain")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_read_has_no_body(method: str) -> None:
    with pytest.raises(BodyMalformed):
        body(b"{}", kind="http", method=method)
    assert not body(b"", kind="http", method=method).is_json


@pytest.mark.parametrize("kind", ["anthropic", "openai", "http"])
@pytest.mark.parametrize("media", ["json", "application/json/x", "text/html application/json", "a/b\\c", "/json", "*"])
def test_what_is_no_media_type(kind: str, media: str) -> None:
    with pytest.raises(BodyUnsupported):
        body(b"{}", media, kind=kind)
