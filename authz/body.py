"""The body: bytes become a document of one meaning, or the request ends here, before Rego. Pure."""

import re
from dataclasses import dataclass, field
from typing import Any

from authz.errors import BodyMalformed, BodyTooLarge, BodyUnsupported, HeaderRefused, RequestRefused
from authz.headers import Headers
from runtime import strict_json

MAX_DEPTH = 100  # JSON schemas of tools, the deepest thing seen, stay under 30
# their bodies are JSON or nothing
INSPECTED = ("anthropic", "openai", "azure_openai", "gemini", "mcp", "kubernetes")
JSON = re.compile(r"application/(?:[a-z0-9.!#$&^_-]+\+)?json|text/json")
ESSENCE = re.compile(r"[a-z0-9!#$&^_.+-]{1,127}/[a-z0-9!#$&^_.+-]{1,127}")  # RFC 6838 §4.2
UNICODE = ("utf-8", "utf8", "us-ascii", "ascii")
READS = ("GET", "HEAD")  # policies take these for reads; a body could make an upstream write
UNKNOWN = "application/octet-stream"  # RFC 9110 §8.3: a body without a type


@dataclass(frozen=True, slots=True)
class Body:
    """`document` is the parsed JSON where `media` is JSON and there is a body, else None."""

    media: str
    raw: bytes = field(repr=False)
    document: Any = field(default=None, repr=False)

    @property
    def is_json(self) -> bool:
        return bool(self.raw) and JSON.fullmatch(self.media) is not None


def read(kind: str, method: str, headers: Headers, raw: bytes, most: int) -> Body:
    """`most`: bytes. Raises BodyMalformed, BodyUnsupported, BodyTooLarge, HeaderRefused."""
    if len(raw) > most:
        raise BodyTooLarge(f"The body is larger than {most} bytes.")
    if raw and method in READS:
        raise BodyMalformed(f"A {method} request with a body has no agreed meaning (RFC 9110 §9.3.1).")
    if headers.one("content-encoding").lower() not in ("", "identity"):
        raise BodyUnsupported("The body is encoded (content-encoding); send it plain.")
    media = _media(headers.one("content-type"))
    if not raw:
        return Body(media, raw)
    if JSON.fullmatch(media):
        return Body(media, raw, _document(raw))
    if kind in INSPECTED:
        raise BodyUnsupported("The body is not declared as application/json, so it cannot be inspected.")
    return Body(media, raw)


def _media(content_type: str) -> str:
    """`application/json; charset=utf-8` → `application/json`. Other character sets are refused (RFC 8259 §8.1)."""
    if "," in content_type:  # Envoy shows two of them joined
        raise HeaderRefused("The header content-type is there more than once.")
    essence, *parameters = [part.strip().lower() for part in content_type.split(";")]
    if essence and not ESSENCE.fullmatch(essence):
        raise BodyUnsupported("The content-type is no media type, so another reader may see another one in it.")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name == "charset" and value.strip('"') not in UNICODE:
            raise BodyUnsupported("The body is in another character set than UTF-8.")
    return essence or UNKNOWN


def _document(raw: bytes) -> Any:
    try:
        return strict_json.loads(raw, max_depth=MAX_DEPTH)
    except strict_json.NotStrict as error:
        refused: RequestRefused = BodyMalformed(f"The body cannot be read as JSON: {error}.")
        raise refused from None
