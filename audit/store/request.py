"""One HTTP request of ClickHouse's interface, taken apart. Pure: bytes and pairs in, a Query out.

The statement comes in `query`, in the body, or half in each (then they are joined); the rows of an INSERT follow its
FORMAT clause. Source: ClickHouse's documentation, "HTTP Interface"; what clickhouse-connect sends was observed.
"""

import email.parser
import email.policy
import importlib
import re
import sys
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from audit.store.faults import Fault, not_implemented

MAX_BODY_BYTES = 256 << 20  # one insert batch after decompression; the shipper sends at most a few MB
MAX_STATEMENT_BYTES = 256 << 10  # ClickHouse's own max_query_size

_TRANSPORT = frozenset(
    [
        "query",
        "database",
        "user",
        "password",
        "session_id",
        "session_timeout",
        "session_check",
        "query_id",
        "quota_key",
        "compress",
        "decompress",
        "default_format",
        "buffer_size",
        "wait_end_of_query",
        "client_protocol_version",
        "role",
        "enable_http_compression",
        "add_http_cors_header",
        "cancel_http_readonly_queries_on_client_close",
        "close_session",
        "framing",
    ]
)
_TOKEN = re.compile(
    rb"--[^\n]*|#[ !][^\n]*|/\*.*?\*/"  # comments
    rb"|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|\"(?:[^\"\\]|\\.)*\""
    rb"|(?P<word>[A-Za-z_][A-Za-z0-9_]*)|(?P<open>\()|(?P<close>\))|[^\s]",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Insert:
    """`INSERT INTO t (a, b)` without its FORMAT clause, the name of the format, and the rows."""

    head: str
    format: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Query:
    sql: str  # the whole statement; for an Insert its head
    insert: Insert | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)  # {name:Type} placeholders, TSV-escaped as sent
    settings: Mapping[str, str] = field(default_factory=dict)
    database: str = ""
    query_id: str = ""
    output: str = "TabSeparated"
    whole: bool = False  # wait_end_of_query: the status must be known before the first byte


def read(pairs: Sequence[tuple[str, str]], body: bytes, media: str, output_header: str) -> Query:
    """`body` is already decompressed. Raises Fault in ClickHouse's words."""
    values = dict(pairs)
    if media.startswith("multipart/form-data"):
        values.update(_form(body, media))
        body = b""
    if values.get("decompress") == "1" or values.get("compress") == "1":
        raise not_implemented("the native compression of compress=1 and decompress=1; use Content-Encoding")
    given = values.get("query", "").encode()
    statement = given + b"\n" + body if given and body else given or body
    insert = split_insert(statement)
    return Query(
        sql=_text(statement) if insert is None else insert.head,
        insert=insert,
        parameters={name[6:]: value for name, value in values.items() if name.startswith("param_")},
        settings=_settings(values),
        database=values.get("database", ""),
        query_id=values.get("query_id", ""),
        output=values.get("default_format") or output_header or "TabSeparated",
        whole=values.get("wait_end_of_query") == "1",
    )


def _settings(values: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if name not in _TRANSPORT and not name.startswith("param_")}


def _text(statement: bytes) -> str:
    if len(statement) > MAX_STATEMENT_BYTES:
        raise Fault(62, "SYNTAX_ERROR", f"Max query size exceeded ({MAX_STATEMENT_BYTES} bytes)")
    try:
        text = statement.decode("utf-8")
    except UnicodeDecodeError:
        raise Fault(62, "SYNTAX_ERROR", "the statement is not UTF-8") from None
    if not text.strip():
        raise Fault(62, "SYNTAX_ERROR", "Syntax error: failed at position 1 (end of query): empty query")
    return text


def split_insert(statement: bytes) -> Insert | None:
    """An INSERT that carries rows, or None for any other statement (INSERT … SELECT among them)."""
    depth, first, previous = 0, True, b""
    for token in _TOKEN.finditer(statement, 0, MAX_STATEMENT_BYTES):
        depth += (token["open"] is not None) - (token["close"] is not None)
        if token["word"] is None:
            if not token[0].startswith((b"--", b"#", b"/*")):
                first, previous = False, b""
            continue
        word = token["word"].upper()
        if first and word != b"INSERT":
            return None
        first = False
        if depth == 0 and word in (b"SELECT", b"WITH"):
            return None
        if depth == 0 and word == b"VALUES":
            return Insert(_text(statement[: token.start()]), "Values", statement[token.end() :])
        if depth == 0 and previous == b"FORMAT":
            head = statement[: statement.upper().rindex(b"FORMAT", 0, token.start())]
            return Insert(_text(head), token["word"].decode(), _rows(statement[token.end() :]))
        previous = word
    return None


def _rows(rest: bytes) -> bytes:
    """What follows the format's name: blanks and `;` up to one line end belong to the statement, not to the rows."""
    found = re.match(rb"[ \t;]*\r?\n", rest) or re.match(rb"[ \t;]", rest)
    return rest[found.end() :] if found else rest


def _form(body: bytes, media: str) -> dict[str, str]:
    """Plain fields of a multipart form; files would be external tables, which the embedded store does not offer."""
    head = f"Content-Type: {media}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    fields: dict[str, str] = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        if part.get_filename() is not None:
            raise not_implemented("external data is not supported by the embedded store")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            fields[name] = content.decode("utf-8", "replace")
    return fields


def decompress(body: bytes, encoding: str, limit: int = MAX_BODY_BYTES) -> bytes:
    """Content-Encoding of a request body: identity, gzip, deflate, zstd, lz4; any number of frames in a row.

    Raises Fault for other encodings, broken data, and more than `limit` bytes.
    """
    if encoding in ("", "identity"):
        return body
    out = bytearray()
    while body:
        one = _decompressor(encoding)
        try:
            # zlib's parameter is positional, the others have it by keyword; both names mean output bytes
            room = limit + 1 - len(out)
            out += one.decompress(body, room) if encoding in _ZLIB else one.decompress(body, max_length=room)
        except (ValueError, OSError, EOFError, RuntimeError, zlib.error, _zstd_error()):
            raise Fault(354, "ZLIB_INFLATE_FAILED", f"the body is not valid {encoding}") from None
        if len(out) > limit:
            raise Fault(223, "QUERY_IS_TOO_LARGE", f"the body is larger than {limit} bytes")
        if not one.eof:
            raise Fault(354, "ZLIB_INFLATE_FAILED", f"the {encoding} body ends too early")
        body = one.unused_data or b""
    return bytes(out)


_ZLIB = {"gzip": zlib.MAX_WBITS | 16, "x-gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}


def _decompressor(encoding: str) -> Any:
    if encoding in _ZLIB:
        return zlib.decompressobj(_ZLIB[encoding])
    if encoding == "lz4":
        return importlib.import_module("lz4.frame").LZ4FrameDecompressor()
    if encoding == "zstd":
        return _zstd().ZstdDecompressor()
    raise not_implemented(f"Content-Encoding {encoding} is not supported")


def _zstd() -> Any:
    """In the standard library from Python 3.14 on; before that clickhouse-connect brings the backport."""
    name = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    return importlib.import_module(name)


def _zstd_error() -> type[Exception]:
    error: type[Exception] = _zstd().ZstdError
    return error
