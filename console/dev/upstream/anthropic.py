"""Anthropic Messages as its API reference describes it: one JSON message, or its stream events."""

from collections.abc import Iterator, Mapping
from typing import Any

from console.dev.upstream.script import Scenario

Event = tuple[str, dict[str, Any]]


def message(request: Mapping[str, Any], scenario: Scenario) -> dict[str, Any]:
    content: list[dict[str, Any]] = [{"type": "text", "text": scenario.text}]
    for at, call in enumerate(scenario.calls, 1):
        content.append({"type": "tool_use", "id": f"toolu_{at:02}", "name": call.tool, "input": dict(call.arguments)})
    return {**_head(request), "content": content, "stop_reason": _stop(scenario), "usage": _usage(request, scenario)}


def events(request: Mapping[str, Any], scenario: Scenario) -> Iterator[Event]:
    head = {**_head(request), "content": [], "stop_reason": None, "usage": {"input_tokens": 12, "output_tokens": 1}}
    yield "message_start", {"type": "message_start", "message": head}
    yield from _block(0, {"type": "text", "text": ""}, [{"type": "text_delta", "text": p} for p in scenario.pieces])
    for at, call in enumerate(scenario.calls, 1):
        start = {"type": "tool_use", "id": f"toolu_{at:02}", "name": call.tool, "input": {}}
        yield from _block(at, start, [{"type": "input_json_delta", "partial_json": p} for p in call.pieces])
    for _ in range(scenario.filler):
        yield "ping", {"type": "ping", "filler": "." * 1000}
    delta = {"stop_reason": _stop(scenario), "stop_sequence": None}
    usage = {"output_tokens": _usage(request, scenario)["output_tokens"]}
    yield "message_delta", {"type": "message_delta", "delta": delta, "usage": usage}
    yield "message_stop", {"type": "message_stop"}


def _block(index: int, start: dict[str, Any], deltas: list[dict[str, Any]]) -> Iterator[Event]:
    yield "content_block_start", {"type": "content_block_start", "index": index, "content_block": start}
    for delta in deltas:
        yield "content_block_delta", {"type": "content_block_delta", "index": index, "delta": delta}
    yield "content_block_stop", {"type": "content_block_stop", "index": index}


def _head(request: Mapping[str, Any]) -> dict[str, Any]:
    model = request.get("model", "simulated")
    return {"id": "msg_01", "type": "message", "role": "assistant", "model": model, "stop_sequence": None}


def _stop(scenario: Scenario) -> str:
    return "tool_use" if scenario.calls else "end_turn"


def _usage(request: Mapping[str, Any], scenario: Scenario) -> dict[str, int]:
    return {"input_tokens": 12, "output_tokens": scenario.tokens}
