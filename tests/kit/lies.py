"""What a lying upstream says: by name, what is expected of the gateway, and the pieces that go over the wire."""

import gzip
import zlib
from collections.abc import Sequence

from tests.kit import streams

CARD, SSN, MAIL = "4111111111111111", "536-22-1234", "ada.lovell@customer.example"
SECRETS = (CARD, SSN, MAIL, "4111 1111 1111 1111", "GB82WEST12345698765432")
JSON = b"content-type: application/json"


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """RFC 9113 §4.1."""
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


SETTINGS_FRAME = 4
SECRET = f'{{"note": "card {CARD}, {MAIL}, {SSN}"}}'.encode()
TEXT = f"card {CARD}, {MAIL}, {SSN}".encode()
SSE = b"content-type: text/event-stream"


def says(body: bytes, *lines: bytes, status: bytes = b"200 OK") -> tuple[bytes, ...]:
    length = b"content-length: %d" % len(body)
    return (b"\r\n".join([b"HTTP/1.1 " + status, *lines, length, b"", b""]) + body,)


def chunks(
    *pieces: bytes, lines: Sequence[bytes] = (JSON,), trailers: bytes = b"", end: bool = True
) -> tuple[bytes, ...]:
    head = b"\r\n".join([b"HTTP/1.1 200 OK", *lines, b"transfer-encoding: chunked", b"", b""])
    last = (b"0\r\n" + trailers + b"\r\n",) if end else ()
    return (head, *(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces), *last)


def until_close(*pieces: bytes, lines: Sequence[bytes] = (JSON,), version: bytes = b"HTTP/1.0") -> tuple[bytes, ...]:
    return (b"\r\n".join([version + b" 200 OK", *lines, b"", b""]), *pieces)


