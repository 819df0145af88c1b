"""The request masked with the floor profile and put into the words of policies. Pure, given a masker.

Everything that reaches Rego or the record passes here, and passes the masker on its way: path, query, headers, body,
justification. Findings keep the place where they were made.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from authz import body, headers, mcp, query, rows
from authz.action import Action, Asked, describe
from authz.body import Body
from authz.headers import Headers
from authz.request import Request, Target, upstream_host, upstream_path
from masking import Finding, Masker, Uninspectable
from snapshot.connections import Connection
from usage.definitions import Definition

KEYS = {"gemini": frozenset({"key"})}  # where an API takes its key in the query


@dataclass(frozen=True, slots=True)
class Described:
    """`digest`: hex sha256 of the raw body. All else is masked."""

    method: str
    host: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    size: int
    digest: str
    action: Action
    findings: tuple[Finding, ...] = ()
    justification: str = ""
    rows_asked: int = 0  # records that the request asks for, 0 where nothing says
    patience: int = 0  # seconds; see headers.patience


class _Pen:
    """Masks text by text and keeps what was found."""

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self.findings: list[Finding] = []

    def text(self, value: str, where: str) -> str:
        masked, found = self._masker.text(value)
        self.findings += [replace(finding, where=where) for finding in found]
        return masked

    def path(self, value: str) -> str:
        masked, found = self._masker.target(value)
        self.findings += [replace(finding, where="path") for finding in found]
        return masked

    def headers(self, pairs: list[tuple[str, bytes]]) -> dict[str, str]:
        masked, found = self._masker.headers(pairs)
        self.findings += [replace(finding, where=f"headers.{finding.where}") for finding in found]
        joined: dict[str, str] = {}
        for name, value in masked:
            line = value.decode("utf-8", "replace")
            joined[name] = f"{joined[name]}, {line}" if name in joined else line  # RFC 9110 §5.3
        return joined

    def body(self, media: str, raw: bytes) -> bytes:
        masked = self._masker.body(media, raw, complete=True)
        self.findings += masked.findings
        return masked.data


def describe_request(
    request: Request, target: Target, connection: Connection, masker: Masker, most: int, digest: str
) -> Described:
    """`most`: bytes of a body; `digest`: of the raw one. Raises RequestRefused, Uninspectable or Blocked."""
    found = Headers(request.headers)
    read = body.read(connection.kind, request.method, found, request.body, most)
    pen = _Pen(masker)
    path = pen.path(upstream_path(connection, target))
    shown = _query(target.query, KEYS.get(connection.kind, frozenset()), pen)
    document: Any = json.loads(pen.body(read.media, read.raw)) if read.is_json else None
    asked = Asked(request.method, target.path, query=shown)
    return Described(
        method=request.method,
        host=upstream_host(connection),
        path=path,
        query=shown,
        headers=pen.headers(headers.shown(found, connection.kind)),
        size=len(request.body),
        digest=digest,
        action=_action(asked, connection, read, document, pen),
        justification=pen.text(headers.justification(found), "justification"),
        patience=headers.patience(found),
        findings=tuple(pen.findings),
        rows_asked=rows.asked(connection.rows_asked, document, shown),
    )


def with_definitions(described: Described, of: Callable[[str], Definition | None]) -> Described:
    """What is known of the tools that are called. `of`: by name, on this connection."""
    if described.action.kind != "mcp.call":
        return described
    attributes = mcp.defined(dict(described.action.attributes), of)
    return replace(described, action=replace(described.action, attributes=attributes))


def _query(text: str, keys: frozenset[str], pen: _Pen) -> dict[str, list[str]]:
    masked: dict[str, list[str]] = {}
    for name, values in query.fields(text, keys).items():
        shown = pen.text(name, "query")
        masked.setdefault(shown, []).extend(pen.text(value, f"query.{shown}") for value in values)
    return masked


def _action(asked: Asked, connection: Connection, read: Body, document: Any, pen: _Pen) -> Action:
    if read.is_json:
        return describe(connection, replace(asked, document=document, size=len(read.raw)))
    action = describe(connection, asked)
    if not read.raw:
        return action
    attributes = {**action.attributes, "media": read.media, "inspected": _inspected(connection, read, pen)}
    return replace(action, attributes=attributes)


def _inspected(connection: Connection, read: Body, pen: _Pen) -> bool:
    """Whether the body could be looked into; where not, the connection must let its type pass unread."""
    try:
        pen.body(read.media, read.raw)
    except Uninspectable:
        if connection.passes(read.media):
            return False
        raise
    return True
