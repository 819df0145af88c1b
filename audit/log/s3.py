"""Signed requests to an S3-compatible service: AWS Signature Version 4, over plain HTTP calls. Pure.

Source: "Authenticating Requests (AWS Signature Version 4)" of the Amazon S3 API Reference. Paths are signed as they are
sent, encoded once (S3's own exception to the rule of two encodings).
"""

import datetime
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

ALGORITHM = "AWS4-HMAC-SHA256"
_SPACES = re.compile(r" +")


@dataclass(frozen=True, slots=True)
class Credentials:
    access_key: str
    secret_key: str
    region: str

    def __repr__(self) -> str:
        return f"Credentials({self.access_key[:4]}…)"


@dataclass(frozen=True, slots=True)
class Request:
    """`query` decoded; `url` without it. `headers` hold everything that is signed but the host."""

    method: str
    url: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""


def sign(request: Request, keys: Credentials, at_us: int) -> dict[str, str]:
    """The headers to send: those of the request, and the signature. `at_us`: now, unix microseconds."""
    when = datetime.datetime.fromtimestamp(at_us // 1_000_000, datetime.UTC)
    stamp, day = when.strftime("%Y%m%dT%H%M%SZ"), when.strftime("%Y%m%d")
    digest = hashlib.sha256(request.body).hexdigest()
    headers = {name.lower(): value for name, value in request.headers.items()}
    headers |= {"host": urlsplit(request.url).netloc, "x-amz-date": stamp, "x-amz-content-sha256": digest}
    names = ";".join(sorted(headers))
    scope = f"{day}/{keys.region}/s3/aws4_request"
    text = "\n".join((ALGORITHM, stamp, scope, hashlib.sha256(canonical(request, headers, digest)).hexdigest()))
    signature = hmac.new(_key(keys, day), text.encode(), hashlib.sha256).hexdigest()
    told = f"{ALGORITHM} Credential={keys.access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {**headers, "authorization": told}


def canonical(request: Request, headers: Mapping[str, str], digest: str) -> bytes:
    """The one form of a request that both sides hash. `headers`: lower-case names, host included."""
    lines = [f"{name}:{_SPACES.sub(' ', headers[name].strip())}\n" for name in sorted(headers)]
    parts = (request.method, urlsplit(request.url).path or "/", query_string(request.query))
    return "\n".join((*parts, "".join(lines), ";".join(sorted(headers)), digest)).encode()


def query_string(query: Mapping[str, str]) -> str:
    """As it is signed and as it must be sent: sorted, everything but unreserved characters encoded."""
    return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(query.items()))


def _key(keys: Credentials, day: str) -> bytes:
    key = f"AWS4{keys.secret_key}".encode()
    for part in (day, keys.region, "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key
