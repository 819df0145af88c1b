"""Media types: which skin reads a body, and which bodies nobody can look into."""

from dataclasses import dataclass
from email.message import Message
from enum import StrEnum
from functools import lru_cache


class Skin(StrEnum):
    """How a body is read."""

    JSON = "json"
    SSE = "sse"
    TEXT = "text"
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

    @property
    def charset(self) -> str:
        return self.parameters.get("charset", "").lower()


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
# Types outside text/* that are text; what is not listed anywhere is guessed from its first bytes.
_TEXT = frozenset(
    {
        "application/xml",
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
        "image/svg+xml",
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
    return Media(kind, parameters)


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
    if kind.startswith("text/") or kind in _TEXT or kind.endswith(("+xml", "+yaml", "+text")):
        return Skin.TEXT
    if kind in _BINARY or kind.startswith((*_BINARY_FAMILIES, "multipart/", "application/vnd.openxmlformats")):
        return Skin.BINARY
    return Skin.GUESS
