"""What a request asks for, in words that policies use. Pure: cases are data, in tests/unit/authz/cases/.

    llm.generate          a model is to produce something           llm/
    mcp.call, .listen, .end     a tool server is spoken to          mcp.py
    kubernetes.<verb>     a resource of a cluster                   kubernetes.py
    sql.query             a field that the connection declares holds SQL    sql.py
    http.request          everything else, with its JSON body addressable

Described from the masked document: what Rego sees cannot hold what the floor profile masks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from authz import kubernetes, llm, mcp, sql
from snapshot.connections import Connection

ADDRESSABLE_BYTES = 1 << 20  # a larger document would cost more than the engine's deadline; the input says so instead
MCP_METHODS = {"GET": "mcp.listen", "HEAD": "mcp.listen", "DELETE": "mcp.end"}


@dataclass(frozen=True, slots=True)
class Action:
    """`attributes` stand beside `kind` in the input."""

    kind: str
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def model(self) -> str:
        model = self.attributes.get("model", "")
        return model if self.kind.startswith("llm.") and isinstance(model, str) else ""

    def to_input(self) -> dict[str, Any]:
        return {"kind": self.kind, **self.attributes}


@dataclass(frozen=True, slots=True)
class Asked:
    """`path`: below the connection's upstream, as sent; `document`: masked, None where the body is no JSON;
    `size`: bytes of it; `query`: masked."""

    method: str
    path: str
    document: Any = None
    size: int = 0
    query: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def decoded(self) -> str:
        """As servers read it. authz/request.py has refused what would change its structure."""
        return unquote(self.path)


def describe(connection: Connection, asked: Asked) -> Action:
    """Raises BodyMalformed when the body is not what the API at that path takes."""
    if connection.kind == "mcp":
        return _mcp(connection, asked)
    if connection.kind == "kubernetes":
        kind, attributes = kubernetes.asked(asked.method, asked.decoded, asked.query)
        return Action(kind, {**attributes, **_addressable(asked)})
    if connection.kind in llm.KINDS and asked.method == "POST":
        generation = llm.generation(connection.kind, asked.decoded, asked.document)
        if generation is not None:
            return Action("llm.generate", generation)
    return _http(connection, asked)


def _mcp(connection: Connection, asked: Asked) -> Action:
    if asked.method != "POST":
        kind = MCP_METHODS.get(asked.method, "http.request")
        return Action(kind, {"mcp": {"messages": []}, **_addressable(asked)})
    attributes = mcp.calls(asked.document, shown=asked.size <= ADDRESSABLE_BYTES)
    found = sql.described(asked.document, connection.sql_fields, connection.sql_dialect)
    return Action("mcp.call", {**attributes, "sql": {"statements": found}} if found else attributes)


def _http(connection: Connection, asked: Asked) -> Action:
    found = sql.described(asked.document, connection.sql_fields, connection.sql_dialect)
    if found:
        return Action("sql.query", {"sql": {"statements": found}, **_addressable(asked)})
    return Action("http.request", _addressable(asked))


def _addressable(asked: Asked) -> dict[str, Any]:
    if asked.document is None:
        return {}
    return {"body": asked.document} if asked.size <= ADDRESSABLE_BYTES else {"body_omitted": True}


__all__ = ["ADDRESSABLE_BYTES", "Action", "Asked", "describe"]
