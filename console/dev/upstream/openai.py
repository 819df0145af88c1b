"""OpenAI Chat Completions and Responses as the API reference describes them: one JSON object, or its stream events."""

import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any

from console.dev.upstream.script import Scenario

CREATED = 1_760_000_000
Event = tuple[str, dict[str, Any]]


def completion(request: Mapping[str, Any], scenario: Scenario) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": scenario.text, "refusal": None}
    if scenario.tool:
        message["tool_calls"] = [_call(scenario, json.dumps(dict(scenario.arguments)))]
    choice = {"index": 0, "message": message, "finish_reason": _finish(scenario), "logprobs": None}
    return {**_chat(request, "chat.completion"), "choices": [choice], "usage": _usage(scenario)}


def chunks(request: Mapping[str, Any], scenario: Scenario) -> Iterator[dict[str, Any]]:
    """The data of each SSE event; the caller adds `[DONE]`."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": piece} for piece in scenario.pieces]
    if scenario.tool:
        deltas.append({"tool_calls": [{"index": 0, **_call(scenario, "")}]})
        deltas += [{"tool_calls": [{"index": 0, "function": {"arguments": p}}]} for p in scenario.tool_pieces]
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
    for call in rest:
        yield (
            "response.output_item.added",
            {"output_index": 1, "item": {**call, "arguments": "", "status": "in_progress"}},
        )
        for piece in scenario.tool_pieces:
            delta = {"item_id": "fc_01", "output_index": 1, "delta": piece}
            yield "response.function_call_arguments.delta", delta
        done = {"item_id": "fc_01", "output_index": 1, "name": call["name"], "arguments": call["arguments"]}
        yield "response.function_call_arguments.done", done
        yield "response.output_item.done", {"output_index": 1, "item": call}
    yield "response.completed", {"response": response(request, scenario)}


def _output(scenario: Scenario) -> list[dict[str, Any]]:
    text = {"type": "output_text", "text": scenario.text, "annotations": []}
    output = [{"type": "message", "id": "msg_01", "role": "assistant", "status": "completed", "content": [text]}]
    if scenario.tool:
        arguments = "".join(scenario.tool_pieces)
        call: dict[str, Any] = {"type": "function_call", "id": "fc_01", "call_id": "call_01", "name": scenario.tool}
        output.append({**call, "arguments": arguments, "status": "completed"})
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


def _call(scenario: Scenario, arguments: str) -> dict[str, Any]:
    return {"id": "call_01", "type": "function", "function": {"name": scenario.tool, "arguments": arguments}}


def _chat(request: Mapping[str, Any], kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-01", "object": kind, "created": CREATED, "model": request.get("model", "simulated")}


def _finish(scenario: Scenario) -> str:
    return "tool_calls" if scenario.tool else "stop"


def _usage(scenario: Scenario) -> dict[str, int]:
    out = len(scenario.pieces) + len(scenario.tool_pieces)
    return {"prompt_tokens": 12, "completion_tokens": out, "total_tokens": 12 + out}


def _response_usage(scenario: Scenario) -> dict[str, Any]:
    out = len(scenario.pieces) + len(scenario.tool_pieces)
    details = {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
    return {"input_tokens": 12, "output_tokens": out, "total_tokens": 12 + out, **details}
