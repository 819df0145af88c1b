"""What a request asks for, in words that policies use. Pure: cases are data, in tests/unit/authz/cases/.

    llm.generate   a model is to produce something          llm.py
    sql.query      a field that the connection declares holds SQL    sql.py
    http.request   everything else, with its JSON body addressable

Described from the masked document: what Rego sees cannot hold what the floor profile masks.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from authz import llm, sql
from authz.errors import BodyMalformed
from snapshot.connections import Connection

ADDRESSABLE_BYTES = 1 << 20  # a larger document would cost more than the engine's deadline; the input says so instead


@dataclass(frozen=True, slots=True)
class Action:
    """`attributes` stand beside `kind` in the input."""

    kind: str
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def model(self) -> str:
        model = self.attributes.get("model", "")
        return model if isinstance(model, str) else ""

    def to_input(self) -> dict[str, Any]:
        return {"kind": self.kind, **self.attributes}


Describer = Callable[[Mapping[str, Any]], dict[str, Any]]
GENERATE: dict[tuple[str, str], Describer] = {
    ("anthropic", "/messages"): llm.anthropic_messages,
    ("openai", "/chat/completions"): llm.openai_chat,
    ("openai", "/responses"): llm.openai_responses,
}


def describe(connection: Connection, method: str, path: str, document: Any, size: int) -> Action:
    """`path`: below the connection's upstream; `document`: masked, None where the body is no JSON; `size`: bytes of it.

    Raises BodyMalformed when the body is not what the API at that path takes.
    """
    describer = GENERATE.get((connection.kind, _endpoint(path)))
    if describer and method == "POST":
        if not isinstance(document, dict):
            raise BodyMalformed("The body is not a JSON object.")
        return Action("llm.generate", describer(document))
    statements = [
        statement for text in sql.texts(document, connection.sql_fields) for statement in sql.statements(text)
    ]
    attributes = _addressable(document, size)
    if statements:
        return Action("sql.query", {"sql": {"statements": statements}, **attributes})
    return Action("http.request", attributes)


def _endpoint(path: str) -> str:
    """The path as lenient servers read it, so that no spelling of a generating endpoint escapes its description.

    The version is a part of the upstream (`https://api.openai.com/v1`) or of the path.
    """
    return path.lower().rstrip("/").removeprefix("/v1")


def _addressable(document: Any, size: int) -> dict[str, Any]:
    if document is None:
        return {}
    return {"body": document} if size <= ADDRESSABLE_BYTES else {"body_omitted": True}
