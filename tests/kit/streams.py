"""Answers of the model APIs as the vendors document them, and what the vendors' own SDKs make of bytes."""

import json
from typing import Any

import anthropic
import httpx2
import openai


def anthropic_stream(*blocks: tuple[str, str, str]) -> list[bytes]:
    """`blocks`: ("text", "", text) or (id, tool name, arguments)."""
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None}
    head |= {"stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1}}
    events: list[dict[str, Any]] = [{"type": "message_start", "message": head}]
    for index, (kind, name, content) in enumerate(blocks):
        if kind == "text":
            start: dict[str, Any] = {"type": "text", "text": ""}
            deltas = [{"type": "text_delta", "text": part} for part in _halves(content)]
        else:
            start = {"type": "tool_use", "id": kind, "name": name, "input": {}}
            deltas = [{"type": "input_json_delta", "partial_json": part} for part in _halves(content)]
        events.append({"type": "content_block_start", "index": index, "content_block": start})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
    reason = "end_turn" if all(kind == "text" for kind, _, _ in blocks) else "tool_use"
    delta = {"stop_reason": reason, "stop_sequence": None}
    events.append({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 9}})
    events.append({"type": "message_stop"})
    return [_named(event["type"], event) for event in events]


def chat_stream(text: str, *calls: tuple[str, str, str], choice: int = 0) -> list[bytes]:
    """`calls`: (id, tool name, arguments)."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": part} for part in _halves(text)]
    for index, (call, name, arguments) in enumerate(calls):
        first = {"index": index, "id": call, "type": "function", "function": {"name": name, "arguments": ""}}
        deltas.append({"content": None, "tool_calls": [first]})
        for part in _halves(arguments):
            deltas.append({"tool_calls": [{"index": index, "function": {"arguments": part}}]})
    reasons: list[str | None] = [None] * len(deltas) + ["tool_calls" if calls else "stop"]
    base = {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    chunks = [
        {**base, "choices": [{"index": choice, "delta": delta, "finish_reason": reason}]}
        for delta, reason in zip([*deltas, {}], reasons, strict=True)
    ]
    return [b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks] + [b"data: [DONE]\n\n"]


def responses_stream(text: str, *calls: tuple[str, str, str]) -> list[bytes]:
    """`calls`: (id, tool name, arguments)."""
    base: dict[str, Any] = {"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "tools": []}
    base |= {"parallel_tool_calls": True, "tool_choice": "auto", "status": "in_progress", "output": []}
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    said = {"id": "msg_0", "type": "message", "status": "completed", "role": "assistant", "content": [part]}
    items: list[dict[str, Any]] = [said]
    events: list[dict[str, Any]] = [{"type": "response.created", "response": base}]
    at = {"item_id": "msg_0", "output_index": 0, "content_index": 0}
    events += [
        {"type": "response.output_item.added", "output_index": 0, "item": {**said, "content": []}},
        {"type": "response.content_part.added", **at, "part": {**part, "text": ""}},
        *({"type": "response.output_text.delta", **at, "delta": half, "logprobs": []} for half in _halves(text)),
        {"type": "response.output_text.done", **at, "text": text, "logprobs": []},
        {"type": "response.content_part.done", **at, "part": part},
        {"type": "response.output_item.done", "output_index": 0, "item": said},
    ]
    for place, (call, name, arguments) in enumerate(calls, 1):
        item = {"id": f"fc_{call}", "type": "function_call", "status": "completed", "call_id": call, "name": name}
        items.append({**item, "arguments": arguments})
        where = {"item_id": item["id"], "output_index": place}
        events += [
            {"type": "response.output_item.added", "output_index": place, "item": {**item, "arguments": ""}},
            *({"type": "response.function_call_arguments.delta", **where, "delta": x} for x in _halves(arguments)),
            {"type": "response.function_call_arguments.done", **where, "arguments": arguments, "name": name},
            {"type": "response.output_item.done", "output_index": place, "item": items[-1]},
        ]
    events.append({"type": "response.completed", "response": {**base, "status": "completed", "output": items}})
    return [_named(event["type"], {**event, "sequence_number": number}) for number, event in enumerate(events)]


def _halves(text: str) -> list[str]:
    middle = len(text) // 2
    return [half for half in (text[:middle], text[middle:]) if half]


def _named(name: str, event: dict[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(event)}\n\n".encode()


# what the SDKs make of it


def _transport(stream: bytes) -> httpx2.Client:
    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=stream)

    return httpx2.Client(transport=httpx2.MockTransport(answer))


def read_anthropic(stream: bytes) -> Any:
    client = anthropic.Anthropic(api_key="x", http_client=_transport(stream), max_retries=0)
    messages: Any = [{"role": "user", "content": "x"}]
    with client.messages.stream(model="m", max_tokens=9, messages=messages) as answer:
        return answer.get_final_message()


def read_chat(stream: bytes) -> Any:
    client = openai.OpenAI(api_key="x", http_client=_transport(stream), max_retries=0)
    messages: Any = [{"role": "user", "content": "x"}]
    with client.chat.completions.stream(model="m", messages=messages) as answer:
        return answer.get_final_completion()


def read_responses(stream: bytes) -> Any:
    client = openai.OpenAI(api_key="x", http_client=_transport(stream), max_retries=0)
    with client.responses.stream(model="m", input="x") as answer:
        return answer.get_final_response()
