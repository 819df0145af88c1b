"""Media types: which skin reads a body, and which bodies nobody can look into."""

import re
from dataclasses import dataclass
from email.message import Message
from enum import StrEnum
from functools import lru_cache


class Skin(StrEnum):
    """How a body is read."""

    JSON = "json"
    SSE = "sse"
    TEXT = "text"
    MARKUP = "markup"
    FORM = "form"
    CSV = "csv"
    MULTIPART = "multipart"
    GUESS = "guess"
    BINARY = "binary"


@dataclass(frozen=True, slots=True)
class Media:
    """A Content-Type, read: `type/subtype` in lower case, and its parameters."""

    type: str
    parameters: dict[str, str]
    charsets: frozenset[str] = frozenset()
    """Every character set it names, in lower case: of two, a reader may take either."""

    @property
    def readable(self) -> bool:
        """Whether letters and digits are the bytes that they are in ASCII, which is how everything here reads them."""
        return all(_LIKE_ASCII.fullmatch(charset) for charset in self.charsets)


_LIKE_ASCII = re.compile(
    r"utf-?8|(us-)?ascii|latin-?1|(x-)?mac-?roman|iso[-_]?8859-\d{1,2}|(windows-|cp)125\d|koi8-[ru]"
)
_JSON = frozenset(
    {
        "application/json",
        "text/json",
        "application/x-ndjson",
        "application/ndjson",
        "application/jsonl",
        "application/x-jsonlines",
        "application/jsonlines",
        "application/json-seq",
        "application/x-json",
        "application/json-rpc",
        "application/jsonrequest",
    }
)
_CSV = frozenset({"text/csv", "application/csv", "text/x-csv", "text/comma-separated-values"})
_TSV = frozenset({"text/tab-separated-values", "text/tsv"})
_MARKUP = frozenset({"text/html", "text/xml", "application/xml", "text/markdown", "text/x-markdown"})
# Types outside text/* that are text; what is not listed anywhere is guessed from its first bytes.
_TEXT = frozenset(
    {
        "application/javascript",
        "application/x-javascript",
        "application/ecmascript",
        "application/yaml",
        "application/x-yaml",
        "application/toml",
        "application/sql",
        "application/graphql",
        "application/rtf",
        "application/x-sh",
        "application/http",
        "message/http",
        "message/rfc822",
    }
)
_BINARY_FAMILIES = ("image/", "audio/", "video/", "font/", "model/", "chemical/")
_BINARY = frozenset(
    {
        "application/pdf",
        "application/zip",
        "application/gzip",
        "application/x-gzip",
        "application/x-tar",
        "application/x-7z-compressed",
        "application/zstd",
        "application/wasm",
        "application/protobuf",
        "application/x-protobuf",
        "application/grpc",
        "application/grpc-web",
        "application/grpc+proto",
        "application/msgpack",
        "application/x-msgpack",
        "application/cbor",
        "application/avro",
        "application/vnd.apache.parquet",
        "application/vnd.apache.arrow.stream",
        "application/vnd.amazon.eventstream",
        "application/vnd.ms-excel",
        "application/msword",
        "application/java-archive",
        "application/x-sqlite3",
    }
)


@lru_cache(maxsize=256)
def parse(text: str) -> Media:
    """Read a Content-Type as forgivingly as clients do; nothing at all becomes the type ""."""
    message = Message()
    message["content-type"] = " ".join(text.split())
    kind = text.partition(";")[0].strip().lower()
    found = message.get_params(failobj=[], header="content-type") if text.strip() else []
    parameters = {name.lower(): value for name, value in found[1:] if isinstance(value, str)}
    # RFC 2231 §4 writes a value as (its character set, language, value)
    named = [value if isinstance(value, str) else value[2] for name, value in found[1:] if name.lower() == "charset"]
    return Media(kind, parameters, frozenset(name.strip(" '\"").lower() for name in named) - {""})


def skin(media: Media) -> Skin:
    """Which skin reads a body of this type. A type unknown to us is guessed: JSON, text, or binary."""
    kind = media.type
    if kind == "text/event-stream":
        return Skin.SSE
    if kind in _JSON or kind.endswith("+json"):
        return Skin.JSON
    if kind in _CSV or kind in _TSV:
        return Skin.CSV
    if kind == "application/x-www-form-urlencoded":
        return Skin.FORM
    if kind in ("multipart/form-data", "multipart/mixed", "multipart/related", "multipart/alternative"):
        return Skin.MULTIPART
    if kind in _MARKUP or kind.endswith("+xml"):
        return Skin.MARKUP
    if kind.startswith("text/") or kind in _TEXT or kind.endswith(("+yaml", "+text")):
        return Skin.TEXT
    if kind in _BINARY or kind.startswith((*_BINARY_FAMILIES, "multipart/", "application/vnd.openxmlformats")):
        return Skin.BINARY
    return Skin.GUESS
