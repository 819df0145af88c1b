"""What the tests of bodies and streams share: a masker, ways to cut bytes, and streams in pieces of any size."""

import itertools
import json
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from masking import Finding, Keys, Masker, Ruleset

KEYS = Keys(b"k" * 32, b"r" * 64)
RULES = """
profiles:
  all:
    - detect: [card, us_ssn, iban, us_aba, email, github_token, private_key, jwt, phone, birth_date]
    - key: [password, "*secret*", pin]
    - key: gone
      operator: drop
  paths:
    - detect: [card, us_ssn]
    - path: ["$.customer.name", "accounts[*].number"]
    - path: "$.customer.gone"
      operator: drop
  texts:
    - key: [text, content, arguments]
  nothing:
    - pattern: "NEVER-SEEN-ANYWHERE-[0-9]{8}"
      name: never
  blocked:
    - detect: card
      operator: block
"""
CARD = "4111 1111 1111 1111"
GITHUB = "ghp_" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hJ6"
# What must never leave, in any form of the text around it.
SECRETS = (CARD, "4111111111111111", "123-45-6789", "DE89 3704 0044 0532 0130 00", "jane.doe@example.com", GITHUB)


@cache
def masker(profile: str = "all") -> Masker:
    return Ruleset.parse(RULES, "masking.yaml").masker([profile], keys=KEYS)


def told(
    media: str, chunks: Iterable[bytes], *, profile: str = "all", encoding: str = "identity"
) -> tuple[bytes, list[Finding]]:
    """What a stream of these chunks becomes, and what is found in it."""
    stream = masker(profile).stream(media, encoding=encoding)
    out = b"".join([stream.feed(chunk) for chunk in chunks])
    return out + stream.finish(), stream.take_findings()


def streamed(media: str, chunks: Iterable[bytes], *, profile: str = "all", encoding: str = "identity") -> bytes:
    return told(media, chunks, profile=profile, encoding=encoding)[0]


def whole(media: str, data: bytes, *, profile: str = "all", encoding: str = "identity") -> bytes:
    return masker(profile).body(media, data, encoding=encoding).data


# -- splittings --------------------------------------------------------------------------------------------------------


def cut(data: bytes, *cuts: int) -> list[bytes]:
    return [data[a:b] for a, b in itertools.pairwise((0, *cuts, len(data)))]


def one_cuts(data: bytes) -> Iterator[list[bytes]]:
    return (cut(data, at) for at in range(len(data) + 1))


def two_cuts(data: bytes, step: int = 1) -> Iterator[list[bytes]]:
    return (cut(data, a, b) for a, b in itertools.combinations(range(0, len(data) + 1, step), 2))


