"""OpenAI Chat Completions and Responses as the API reference describes them: one JSON object, or its stream events."""

import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any

from console.dev.upstream.script import Call, Scenario

CREATED = 1_760_000_000
Event = tuple[str, dict[str, Any]]


def completion(request: Mapping[str, Any], scenario: Scenario) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": scenario.text, "refusal": None}
    if scenario.calls:
        message["tool_calls"] = [
            _call(at, call, json.dumps(dict(call.arguments))) for at, call in enumerate(scenario.calls, 1)
        ]
    choice = {"index": 0, "message": message, "finish_reason": _finish(scenario), "logprobs": None}
    return {**_chat(request, "chat.completion"), "choices": [choice], "usage": _usage(scenario)}


def chunks(request: Mapping[str, Any], scenario: Scenario) -> Iterator[dict[str, Any]]:
    """The data of each SSE event; the caller adds `[DONE]`."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": piece} for piece in scenario.pieces]
    for at, call in enumerate(scenario.calls):
        deltas.append({"tool_calls": [{"index": at, **_call(at + 1, call, "")}]})
        deltas += [{"tool_calls": [{"index": at, "function": {"arguments": p}}]} for p in call.pieces]
    deltas += [{"filler": "." * 1000}] * scenario.filler
    head = _chat(request, "chat.completion.chunk")
    for delta in deltas:
        yield {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    yield {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": _finish(scenario)}]}
    if (request.get("stream_options") or {}).get("include_usage"):
        yield {**head, "choices": [], "usage": _usage(scenario)}


def response(request: Mapping[str, Any], scenario: Scenario) -> dict[str, Any]:
    return {**_response(request, "completed"), "output": _output(scenario), "usage": _response_usage(scenario)}


def response_events(request: Mapping[str, Any], scenario: Scenario) -> Iterator[Event]:
    numbers = itertools.count()
    for name, data in _response_events(request, scenario):
        yield name, {"type": name, "sequence_number": next(numbers), **data}


def _response_events(request: Mapping[str, Any], scenario: Scenario) -> Iterator[Event]:
    yield "response.created", {"response": {**_response(request, "in_progress"), "output": []}}
    item, *rest = _output(scenario)
    place = {"item_id": "msg_01", "output_index": 0, "content_index": 0}
    yield "response.output_item.added", {"output_index": 0, "item": {**item, "status": "in_progress", "content": []}}
    empty = {"type": "output_text", "text": "", "annotations": []}
    yield "response.content_part.added", {**place, "part": empty}
    for piece in scenario.pieces:
        yield "response.output_text.delta", {**place, "delta": piece, "logprobs": []}
    yield "response.output_text.done", {**place, "text": scenario.text, "logprobs": []}
    yield "response.content_part.done", {**place, "part": {**empty, "text": scenario.text}}
    yield "response.output_item.done", {"output_index": 0, "item": item}
    for at, (item, call) in enumerate(zip(rest, scenario.calls, strict=True), 1):
        begun = {**item, "arguments": "", "status": "in_progress"}
        yield "response.output_item.added", {"output_index": at, "item": begun}
        place = {"item_id": item["id"], "output_index": at}
        for piece in call.pieces:
            yield "response.function_call_arguments.delta", {**place, "delta": piece}
        yield "response.function_call_arguments.done", {**place, "name": item["name"], "arguments": item["arguments"]}
        yield "response.output_item.done", {"output_index": at, "item": item}
    for _ in range(scenario.filler):
        yield "response.filler", {"filler": "." * 1000}
    yield "response.completed", {"response": response(request, scenario)}


def _output(scenario: Scenario) -> list[dict[str, Any]]:
    text = {"type": "output_text", "text": scenario.text, "annotations": []}
    output = [{"type": "message", "id": "msg_01", "role": "assistant", "status": "completed", "content": [text]}]
    for at, call in enumerate(scenario.calls, 1):
        item = {"type": "function_call", "id": f"fc_{at:02}", "call_id": f"call_{at:02}", "name": call.tool}
        output.append({**item, "arguments": "".join(call.pieces), "status": "completed"})
    return output


def _response(request: Mapping[str, Any], status: str) -> dict[str, Any]:
    head = {"id": "resp_01", "object": "response", "created_at": CREATED, "status": status, "error": None}
    rest: dict[str, Any] = {
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "parallel_tool_calls": True,
        "tools": [],
    }
    return {
        **head,
        **rest,
        "model": request.get("model", "simulated"),
        "tool_choice": "auto",
        "temperature": 1,
        "top_p": 1,
    }


def _call(number: int, call: Call, arguments: str) -> dict[str, Any]:
    return {"id": f"call_{number:02}", "type": "function", "function": {"name": call.tool, "arguments": arguments}}


def _chat(request: Mapping[str, Any], kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-01", "object": kind, "created": CREATED, "model": request.get("model", "simulated")}


def _finish(scenario: Scenario) -> str:
    return "tool_calls" if scenario.calls else "stop"


def _usage(scenario: Scenario) -> dict[str, int]:
    out = scenario.tokens
    return {"prompt_tokens": 12, "completion_tokens": out, "total_tokens": 12 + out}


def _response_usage(scenario: Scenario) -> dict[str, Any]:
    out = scenario.tokens
    details = {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
    return {"input_tokens": 12, "output_tokens": out, "total_tokens": 12 + out, **details}
