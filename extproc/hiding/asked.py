"""Tools that a request brings to a model, taken out where a policy hides them: the model never hears of them. Pure.

What is left goes on as it was asked. A request that forces the model to a hidden tool has no meaning any more and is
refused.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from extproc.hiding.names import Hidden
from runtime import strict_json
from runtime.errors import CallerError

MAX_DEPTH = 100  # authz let no deeper one through
Body = dict[str, Any]
Names = Callable[[Mapping[str, Any]], object]


class ToolsForced(CallerError):
    """The request insists on a tool that is hidden from it."""

    code = "hidden_tool_forced"


def without_tools(kind: str, body: bytes, hidden: Hidden) -> tuple[bytes, list[str]]:
    """The body to forward, and the names that were taken out; the very same bytes where there are none.

    Raises ToolsForced.
    """
    try:
        document = strict_json.loads(body, max_depth=MAX_DEPTH) if body else None
    except strict_json.NotStrict:
        return body, []  # no JSON: nothing in it brings tools to anything
    if not isinstance(document, dict):
        return body, []
    gone = _gemini(document, hidden) if kind == "gemini" else _others(document, hidden)
    if not gone:
        return body, []
    if _forced(document, set(gone)):
        raise ToolsForced
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"), gone


def _others(document: Body, hidden: Hidden) -> list[str]:
    """Anthropic and OpenAI: a list of tools, `functions` the old way."""
    gone = _sift(document, "tools", hidden) + _sift(document, "functions", hidden)
    if hidden("web_search") and document.pop("web_search_options", None) is not None:
        gone.append("web_search")
    if gone and not document.get("tools") and not document.get("functions"):
        for field in ("tools", "functions", "parallel_tool_calls"):  # no API takes an empty list
            document.pop(field, None)
        if not _forced(document, set(gone)):
            document.pop("tool_choice", None)
            document.pop("function_call", None)
    return gone


def _sift(body: Body, field: str, hidden: Hidden) -> list[str]:
    given = body.get(field)
    if not isinstance(given, list):
        return []
    gone = [name for name in map(_name, given) if hidden(name)]
    body[field] = [tool for tool in given if not hidden(_name(tool))]
    return [str(name) for name in gone]


def _name(tool: Any) -> object:
    """As authz/llm names them."""
    if not isinstance(tool, dict):
        return None
    kind = tool.get("type")
    nested = tool.get(kind) if kind in ("function", "custom") else None
    if isinstance(nested, dict):
        return nested.get("name")
    if kind == "mcp":
        return tool.get("server_label")
    return tool.get("name", tool.get("mcp_server_name", kind))


def _gemini(document: Body, hidden: Hidden) -> list[str]:
    gone: list[str] = []
    kept: list[Body] = []
    for tool in document.get("tools") or []:
        left = dict(tool)
        for field in tool:
            if field in ("functionDeclarations", "function_declarations"):
                gone += _sift(left, field, hidden)
                left = {key: value for key, value in left.items() if key != field or value}
            elif hidden(_camel(field)):
                gone.append(_camel(field))
                del left[field]
        kept += [left] if left else []
    if gone:
        document["tools"] = kept
        if not kept:
            del document["tools"]
    return gone


def _camel(key: str) -> str:
    head, *rest = key.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)


def _forced(document: Body, gone: set[str]) -> bool:
    """Whether the choice of a tool names one that is gone."""
    named = [document.get(field) for field in ("tool_choice", "function_call", "toolConfig", "tool_config")]
    return any(text in gone for text in _texts(named))


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for key, inner in value.items() if key not in ("type", "mode") for text in _texts(inner)]
    return [text for item in value for text in _texts(item)] if isinstance(value, list) else []
