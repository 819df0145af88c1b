"""Bodies: CL/TE and chunk tricks, encodings, and JSON of two meanings. The decision is about the bytes that go on."""

import gzip
import json

import pytest

from tests.kit import rawhttp
from tests.kit.attacks import Field, fair, head, names, shaped
from tests.kit.lies import CARD, JSON
from tests.kit.rawhttp import Got

pytestmark = pytest.mark.envoy
CHUNKED = b"2\r\n{}\r\n0\r\n\r\n"
NEXT = b"GET /two/forged HTTP/1.1\r\nhost: g\r\n\r\n"
FRAMINGS: list[tuple[list[bytes], bytes]] = [
    ([JSON, b"content-length: 2", b"transfer-encoding: chunked"], CHUNKED),
    ([JSON, b"transfer-encoding: chunked", b"content-length: 100"], CHUNKED),
    ([JSON, b"content-length: 2", b"content-length: 3"], b"{}x"),
    ([JSON, b"content-length: 2", b"content-length: 2"], b"{}"),
    ([JSON, b"content-length: 2, 2"], b"{}"),
    ([JSON, b"content-length: +2"], b"{}"),
    ([JSON, b"content-length: 0x2"], b"{}"),
    ([JSON, b"content-length: -1"], b"{}"),
    ([JSON, b"content-length: 99999999999999999999999"], b"{}"),
    ([JSON, b"content-length: 2"], b"{}" + NEXT),
    ([JSON, b"content-length: 0"], NEXT),
    ([JSON], NEXT),
    ([JSON, b"transfer-encoding: xchunked"], CHUNKED),
    ([JSON, b"transfer-encoding : chunked"], CHUNKED),
    ([JSON, b"transfer-encoding: chunked, identity"], CHUNKED),
    ([JSON, b"transfer-encoding: gzip, chunked"], CHUNKED),
    ([JSON, b"transfer-encoding: chunked", b"transfer-encoding: identity"], CHUNKED),
    ([JSON, b"transfer-encoding: \x0bchunked"], CHUNKED),
    ([JSON, b"transfer-encoding: CHUNKED"], CHUNKED),
    ([JSON, b"transfer-encoding: chunked"], CHUNKED + NEXT),
    ([JSON, b"transfer-encoding: chunked"], b'2;x="\r\nforged"\r\n{}\r\n0\r\n\r\n'),
    ([JSON, b"transfer-encoding: chunked"], b"2;forged=y\r\n{}\r\n0\r\n\r\n"),
    ([JSON, b"transfer-encoding: chunked"], b"2;" + b"x" * 70_000 + b"\r\n{}\r\n0\r\n\r\n"),
    ([JSON, b"transfer-encoding: chunked"], b"2\r\n{}\r\n0\r\nx-exeat-session: forged\r\n\r\n"),
    (
        [JSON, b"transfer-encoding: chunked", b"trailer: authorization"],
        b"2\r\n{}\r\n0\r\nauthorization: forged\r\n\r\n",
    ),
    ([JSON, b"transfer-encoding: chunked"], b"0x2\r\n{}\r\n0\r\n\r\n"),
    ([JSON, b"transfer-encoding: chunked"], b"2\n{}\n0\n\n"),
    ([JSON, b"transfer-encoding: chunked"], b"2\r\n{}x\r\n0\r\n\r\n"),
    ([JSON, b"transfer-encoding: chunked"], b"fffffffffffffffff\r\n{}\r\n0\r\n\r\n"),
    ([JSON, b"content-encoding: gzip"], gzip.compress(b"{}")),
    ([JSON, b"content-encoding: identity, gzip"], gzip.compress(b"{}")),
    ([JSON, b"content-encoding: "], b"{}"),
    ([JSON, b"content-encoding: IDENTITY"], b"{}"),
    ([JSON, b"content-encoding: identity", b"content-encoding: gzip"], gzip.compress(b"{}")),
    ([JSON, b"expect: 100-continue"], b"{}"),
    ([JSON, b"expect: forged"], b"{}"),
    ([JSON, b"content-length: 2 "], b"{}"),
    ([JSON, b"transfer-encoding: identity, chunked"], CHUNKED),
    ([JSON, b"transfer-encoding:\n chunked"], CHUNKED),
    ([JSON, b"transfer-encoding: chunked"], b"02\r\n{}\r\n0\r\nx-exeat-session: forged\r\n\r\n"),
    ([JSON, b"content-encoding: gzip"], b"\x1f\x8b"),
    ([JSON, b"upgrade: websocket", b"connection: upgrade"], b"{}"),
    ([JSON, b"upgrade: h2c", b"http2-settings: AAMAAABkAAQAAP__"], b"{}"),
]
BODIES: list[tuple[str, bytes, bytes]] = [  # connection's path, content type, body
    (path, media, body)
    for path in ("/one/x", "/claude/v1/messages")
    for media, body in [
        (b"application/json; charset=utf-16", '{"a": 1}'.encode("utf-16")),
        (b'application/json; charset="utf-8"; charset=utf-7', b'{"a": 1}'),
        (b"application/json; charset=ibm037", '{"a": 1}'.encode("cp037")),
        (b"application/json", '{"a": 1}'.encode("utf-16")),
        (b"application/json", '{"a": 1}'.encode("utf-16-le")),
        (b"application/json", '{"a": 1}'.encode("utf-32")),
        (b"application/json", b"\xef\xbb\xbf{}"),
        (b"application/json", b'{"a": 1, "a": 2}'),
        (b"application/json", b'{"a": 1, "\\u0061": 2}'),
        (b"application/json", b'{"x": {"model": 1, "model": 2}}'),
        (b"application/json", b"[" * 101 + b"]" * 101),
        (b"application/json", b"[" * 100_000),
        (b"application/json", b'{"a":' * 50_000 + b"1" + b"}" * 50_000),
        (b"application/json", b'{"a": NaN}'),
        (b"application/json", b'{"a": -Infinity}'),
        (b"application/json", b'{"a": 1e999}'),
        (b"application/json", b'{"a": -1e999}'),
        (b"application/json", b'{"a": ' + b"9" * 5000 + b"}"),
        (b"application/json", b'{"a": "\xff"}'),
        (b"application/json", b'{"a": "\xc0\xaf"}'),
        (b"application/json", b'{"a": "\xed\xa0\x80"}'),
        (b"application/json", b'{"a": "\\ud800"}'),
        (b"application/json", b'{"\\udc00": 1}'),
        (b"application/json", b'{"a": 1} x'),
        (b"application/json", b'{"a": 1}{"a": 2}'),
        (b"application/json", b'{"a": 1}\x00'),
        (b"application/json", b'{"a": "\x00"}'),
        (b"application/json", b'{"a": 1,}'),
        (b"application/json", b"{'a': 1}"),
        (b"application/json", b'{"a": 1 /* x */}'),
        (b"application/json", b'{"a": 01}'),
        (b"application/json", b" "),
        (b"application/json", b'{"a": "\t"}'),
        (b"application/json", b'{"a": 1'),
        (b"application/json, application/json", b"{}"),
        (b"application/json\tx", b"{}"),
        (b"text/plain; charset=utf-16", '{"a": 1}'.encode("utf-16")),
        (b"text/plain", f"card {CARD}".encode("utf-16")),
        (b"text/plain; charset=utf-7", b"+ADQ-111"),
        (b"application/octet-stream", b"\x00\x01\x02"),
        (b"application/x-protobuf", b"\x08\x01"),
        (b"image/png", b'{"a": 1}'),
        (b"multipart/byteranges; boundary=x", b"--x--"),
    ]
]
ONLY_JSON: list[tuple[bytes, bytes]] = [  # to an LLM connection nothing but JSON goes
    (b"", b'{"model": "simulated", "messages": []}'),
    (b"text/plain", b'{"model": "simulated", "messages": []}'),
    (b"application/x-www-form-urlencoded", b"model=simulated"),
    (b"multipart/form-data; boundary=x", b'--x\r\ncontent-disposition: form-data; name="model"\r\n\r\nx\r\n--x--\r\n'),
    (b"application/x-ndjson", b'{"model": "simulated"}\n{}'),
    (b"application/jsonx", b"{}"),
    (b"application/json", b""),
    (b"application/json", b"[]"),
    (b"application/json", b"null"),
    (b"application/json", b'"x"'),
    (b"application/json", b"{}"),
    (b"application/json", b'{"model": null, "messages": []}'),
    (b"application/json", b'{"model": ["simulated"], "messages": []}'),
    (b"application/json", b'{"model": "claude-opus-9", "messages": []}'),
    (b"application/json", b'{"Model": "simulated", "messages": []}'),
    (b"application/json", b'{"model": "simulated\\u0000", "messages": []}'),
    (b"application/json", b'{"model": "simulated", "messages": "x", "stream": "yes"}'),
]
GENERATING = ["/claude/v1/messages", "/gpt/chat/completions", "/gpt/responses"]
ONLY = [(path, media, body) for path in GENERATING for media, body in ONLY_JSON]


