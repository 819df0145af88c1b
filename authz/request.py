"""The request as Envoy shows it, and where it goes. Pure.

There is one path string, the one Envoy chose the route by. It is read here once; the connection, Rego's `request.path`
and what the upstream sees are parts of it. A path that two readers could read differently is refused instead of being
repaired (RFC 3986 §6.2.2): dot segments, empty segments, backslash, NUL, `;` parameters, encoded characters that need
no encoding or that would change the structure, anything outside ASCII.
"""

import re
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes, urlsplit

from authz.errors import EnvoyMisconfigured, MethodRefused, PathRefused, UnknownConnection
from snapshot.connections import Connection

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
MAX_PATH = 8 << 10  # characters with the query; the limit of most servers and well under Envoy's 60 KiB of headers
PLAIN = re.compile(r"/[A-Za-z0-9._~!$&'()*+,=:@%/-]*")  # RFC 3986 §3.3 without `;`
TRIPLET = re.compile(r"%([0-9A-Fa-f]{2})?")
UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
STRUCTURAL = frozenset(b"/\\%;?#")
DELETE = 0x7F


@dataclass(frozen=True, slots=True)
class Request:
    """`path` with its query, as Envoy routes on it; header names in lower case, in order, without pseudo-headers.

    `connection` is the one that Envoy's route is for, "" when none matched.
    """

    method: str
    host: str
    path: str
    headers: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)
    connection: str = ""
    source: str = ""  # the caller's address, as Envoy trusts it
    certificate: str = field(default="", repr=False)  # the client's, verified by Envoy; PEM, URL-encoded


@dataclass(frozen=True, slots=True)
class Target:
    """`path` is the upstream's own path; `query` as it was sent, without the question mark."""

    connection: str
    path: str
    query: str


def target(request: Request) -> Target:
    """The first segment names the connection, the rest is what is asked of it. Raises PathRefused, MethodRefused."""
    if request.method not in METHODS:
        raise MethodRefused("This method is not accepted.")
    if len(request.path) > MAX_PATH:
        raise PathRefused(f"The path is longer than {MAX_PATH} characters.")
    path, _, query = request.path.partition("?")
    check_path(path)
    if "#" in query or not query.isascii() or not query.isprintable() or " " in query:
        raise PathRefused("The query holds characters that must be encoded.")
    name, slash, rest = path[1:].partition("/")
    if not slash:
        raise UnknownConnection("The path names no connection; it begins with /<connection>/.")
    return Target(name, f"/{rest}", query)


def check_path(path: str) -> None:
    """Raises PathRefused."""
    if not PLAIN.fullmatch(path):
        raise PathRefused("The path holds characters that must be encoded, or that have two readings.")
    segments = path[1:].split("/")
    if "" in segments[:-1]:
        raise PathRefused("The path has an empty segment (//).")
    if "." in segments or ".." in segments:
        raise PathRefused("The path has a dot segment.")
    for triplet in TRIPLET.finditer(path):
        _check_encoded(triplet[1])
    try:
        unquote_to_bytes(path).decode("utf-8")
    except UnicodeDecodeError:
        raise PathRefused("The path encodes something that is not UTF-8.") from None


def _check_encoded(digits: str | None) -> None:
    if digits is None:
        raise PathRefused("The path has a % that encodes nothing.")
    byte = int(digits, 16)
    if byte in UNRESERVED or byte in STRUCTURAL:
        raise PathRefused("The path encodes a character that needs none, or that would change its meaning.")
    if byte < 0x20 or byte == DELETE:
        raise PathRefused("The path encodes a control character.")


def agreed(request: Request, target: Target, connection: Connection | None) -> Connection:
    """The connection that Envoy routes to, the path names and the snapshot knows: one and the same.

    Raises UnknownConnection when there is none, EnvoyMisconfigured when they differ.
    """
    if request.connection and request.connection != target.connection:
        raise EnvoyMisconfigured("the route's connection is not the path's")
    if connection is None or not request.connection:
        raise UnknownConnection("There is no connection of that name.")
    return connection


def upstream_path(connection: Connection, target: Target) -> str:
    """What the upstream sees: its own prefix (a connection may end in a path), then the rest."""
    return urlsplit(connection.upstream).path.rstrip("/") + target.path


def upstream_host(connection: Connection) -> str:
    return urlsplit(connection.upstream).netloc
