"""A text as an API's event stream in small deltas, and the text that a client puts together from one."""

import json
from collections.abc import Iterator
from typing import Any

from console.dev.upstream import anthropic, openai
from console.dev.upstream.script import Scenario

DIALECTS = ("anthropic", "openai", "responses", "gemini")
STEP = 3  # characters a delta: about a token, and smaller than any secret


def events(dialect: str, text: str, step: int = STEP) -> Iterator[bytes]:
    """The stream's events, one at a time."""
    pieces = tuple(text[start : start + step] for start in range(0, len(text), step))
    scenario = Scenario("mask", text, pieces)
    if dialect == "anthropic":
        for name, data in anthropic.events({}, scenario):
            yield f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()
    elif dialect == "openai":
        for chunk in openai.chunks({}, scenario):
            yield f"data: {json.dumps(chunk)}\n\n".encode()
        yield b"data: [DONE]\n\n"
    elif dialect == "responses":
        for name, data in openai.response_events({}, scenario):
            yield f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()
    else:
        for piece in pieces:
            part = {"candidates": [{"content": {"role": "model", "parts": [{"text": piece}]}, "index": 0}]}
            yield f"data: {json.dumps(part)}\n\n".encode()
        part = {"candidates": [{"finishReason": "STOP", "index": 0}]}
        yield f"data: {json.dumps(part)}\n\n".encode()


def accumulated(dialect: str, stream: bytes) -> str:
    """The joined text deltas; for Responses they must also equal the final text, or the difference is shown."""
    found: list[str] = []
    final = None
    for event in stream.replace(b"\r\n", b"\n").split(b"\n\n"):
        data = b"\n".join(line[5:].strip() for line in event.splitlines() if line.startswith(b"data:"))
        if data and data != b"[DONE]":
            document = json.loads(data)
            found.append(_delta(dialect, document))
            if document.get("type") == "response.output_text.done":
                final = document["text"]
    text = "".join(found)
    return text if final in (None, text) else f"{text}\n(but its end says: {final})"


def _delta(dialect: str, document: Any) -> str:
    if dialect == "anthropic":
        return str(document.get("delta", {}).get("text") or "")
    if dialect == "openai":
        return "".join(choice["delta"].get("content") or "" for choice in document.get("choices", []))
    if dialect == "responses":
        return document["delta"] if document.get("type") == "response.output_text.delta" else ""
    parts = document["candidates"][0].get("content", {}).get("parts", []) if document.get("candidates") else []
    return "".join(part.get("text", "") for part in parts)
