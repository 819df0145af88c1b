"""Tools that a request brings to a model."""

import json
from typing import Any

import pytest

from extproc.hiding import Hidden, ToolsForced, without_tools

DROP = {"type": "function", "function": {"name": "drop_a"}}
OWN = {"type": "custom", "custom": {"name": "b"}}
HIDDEN = Hidden(["drop_*", "web_search", "googleSearch"])
KEEP: dict[str, Any] = {"name": "look", "input_schema": {"type": "object"}}


def left(kind: str, body: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    data, gone = without_tools(kind, json.dumps(body).encode(), HIDDEN)
    return json.loads(data), gone


@pytest.mark.parametrize(
    ("kind", "body", "want", "gone"),
    [
        ("anthropic", {"tools": [KEEP, {"name": "drop_table"}]}, {"tools": [KEEP]}, ["drop_table"]),
        ("anthropic", {"tools": [{"name": "drop_a"}], "tool_choice": {"type": "auto"}, "n": 1}, {"n": 1}, ["drop_a"]),
        ("anthropic", {"tools": [{"type": "mcp_toolset", "mcp_server_name": "drop_it"}]}, {}, ["drop_it"]),
        ("anthropic", {"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, {}, ["web_search"]),
        (
            "openai",
            {
                "tools": [
                    {"type": "function", "function": {"name": "drop_a"}},
                    {"type": "custom", "custom": {"name": "b"}},
                ]
            },
            {"tools": [{"type": "custom", "custom": {"name": "b"}}]},
            ["drop_a"],
        ),
        ("openai", {"functions": [{"name": "drop_a"}], "function_call": "auto"}, {}, ["drop_a"]),
        (
            "openai",
            {"tools": [{"type": "function", "name": "drop_a"}, {"type": "web_search"}]},
            {},
            ["drop_a", "web_search"],
        ),
        (
            "openai",
            {"tools": [{"type": "mcp", "server_label": "drop_it"}], "parallel_tool_calls": True},
            {},
            ["drop_it"],
        ),
        ("azure_openai", {"web_search_options": {}, "model": "m"}, {"model": "m"}, ["web_search"]),
        (
            "gemini",
            {
                "tools": [
                    {"functionDeclarations": [{"name": "drop_a"}, {"name": "b"}], "googleSearch": {}},
                    {"google_search": {}},
                ]
            },
            {"tools": [{"functionDeclarations": [{"name": "b"}]}]},
            ["drop_a", "googleSearch", "googleSearch"],
        ),
        ("gemini", {"tools": [{"function_declarations": [{"name": "drop_a"}]}]}, {}, ["drop_a"]),
    ],
)
def test_what_is_taken_out(kind: str, body: dict[str, Any], want: dict[str, Any], gone: list[str]) -> None:
    assert left(kind, body) == (want, gone)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("anthropic", b'{"tools": [ {"name": "look"} ],  "temperature": 1.0}'),
        ("openai", b'{"model":"m"}'),
        ("openai", b"[1]"),
        ("openai", b""),
        ("openai", b"no json"),
        ("gemini", b'{"tools": []}'),
    ],
)
def test_what_holds_nothing_hidden_stays_byte_for_byte(kind: str, body: bytes) -> None:
    assert without_tools(kind, body, HIDDEN) == (body, [])


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("anthropic", {"tools": [{"name": "drop_a"}], "tool_choice": {"type": "tool", "name": "drop_a"}}),
        ("anthropic", {"tools": [KEEP, {"name": "drop_a"}], "tool_choice": {"type": "tool", "name": "drop_a"}}),
        (
            "openai",
            {
                "tools": [{"type": "function", "function": {"name": "drop_a"}}],
                "tool_choice": {"type": "function", "function": {"name": "drop_a"}},
            },
        ),
        ("openai", {"functions": [{"name": "drop_a"}], "function_call": {"name": "drop_a"}}),
        (
            "gemini",
            {
                "tools": [{"functionDeclarations": [{"name": "drop_a"}]}],
                "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["drop_a"]}},
            },
        ),
    ],
)
def test_a_request_that_insists_on_a_hidden_tool_is_refused(kind: str, body: dict[str, Any]) -> None:
    with pytest.raises(ToolsForced):
        left(kind, body)


def test_numbers_and_texts_that_stay_mean_what_they_meant() -> None:
    rest = {"seed": 2**60, "temperature": 0.1, "messages": [{"content": "Müller \u2028 🙂"}]}
    found, _ = left("anthropic", {"tools": [{"name": "drop_a"}], **rest})
    assert found == rest