CHAT = streams.chat_stream(f"One card is {CARD}, that is all.")  # cut in the middle of the card
CHATTED = b"".join(CHAT)
REFUSED, MASKED, CUT, ANY = "refused", "masked", "cut", "any"
LIES: dict[str, tuple[str, tuple[bytes, ...]]] = {
    "json": (MASKED, says(SECRET, JSON)),
    "json as png": (REFUSED, says(SECRET, b"content-type: image/png")),
    "json as octets": (MASKED, says(SECRET, b"content-type: application/octet-stream")),
    "json without type": (MASKED, says(SECRET)),
    "json of empty type": (MASKED, says(SECRET, b"content-type: ")),
    "json of odd type": (MASKED, says(SECRET, b"content-type: json")),
    "json as html": (MASKED, says(SECRET, b"content-type: text/html")),
    "json as javascript": (MASKED, says(SECRET, b"content-type: application/javascript")),
    "json as form": (MASKED, says(SECRET, b"content-type: application/x-www-form-urlencoded")),
    "json as table": (MASKED, says(SECRET, b"content-type: text/csv")),
    "table": (MASKED, says(b"a,b\n1," + CARD.encode() + b"\n", b"content-type: text/csv")),
    "table with odd quotes": (MASKED, says(b'a,b\n1,"4111"111111111111\n', b"content-type: text/csv")),
    "parts": (MASKED, says(b"--x\r\n\r\n" + TEXT + b"\r\n--x--", b"content-type: multipart/mixed; boundary=x")),
    "parts without boundary": (REFUSED, says(b"--x\r\n\r\n" + TEXT, b"content-type: multipart/mixed")),
    "json as stream": (MASKED, says(SECRET, SSE)),
    "json of two types": (REFUSED, says(SECRET, JSON, b"content-type: image/png")),
    "json in utf-16": (REFUSED, says(SECRET.decode().encode("utf-16"), JSON)),
    "json in utf-16-be": (REFUSED, says(SECRET.decode().encode("utf-16-be"), JSON)),
    "json in utf-32": (REFUSED, says(SECRET.decode().encode("utf-32"), JSON)),
    "json said to be utf-16": (REFUSED, says(SECRET.decode().encode("utf-16"), JSON + b"; charset=utf-16")),
    "json in ebcdic": (REFUSED, says(SECRET.decode().encode("cp037"), JSON + b"; charset=ibm037")),
    "json in utf-7": (REFUSED, says(SECRET.decode().encode("utf-7"), JSON + b'; charset="UTF-7"')),
    "text in utf-16": (REFUSED, says(TEXT.decode().encode("utf-16"), b"content-type: text/plain")),
    "text in utf-16-le": (REFUSED, says(TEXT.decode().encode("utf-16-le"), b"content-type: text/html")),
    "text said to be utf-16": (REFUSED, says(TEXT.decode().encode("utf-16"), b"content-type: text/csv; charset=utf-16")),
    "text in ebcdic": (REFUSED, says(TEXT.decode().encode("cp037"), b"content-type: text/plain; charset=cp037")),
    "text in latin-1": (MASKED, says(b"caf\xe9 " + TEXT, b"content-type: text/plain; charset=ISO-8859-1")),
    "stream in utf-16": (REFUSED, says(CHATTED.decode().encode("utf-16"), SSE)),
    "form in utf-16": (REFUSED, says(TEXT.decode().encode("utf-16"), b"content-type: application/x-www-form-urlencoded")),
    "gzip": (MASKED, says(gzip.compress(SECRET), JSON, b"content-encoding: gzip")),
    "x-gzip": (MASKED, says(gzip.compress(SECRET), JSON, b"content-encoding: x-gzip")),
    "deflate after identity": (MASKED, says(zlib.compress(SECRET), JSON, b"content-encoding: identity, deflate")),
    "gzip in a second header": (MASKED, says(gzip.compress(SECRET), JSON, b"content-encoding: identity", b"content-encoding: gzip")),
    "gzip cut off": (ANY, says(gzip.compress(SECRET)[:-9], JSON, b"content-encoding: gzip")),
    "bomb": (REFUSED, says(gzip.compress(b" " * (64 << 20)), JSON, b"content-encoding: gzip")),
    "another encoding": (REFUSED, says(SECRET, JSON, b"content-encoding: compress")),
    "encoding unheard of": (REFUSED, says(SECRET, JSON, b"content-encoding: identity;q=1")),
    "gzip unsaid": (REFUSED, says(gzip.compress(SECRET), JSON)),
    "gzip unsaid as text": (REFUSED, says(gzip.compress(SECRET), b"content-type: text/plain")),
    "gzip as transfer": (REFUSED, (b"HTTP/1.1 200 OK\r\n" + JSON + b"\r\ntransfer-encoding: gzip, chunked\r\n\r\n" + b"%x\r\n%s\r\n0\r\n\r\n" % (len(gzip.compress(SECRET)), gzip.compress(SECRET)),)),
    "206": (REFUSED, says(SECRET, JSON, b"content-range: bytes 0-9/99", status=b"206 Partial Content")),
    "byteranges": (REFUSED, says(b"--x\r\n\r\n" + SECRET, b"content-type: multipart/byteranges; boundary=x")),
    "replace": (REFUSED, says(b"--x\r\n\r\n" + SECRET, b"content-type: multipart/x-mixed-replace; boundary=x")),
    "range in 200": (MASKED, says(SECRET, JSON, b"content-range: bytes 0-9/99")),
    "longer than said": (ANY, (b"HTTP/1.1 200 OK\r\n" + JSON + b"\r\ncontent-length: 10\r\n\r\n" + SECRET,)),
    "shorter than said": (CUT, (b"HTTP/1.1 200 OK\r\n" + JSON + b"\r\ncontent-length: 9999\r\n\r\n" + SECRET,)),
    "two lengths": (REFUSED, says(SECRET, JSON, b"content-length: 3")),
    "length and chunks": (ANY, says(SECRET, JSON, b"transfer-encoding: chunked")),
    "header": (MASKED, says(b"{}", JSON, b"x-note: " + TEXT)),
    "header name": (ANY, says(b"{}", JSON, b"x-" + CARD.encode() + b": y")),
    "header in pieces": (ANY, says(b"{}", JSON, b"x-note: 4111 1111", b"x-note: 1111 1111")),
    "folded header": (ANY, says(b"{}", JSON, b"x-note: 4111 1111\r\n 1111 1111")),
    "header of utf-16": (ANY, says(b"{}", JSON, b"x-note: " + TEXT.decode().encode("utf-16"))),
    "cookie": (MASKED, says(b"{}", JSON, b"set-cookie: a=" + CARD.encode(), b"set-cookie: b=" + MAIL.encode())),
    "location": (MASKED, says(b"", b"location: /x?card=" + CARD.encode(), status=b"302 Found")),
    "encoded location": (MASKED, says(b"", b"location: /x?c=4111%201111%201111%201111", status=b"302 Found")),
    "encoded mail in location": (MASKED, says(b"", b"location: /x?c=" + MAIL.replace("@", "%40").encode(), status=b"307 T")),
    "type's parameter": (MASKED, says(b"{}", JSON + b"; note=" + CARD.encode())),
    "reason": (ANY, says(b"{}", JSON, status=b"200 " + CARD.encode())),
    "envoy's own header": (ANY, says(b"{}", JSON, b"x-envoy-note: " + CARD.encode())),
    "our own header": (ANY, says(b"{}", JSON, b"x-exeat-decision: forged", b"x-exeat-reply: forged", b"x-exeat-inspected: forged")),
    "trailer": (MASKED, chunks(b"{}", trailers=b"x-note: " + TEXT + b"\r\n")),
    "early hints": (ANY, (b"HTTP/1.1 103 Early Hints\r\nlink: </" + CARD.encode() + b">\r\n\r\n", *says(b"{}", JSON))),
    "continue": (ANY, (b"HTTP/1.1 100 " + CARD.encode() + b"\r\nx-note: " + TEXT + b"\r\n\r\n", *says(b"{}", JSON))),
    "processing for ever": (REFUSED, (b"HTTP/1.1 102 Processing\r\n\r\n",) * 20),
    "switching": (REFUSED, (b"HTTP/1.1 101 Switching\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n" + TEXT,)),
    "204 with a body": (ANY, says(SECRET, JSON, status=b"204 No Content")),
    "304 with a body": (ANY, says(SECRET, JSON, status=b"304 Not Modified")),
    "status 99": (REFUSED, says(SECRET, JSON, status=b"99 x")),
    "status 600": (ANY, says(SECRET, JSON, status=b"600 x")),
    "status of words": (REFUSED, says(SECRET, JSON, status=b"OK")),
    "error page": (ANY, says(SECRET, b"content-type: text/html", status=b"500 x")),
    "close delimited": (MASKED, until_close(SECRET)),
    "close delimited 1.1": (MASKED, until_close(SECRET, version=b"HTTP/1.1")),
    "http/0.9": (REFUSED, (TEXT,)),
    "another protocol": (REFUSED, (b"220 mail ready " + TEXT + b"\r\n",)),
    "http/2 unasked": (REFUSED, (frame(SETTINGS_FRAME, 0, 0, b"") + TEXT,)),
    "nothing": (REFUSED, ()),
    "half a head": (REFUSED, (b"HTTP/1.1 200 OK\r\nx-note: " + TEXT,)),
    "endless header": (REFUSED, (b"HTTP/1.1 200 OK\r\nx-note: ", *(b"x" * 60_000 for _ in range(20)))),
    "many headers": (REFUSED, says(SECRET, JSON, *(b"a%d: b" % number for number in range(2000)))),
    "bytes one by one": (MASKED, chunks(b'{"pan": "', *(bytes([byte]) for byte in CARD.encode()), b'"}')),
    "segments": (MASKED, until_close(*(SECRET[at : at + 5] for at in range(0, len(SECRET), 5)))),
    "escapes": (MASKED, says(b'{"pan": "' + b"".join(b"\\u%04x" % byte for byte in CARD.encode()) + b'"}', JSON)),
    "number": (MASKED, says(b'{"pan": ' + CARD.encode() + b"}", JSON)),
    "doubled key": (MASKED, says(b'{"a": 1, "a": "' + CARD.encode() + b'"}', JSON)),
    "after the end": (MASKED, says(b"{}\n\n" + TEXT, JSON)),
    "mark in front": (MASKED, says(b"\xef\xbb\xbf" + SECRET, JSON)),
    "junk in front": (MASKED, says(b")]}',\n" + SECRET, JSON)),
    "cut in a card": (ANY, until_close(b'{"pan": "411111111111111')),
    "cut in a card, chunked": (CUT, chunks(b'{"pan": "411111111111111', end=False)),
    "cut in a card as text": (ANY, until_close(b"pan 411111111111111", lines=[b"content-type: text/plain"])),
    "cut in a mail": (ANY, until_close(b'{"mail": "ada.lovell@customer.exampl')),
    "stream": (MASKED, chunks(*CHAT, lines=[SSE])),
    "stream as text": (MASKED, chunks(*CHAT, lines=[b"content-type: text/plain"])),
    "stream as json": (ANY, chunks(*CHAT, lines=[JSON])),
    "stream as octets": (MASKED, chunks(*CHAT, lines=[b"content-type: application/octet-stream"])),
    "stream without type": (MASKED, chunks(*CHAT, lines=[])),
    "stream with CR": (MASKED, chunks(*(piece.replace(b"\n", b"\r") for piece in CHAT), lines=[SSE])),
    "stream with CRLF": (MASKED, chunks(*(piece.replace(b"\n", b"\r\n") for piece in CHAT), lines=[SSE])),
    "stream with a mark": (MASKED, chunks(b"\xef\xbb\xbf", *CHAT, lines=[SSE])),
    "stream with a comment": (MASKED, chunks(b": " + TEXT + b"\n\n", lines=[SSE])),
    "stream with an id": (MASKED, chunks(b"id: " + CARD.encode() + b"\ndata: {}\n\n", lines=[SSE])),
    "stream with a name": (MASKED, chunks(b"event: " + CARD.encode() + b"\ndata: {}\n\n", lines=[SSE])),
    "stream with an odd field": (MASKED, chunks(CARD.encode() + b": x\ndata: {}\n\n", lines=[SSE])),
    "stream of a long line": (MASKED, chunks(b"data: " + b"x" * (1 << 20) + b" " + TEXT + b"\n\n", lines=[SSE])),
    "stream without an end": (ANY, until_close(b"data: " + TEXT, lines=[SSE])),
    "stream cut in an event": (CUT, chunks(*CHAT[:2], CHAT[2][:-5], lines=[SSE], end=False)),
    "key in a header": (MASKED, says(b"{}", JSON, b"x-echo: @KEY@")),
    "key as a cookie": (MASKED, says(b"{}", JSON, b"set-cookie: k=@KEY@; path=/")),
    "key in a trailer": (MASKED, chunks(b"{}", trailers=b"x-echo: @KEY@\r\n")),
    "key in json": (MASKED, until_close(b'{"echo": "@KEY@"}')),
    "key in text": (MASKED, until_close(b"echo @KEY@", lines=[b"content-type: text/plain"])),
    "key in html": (MASKED, until_close(b"<b>@KEY@</b>", lines=[b"content-type: text/html"])),
    "key in a stream": (MASKED, until_close(b'data: {"x": "@KEY@"}\n\n', lines=[SSE])),
    "key in an error": (MASKED, (b"HTTP/1.1 401 No\r\nwww-authenticate: Bearer @KEY@\r\nconnection: close\r\n\r\n@KEY@",)),
}  # fmt: skip
PLAYS = {name.replace(" ", "-"): pieces for name, (_, pieces) in LIES.items()}
