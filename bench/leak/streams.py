"""The formats that tell their text in pieces."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from bench.leak.formats import (
    CHAT,
    CLAUDE,
    OTHER,
    RESPONSES,
    SSE,
    Channels,
    Format,
    named,
    note,
    of_note,
    plain,
    quoted,
    twice,
    typed,
)

# Anthropic Messages

_FIELDS = {"text_delta": "text", "input_json_delta": "partial_json", "thinking_delta": "thinking"}


def _claude(start: dict[str, Any], delta: str) -> Callable[[Sequence[str]], list[bytes]]:
    def play(pieces: Sequence[str]) -> list[bytes]:
        usage = {"input_tokens": 12, "output_tokens": 1}
        head = {"id": "msg_01", "type": "message", "role": "assistant", "model": "claude-sonnet-5"}
        block = [{"type": delta, _FIELDS[delta]: piece} for piece in pieces]
        if delta == "thinking_delta":
            block.append({"type": "signature_delta", "signature": "c2lnbmVk"})
        return [
            named("message_start", message={**head, "content": [], "stop_reason": None, "usage": usage}),
            named("content_block_start", index=0, content_block=start),
            *(named("content_block_delta", index=0, delta=each) for each in block),
            named("content_block_stop", index=0),
            named("message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage=usage),
            named("message_stop"),
        ]

    return play


def _of_claude(delta: str) -> Callable[[list[Any]], Channels]:
    def read(documents: list[Any]) -> Channels:
        found = [each["delta"] for each in typed(documents, "content_block_delta")]
        return [[each[_FIELDS[delta]] for each in found if each["type"] == delta]]

    return read


def _crlf(play: Callable[[Sequence[str]], list[bytes]]) -> Callable[[Sequence[str]], list[bytes]]:
    return lambda pieces: [event.replace(b"\n", b"\r\n") for event in play(pieces)]


# OpenAI Chat Completions


def _chat(delta: Callable[[str], dict[str, Any]]) -> Callable[[Sequence[str]], list[bytes]]:
    head = {"id": "chatcmpl-01", "object": "chat.completion.chunk", "created": 1_760_000_000, "model": "gpt-5"}

    def chunk(given: dict[str, Any], finish: str | None = None) -> bytes:
        return plain({**head, "choices": [{"index": 0, "delta": given, "finish_reason": finish}]})

    def play(pieces: Sequence[str]) -> list[bytes]:
        begin = chunk({"role": "assistant", "content": ""})
        return [begin, *(chunk(delta(piece)) for piece in pieces), chunk({}, "stop"), b"data: [DONE]\n\n"]

    return play


def _call(piece: str) -> dict[str, Any]:
    return {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}


def _of_chat(*path: str | int) -> Callable[[list[Any]], Channels]:
    def read(documents: list[Any]) -> Channels:
        found = []
        for choice in (c for each in documents if isinstance(each, dict) for c in each.get("choices", ())):
            value: Any = choice["delta"]
            for step in path:
                value = value.get(step) if isinstance(value, dict) else value[step] if value else None
            if value:
                found.append(value)
        return [found]

    return read


# OpenAI Responses


def _numbered(events: Sequence[tuple[str, dict[str, Any]]]) -> list[bytes]:
    return [named(kind, sequence_number=number, **data) for number, (kind, data) in enumerate(events)]


def _response(status: str, output: list[Any]) -> dict[str, Any]:
    return {"response": {"id": "resp_01", "object": "response", "status": status, "model": "gpt-5", "output": output}}


def _responses_text(pieces: Sequence[str]) -> list[bytes]:
    part = {"type": "output_text", "text": "".join(pieces), "annotations": []}
    empty = {**part, "text": ""}
    item = {"type": "message", "id": "msg_01", "role": "assistant", "status": "completed", "content": [part]}
    place = {"item_id": "msg_01", "output_index": 0, "content_index": 0}
    deltas = [("response.output_text.delta", {**place, "delta": piece, "logprobs": []}) for piece in pieces]
    return _numbered(
        [
            ("response.created", _response("in_progress", [])),
            ("response.output_item.added", {"output_index": 0, "item": {**item, "content": []}}),
            ("response.content_part.added", {**place, "part": empty}),
            *deltas,
            ("response.output_text.done", {**place, "text": part["text"], "logprobs": []}),
            ("response.content_part.done", {**place, "part": part}),
            ("response.output_item.done", {"output_index": 0, "item": item}),
            ("response.completed", _response("completed", [item])),
        ]
    )


def _of_responses_text(documents: list[Any]) -> Channels:
    whole = [each["response"]["output"][0] for each in typed(documents, "response.completed")]
    items = [each["item"] for each in typed(documents, "response.output_item.done")] + whole
    return [
        [each["delta"] for each in typed(documents, "response.output_text.delta")],
        [each["text"] for each in typed(documents, "response.output_text.done")],
        *([item["content"][0]["text"]] for item in items),
    ]


def _responses_call(pieces: Sequence[str]) -> list[bytes]:
    item = {"type": "function_call", "id": "fc_01", "call_id": "call_01", "name": "look_up"}
    done = {**item, "arguments": "".join(pieces), "status": "completed"}
    place = {"item_id": "fc_01", "output_index": 0}
    deltas = [("response.function_call_arguments.delta", {**place, "delta": piece}) for piece in pieces]
    return _numbered(
        [
            ("response.created", _response("in_progress", [])),
            ("response.output_item.added", {"output_index": 0, "item": {**item, "arguments": ""}}),
            *deltas,
            ("response.function_call_arguments.done", {**place, "name": "look_up", "arguments": done["arguments"]}),
            ("response.output_item.done", {"output_index": 0, "item": done}),
            ("response.completed", _response("completed", [done])),
        ]
    )


def _of_responses_call(documents: list[Any]) -> Channels:
    whole = [each["response"]["output"][0] for each in typed(documents, "response.completed")]
    items = [each["item"] for each in typed(documents, "response.output_item.done")] + whole
    return [
        [each["delta"] for each in typed(documents, "response.function_call_arguments.delta")],
        [each["arguments"] for each in typed(documents, "response.function_call_arguments.done")],
        *([item["arguments"]] for item in items),
    ]


# others


def _gemini(pieces: Sequence[str]) -> list[bytes]:
    def chunk(text: str, **more: str) -> bytes:
        candidate = {"content": {"role": "model", "parts": [{"text": text}]}, "index": 0, **more}
        return plain({"candidates": [candidate], "modelVersion": "gemini-2.5-pro"})

    return [*(chunk(piece) for piece in pieces[:-1]), chunk(pieces[-1], finishReason="STOP")]


def _of_gemini(documents: list[Any]) -> Channels:
    candidates = [found for each in documents if isinstance(each, dict) for found in each["candidates"]]
    parts = [part for found in candidates for part in found.get("content", {}).get("parts", ())]
    return [[part["text"] for part in parts if part.get("text")]]


def _unknown(pieces: Sequence[str]) -> list[bytes]:
    said = [plain({"seq": number, "chunk": piece}) for number, piece in enumerate(pieces)]
    return [*said, plain({"seq": len(pieces), "done": True})]


def _of_unknown(documents: list[Any]) -> Channels:
    return [[each["chunk"] for each in documents if isinstance(each, dict) and each.get("chunk")]]


def _bare(pieces: Sequence[str]) -> list[bytes]:
    return [f"data: {piece}\n\n".encode() for piece in pieces]


def _of_bare(documents: list[Any]) -> Channels:
    return [[each if isinstance(each, str) else json.dumps(each) for each in documents]]


TEXT, TOOL = {"type": "text", "text": ""}, {"type": "tool_use", "id": "toolu_01", "name": "look_up", "input": {}}
THINKING = {"type": "thinking", "thinking": "", "signature": ""}
ARGUMENTS: dict[str, Any] = {"carry": note, "told": quoted, "wire": twice, "taken": of_note}
_TEXTS = _claude(TEXT, "text_delta")
STREAMS = (
    Format("Anthropic text", CLAUDE, SSE, _TEXTS, _of_claude("text_delta")),
    Format("Anthropic text, gzip", CLAUDE, SSE, _TEXTS, _of_claude("text_delta"), encoding="gzip"),
    Format("Anthropic text, CRLF", CLAUDE, SSE, _crlf(_TEXTS), _of_claude("text_delta")),
    Format(
        "Anthropic tool arguments",
        CLAUDE,
        SSE,
        _claude(TOOL, "input_json_delta"),
        _of_claude("input_json_delta"),
        **ARGUMENTS,
    ),
    Format(
        "Anthropic thinking",
        CLAUDE,
        SSE,
        _claude(THINKING, "thinking_delta"),
        _of_claude("thinking_delta"),
        common=False,
    ),
    Format("Chat text", CHAT, SSE, _chat(lambda piece: {"content": piece}), _of_chat("content")),
    Format("Chat refusal", CHAT, SSE, _chat(lambda piece: {"refusal": piece}), _of_chat("refusal")),
    Format(
        "Chat tool arguments", CHAT, SSE, _chat(_call), _of_chat("tool_calls", 0, "function", "arguments"), **ARGUMENTS
    ),
    Format("Responses text", RESPONSES, SSE, _responses_text, _of_responses_text),
    Format("Responses function arguments", RESPONSES, SSE, _responses_call, _of_responses_call, **ARGUMENTS),
    Format("Gemini text", OTHER, SSE, _gemini, _of_gemini),
    Format("Unknown SSE, JSON", OTHER, SSE, _unknown, _of_unknown),
    Format(
        "Unknown SSE, bare text",
        OTHER,
        SSE,
        _bare,
        _of_bare,
        carry=lambda text: text.replace("\n", " "),
        wire=lambda text: text,
        wanted=lambda sample: "\n" not in sample.told,
        common=False,
    ),
)