def bytewise(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


def parts(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


def same_for_every_cut(media: str, data: bytes, *, pairs: int = 0, profile: str = "all") -> bytes:
    """The masked whole; fails if any one cut, any two cuts `pairs` bytes apart, or single bytes give another."""
    expected = whole(media, data, profile=profile)
    splittings = itertools.chain(one_cuts(data), two_cuts(data, pairs) if pairs else (), [bytewise(data)])
    for chunks in splittings:
        got = streamed(media, chunks, profile=profile)
        assert got == expected, [len(chunk) for chunk in chunks]
    return expected


# -- streams -----------------------------------------------------------------------------------------------------------


def event(body: Any, name: str = "", end: str = "\n") -> bytes:
    """One server-sent event."""
    data = body if isinstance(body, str) else json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    head = f"event: {name}{end}" if name else ""
    return (head + "".join(f"data: {line}{end}" for line in data.split("\n")) + end).encode("utf-8", "surrogatepass")


def typed(body: dict[str, Any], end: str = "\n") -> bytes:
    return event(body, body["type"], end)


def anthropic_stream(*blocks: tuple[str, list[str]], end: str = "\n") -> list[bytes]:
    """`blocks`: ("text" | "tool" | "thinking", deltas)."""
    usage = {"input_tokens": 1, "output_tokens": 1}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None}
    out = [typed({"type": "message_start", "message": {**message, "stop_sequence": None, "usage": usage}}, end)]
    for index, (kind, deltas) in enumerate(blocks):
        start, field, delta = _ANTHROPIC[kind]
        out.append(typed({"type": "content_block_start", "index": index, "content_block": start}, end))
        each = [{"type": delta, field: text} for text in deltas]
        if kind == "thinking":
            each.append({"type": "signature_delta", "signature": "EqQBCgIYAhIM"})
        out += [typed({"type": "content_block_delta", "index": index, "delta": piece}, end) for piece in each]
        out.append(typed({"type": "content_block_stop", "index": index}, end))
    ended = {"stop_reason": "end_turn", "stop_sequence": None}
    out.append(typed({"type": "message_delta", "delta": ended, "usage": {"output_tokens": 9}}, end))
    out.append(typed({"type": "message_stop"}, end))
    return out


_ANTHROPIC: dict[str, tuple[dict[str, Any], str, str]] = {
    "text": ({"type": "text", "text": ""}, "text", "text_delta"),
    "tool": ({"type": "tool_use", "id": "toolu_1", "name": "t", "input": {}}, "partial_json", "input_json_delta"),
    "thinking": ({"type": "thinking", "thinking": "", "signature": ""}, "thinking", "thinking_delta"),
}


def chat_stream(content: list[str], arguments: list[str], *, logprobs: bool = False) -> list[bytes]:
    """A Chat Completions stream: text, then one tool call."""
    base = {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": "", "refusal": None}]
    deltas += [{"content": text} for text in content]
    if arguments:
        first = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "t", "arguments": ""}}
        deltas.append({"tool_calls": [first]})
        deltas += [{"tool_calls": [{"index": 0, "function": {"arguments": text}}]} for text in arguments]
    reason = "tool_calls" if arguments else "stop"
    out = []
    for delta, finish in [*((delta, None) for delta in deltas), ({}, reason)]:
        choice: dict[str, Any] = {"index": 0, "delta": delta, "finish_reason": finish}
        if logprobs:
            text = delta.get("content") or ""
            tokens = [{"token": text, "logprob": -0.5, "bytes": list(text.encode()), "top_logprobs": []}]
            choice["logprobs"] = {"content": tokens, "refusal": None} if text else None
        out.append(event({**base, "choices": [choice], "obfuscation": "x7Gq"}))
    out.append(event({**base, "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}}))
    return [*out, event("[DONE]")]


def responses_stream(content: list[str], arguments: list[str]) -> list[bytes]:
    """A Responses stream: one message, one function call, every repeat of their texts."""
    text, called = "".join(content), "".join(arguments)
    base: dict[str, Any] = {"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "tools": []}
    base |= {"parallel_tool_calls": True, "tool_choice": "auto", "status": "in_progress", "output": []}
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    said = {"id": "msg_0", "type": "message", "status": "completed", "role": "assistant", "content": [part]}
    call = {"id": "fc_1", "type": "function_call", "status": "completed", "call_id": "c", "name": "t"}
    at: dict[str, Any] = {"item_id": "msg_0", "output_index": 0, "content_index": 0}
    to: dict[str, Any] = {"item_id": "fc_1", "output_index": 1}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": base},
        {"type": "response.output_item.added", "output_index": 0, "item": {**said, "content": []}},
        {"type": "response.content_part.added", **at, "part": {**part, "text": ""}},
        *({"type": "response.output_text.delta", **at, "delta": each, "logprobs": []} for each in content),
        {"type": "response.output_text.done", **at, "text": text, "logprobs": []},
        {"type": "response.content_part.done", **at, "part": part},
        {"type": "response.output_item.done", "output_index": 0, "item": said},
        {"type": "response.output_item.added", "output_index": 1, "item": {**call, "arguments": ""}},
        *({"type": "response.function_call_arguments.delta", **to, "delta": each} for each in arguments),
        {"type": "response.function_call_arguments.done", **to, "arguments": called, "name": "t"},
        {"type": "response.output_item.done", "output_index": 1, "item": {**call, "arguments": called}},
    ]
    output = [said, {**call, "arguments": called}]
    events.append({"type": "response.completed", "response": {**base, "status": "completed", "output": output}})
    return [typed({**each, "sequence_number": number}) for number, each in enumerate(events)]


def gemini_chunks(content: list[str]) -> list[dict[str, Any]]:
    """A generateContent stream; the last text shares its chunk with the reason it ended."""
    out = []
    for text in content:
        candidate: dict[str, Any] = {"content": {"role": "model", "parts": [{"text": text}]}, "index": 0}
        out.append({"candidates": [candidate], "modelVersion": "g"})
    out[-1]["candidates"][0]["finishReason"] = "STOP"
    out[-1]["usageMetadata"] = {"totalTokenCount": 3}
    return out


def data_of(stream: bytes) -> list[Any]:
    """The JSON values of a stream's events."""
    found = []
    for block in stream.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n\n"):
        lines = [line[5:].removeprefix(b" ") for line in block.split(b"\n") if line.startswith(b"data:")]
        if lines and lines != [b"[DONE]"]:
            found.append(json.loads(b"\n".join(lines)))
    return found
