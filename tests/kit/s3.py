"""An S3 bucket with versions and object lock in memory, behind HTTP; it checks every signature for itself.

The check is written from the service's side: it takes apart the Authorization header and signs what arrived on the
wire. Written from the Amazon S3 API Reference; a real service was not at hand.
"""

import datetime
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

ACCESS, SECRET, REGION = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG", "eu-central-1"
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/s3/aws4_request, "
    r"SignedHeaders=([^,]+), Signature=([0-9a-f]{64})"
)


@dataclass
class Version:
    key: str
    id: str
    body: bytes
    mode: str
    until: str


@dataclass
class Bucket:
    """`conditional` false: a service that does not know If-None-Match and makes a new version."""

    name: str = "evidence"
    conditional: bool = True
    page: int = 1000
    fail: int = 0  # status to answer with instead, 0: none
    versions: list[Version] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{path:path}", self.answer, methods=["GET", "PUT", "DELETE"])])

    async def answer(self, request: Request) -> Response:
        self.asked.append(f"{request.method} {request.url.path}")
        body = await request.body()
        if self.fail:
            return _error(self.fail, "InternalError")
        wrong = _wrong_signature(request, body)
        if wrong:
            return _error(403, wrong)
        bucket, _, key = request.url.path[1:].partition("/")
        if bucket != self.name:
            return _error(404, "NoSuchBucket")
        if request.method == "PUT":
            return self._put(request, key, body)
        if request.method == "DELETE":
            return self._delete(key, request.query_params.get("versionId", ""))
        if not key:
            return self._list(request)
        return self._get(key, request.query_params.get("versionId", ""))

    def _put(self, request: Request, key: str, body: bytes) -> Response:
        headers = request.headers
        if "x-amz-object-lock-mode" in headers and "content-md5" not in headers:
            return _error(400, "InvalidRequest")
        if self.conditional and headers.get("if-none-match") == "*" and any(v.key == key for v in self.versions):
            return _error(412, "PreconditionFailed")
        lock = headers.get("x-amz-object-lock-mode", ""), headers.get("x-amz-object-lock-retain-until-date", "")
        self.versions.append(Version(key, f"v{len(self.versions)}", body, *lock))
        return Response(status_code=200)

    def _delete(self, key: str, version: str) -> Response:
        for found in self.versions:
            if (found.key, found.id) == (key, version):
                if found.mode == "COMPLIANCE":
                    return _error(403, "AccessDenied")
                self.versions.remove(found)
        return Response(status_code=204)

    def _get(self, key: str, version: str) -> Response:
        found = [v for v in self.versions if v.key == key and version in ("", v.id)]
        return Response(found[-1].body) if found else _error(404, "NoSuchKey")

    def _list(self, request: Request) -> Response:
        if "versions" not in request.query_params:
            return _error(501, "NotImplemented")
        prefix, marker = request.query_params.get("prefix", ""), request.query_params.get("version-id-marker", "")
        matching = [v for v in self.versions if v.key.startswith(prefix)]
        ids = [v.id for v in matching]
        start = ids.index(marker) + 1 if marker else 0
        shown = matching[start : start + self.page]
        more = start + self.page < len(matching)
        entries = "".join(f"<Version><Key>{escape(v.key)}</Key><VersionId>{v.id}</VersionId></Version>" for v in shown)
        after = f"<NextKeyMarker>{escape(shown[-1].key)}</NextKeyMarker>" if more else ""
        after += f"<NextVersionIdMarker>{shown[-1].id}</NextVersionIdMarker>" if more else ""
        truncated = f"<IsTruncated>{str(more).lower()}</IsTruncated>"
        text = f"<?xml version='1.0'?><ListVersionsResult>{truncated}{after}{entries}</ListVersionsResult>"
        return Response(text, media_type="application/xml")


def _wrong_signature(request: Request, body: bytes) -> str:
    """The service's error code, or nothing."""
    found = _AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
    if not found:
        return "MissingSecurityHeader"
    access, day, region, names, signature = found.groups()
    stamp = request.headers.get("x-amz-date", "")
    at = datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.UTC)
    if abs((datetime.datetime.now(datetime.UTC) - at).total_seconds()) > 900:  # noqa: TID251
        return "RequestTimeTooSkewed"
    if request.headers.get("x-amz-content-sha256") != hashlib.sha256(body).hexdigest():
        return "XAmzContentSHA256Mismatch"
    signed = names.split(";")
    must = [name for name in request.headers if name.startswith("x-amz-") or name in ("host", "content-md5")]
    if access != ACCESS or region != REGION or not set(must) <= set(signed):
        return "InvalidAccessKeyId" if access != ACCESS else "AccessDenied"
    raw: dict[str, Any] = request.scope
    query = "&".join(sorted(raw["query_string"].decode().split("&"))) if raw["query_string"] else ""
    headers = "".join(f"{name}:{request.headers[name].strip()}\n" for name in signed)
    lines = [request.method, raw["raw_path"].decode().partition("?")[0], query, headers, names]
    digest = hashlib.sha256("\n".join([*lines, hashlib.sha256(body).hexdigest()]).encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{day}/{region}/s3/aws4_request\n{digest}"
    key = ("AWS4" + SECRET).encode()
    for part in (day, region, "s3", "aws4_request", text):
        key = hmac.digest(key, part.encode(), "sha256")
    return "" if key.hex() == signature else "SignatureDoesNotMatch"


def _error(status: int, code: str) -> Response:
    return Response(f"<Error><Code>{code}</Code><Message>x</Message></Error>", status, media_type="application/xml")
