"""Answers that are one JSON document."""

import json
from typing import Any

import pytest

from extproc.tools import CallsUnreadable, Document, KeptTooLong

NO = "Refused."
ANTHROPIC = {
    "type": "message",
    "content": [
        {"type": "text", "text": "x"},
        {"type": "tool_use", "id": "t1", "name": "execute_sql", "input": {"q": 1}},
        {"type": "tool_use", "id": "t2", "name": "lookup", "input": {}},
    ],
    "stop_reason": "tool_use",
}
CHAT = {
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "execute_sql", "arguments": '{"q": 1}'}},
                    {"id": "c2", "type": "function", "function": {"name": "lookup", "arguments": "{}"}},
                ],
            },
            "finish_reason": "tool_calls",
        }
    ]
}
RESPONSES = {
    "object": "response",
    "output": [
        {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "execute_sql", "arguments": '{"q": 1}'},
        {"type": "function_call", "id": "fc_2", "call_id": "c2", "name": "lookup", "arguments": "{}"},
    ],
}
DOCUMENTS = {"anthropic": ANTHROPIC, "openai_chat": CHAT, "openai_responses": RESPONSES}


def document(dialect: str, content: Any, tools: tuple[str, ...] = ("execute_sql",)) -> Document:
    made = Document(dialect, tools)
    data = json.dumps(content).encode()
    made.feed(data[:9])
    made.feed(data[9:])
    return made


@pytest.mark.parametrize("dialect", DOCUMENTS)
def test_held_calls_are_found_and_granted_ones_go_byte_for_byte(dialect: str) -> None:
    made = document(dialect, DOCUMENTS[dialect])
    (call,) = made.calls()
    assert (call.tool, json.loads(call.arguments)) == ("execute_sql", {"q": 1})
    assert made.render({}) == json.dumps(DOCUMENTS[dialect]).encode()


def refused(dialect: str, tools: tuple[str, ...]) -> Any:
    made = document(dialect, DOCUMENTS[dialect], tools)
    return json.loads(made.render({call.key: NO for call in made.calls()}))


def test_anthropic() -> None:
    some, every = (refused("anthropic", tools) for tools in (("execute_sql",), ("execute_sql", "lookup")))
    assert [block["type"] for block in some["content"]] == ["text", "text", "tool_use"]
    assert (some["stop_reason"], every["stop_reason"]) == ("tool_use", "end_turn")
    assert every["content"][1:] == [{"type": "text", "text": NO}] * 2


def test_chat() -> None:
    some, every = (
        refused("openai_chat", tools)["choices"][0] for tools in (("execute_sql",), ("execute_sql", "lookup"))
    )
    assert [call["id"] for call in some["message"]["tool_calls"]] == ["c2"]
    assert (some["message"]["content"], some["finish_reason"]) == (NO, "tool_calls")
    assert "tool_calls" not in every["message"]
    assert every["finish_reason"] == "stop"


def test_responses() -> None:
    some = refused("openai_responses", ("execute_sql",))
    assert [item["type"] for item in some["output"]] == ["message", "function_call"]
    assert some["output"][0]["content"][0]["text"] == NO


@pytest.mark.parametrize("content", [[], "x", {"content": ["x"]}, {"content": {"type": "tool_use"}}])
def test_what_the_api_does_not_document_is_unreadable(content: Any) -> None:
    with pytest.raises(CallsUnreadable):
        document("anthropic", content).calls()


def test_json_with_two_meanings_is_unreadable() -> None:
    made = Document("anthropic", ["execute_sql"])
    made.feed(b'{"content": [], "content": [{"type": "tool_use"}]}')
    with pytest.raises(CallsUnreadable):
        made.calls()


def test_it_is_bounded_and_only_for_known_apis() -> None:
    with pytest.raises(KeptTooLong):
        Document("anthropic", [], max_kept=3).feed(b"1234")
    with pytest.raises(CallsUnreadable):
        Document("http", [])