@pytest.mark.parametrize("number", range(len(FRAMINGS)), ids=names(FRAMINGS))
def test_framings(place: Field, number: int) -> None:
    def send(case: tuple[list[bytes], bytes], mark: str) -> Got:
        lines, body = case
        framed = any(b"length" in line or b"transfer" in line for line in lines) or body == NEXT
        lines = lines if framed else [*lines, b"content-length: %d" % len(body)]
        return rawhttp.ask(place.port, head(mark, place, b"POST /one/x HTTP/1.1", *lines) + body)

    fair(place.table("framings", FRAMINGS, send)[number], place.upstream)
    assert not [arrived for arrived in place.upstream.arrived if "forged" in arrived.target]


def post(place: Field, mark: str, case: tuple[str, bytes, bytes]) -> Got:
    path, media, body = case
    lines = [b"content-length: %d" % len(body), *([b"content-type: " + media] if media else [])]
    line = b"POST " + path.encode() + b" HTTP/1.1"
    return rawhttp.ask(place.port, head(mark, place, line, *lines) + body)


@pytest.mark.parametrize("number", range(len(BODIES)), ids=names(BODIES))
def test_bodies_of_two_meanings(place: Field, number: int) -> None:
    tried = place.table("bodies", BODIES, lambda case, mark: post(place, mark, case))[number]
    assert tried.arrived == []
    assert tried.got.status in (400, 415)
    shaped(tried.got)
    fair(tried, place.upstream)


@pytest.mark.parametrize("number", range(len(ONLY)), ids=names(ONLY))
def test_bodies_of_models(place: Field, number: int) -> None:
    tried = place.table("only", ONLY, lambda case, mark: post(place, mark, case))[number]
    assert tried.arrived == []
    assert tried.got.status in (400, 403, 415)
    fair(tried, place.upstream)
    document = json.loads(tried.got.body)
    assert set(document["error"]) >= {"type", "message", "code"}
    assert ("claude" in ONLY[number][0]) == (document.get("type") == "error")
