"""OpenAI Chat Completions chunks, and the many APIs that speak them (`object: chat.completion.chunk`).

Per choice: content, refusal, reasoning, and per tool call its arguments. The field names are those of the delta; in the
whole message the same strings stand under `message`. A chunk whose text changes loses `logprobs` (the text once more,
token by token) and `obfuscation` (padding to a length that is no longer true).
"""

from collections.abc import Iterator
from typing import Any

from masking.channel import Channel, string_channel
from masking.dialects.desk import At, Body, Desk, dumps, get
from masking.frames import Event
from masking.select import Path

# `reasoning_content` (DeepSeek, vLLM), `reasoning` (OpenRouter, Groq) are not OpenAI's own but on many wires.
TEXTS = ("content", "refusal", "reasoning_content", "reasoning")
_PER_CHUNK = ("choices", "obfuscation", "usage")
Piece = tuple[At, Path]
"""Where a piece of text stands in the chunk, and where the whole text stands in the whole message."""


class OpenAIChat:
    """One stream's choices."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._channels: dict[Path, Channel] = {}
        self._like: tuple[Event, Body] | None = None

    @staticmethod
    def claims(body: Body) -> bool:
        choices = body.get("choices")
        if body.get("object") == "chat.completion.chunk":
            return isinstance(choices, list)
        return isinstance(choices, list) and any(isinstance(c, dict) and "delta" in c for c in choices)

    def handle(self, event: Event, body: Body) -> None:
        pieces = _pieces(body)
        old = [get(body, at) for at, _ in pieces]
        new = [self._channel(path).feed(text) for (_, path), text in zip(pieces, old, strict=True)]
        self._like = event, body
        for choice in body["choices"]:
            if _ended(choice):
                self._end(choice["index"], pieces, new)
        taken = self._desk.padding(body)
        changed = self._desk.refill(event, body, [at for at, _ in pieces], old, new, taken=taken)
        if changed is None:
            self._desk.send(event)
        elif any(new) or not any(old) or not _only_text(changed):
            self._desk.send(event, dumps(_without_repeats(changed) if new != old else changed))

    def _channel(self, path: Path) -> Channel:
        channel = self._channels.get(path)
        if channel is None:
            channel = self._channels[path] = string_channel(self._desk.scope, path)
        return channel

    def _end(self, index: int, pieces: list[Piece], new: list[str]) -> None:
        """A choice has finished: what its channels hold goes into this chunk, or into one before it."""
        places = {path: at for at, (_, path) in enumerate(pieces)}
        for path in [path for path in self._channels if path[1] == index]:
            rest = self._channels.pop(path).finish()
            if rest and path in places:
                new[places[path]] += rest
            elif rest:
                self._add(path, rest)

    def _add(self, path: Path, text: str) -> None:
        if self._like is None:
            return
        event, body = self._like
        envelope = {key: value for key, value in body.items() if key not in _PER_CHUNK}
        delta, at = _delta(path)
        choice = {"index": path[1], "delta": delta, "finish_reason": None}
        self._desk.add({**envelope, "choices": [choice]}, ("choices", 0, "delta", *at), text, event)

    def flush(self, *, closed: bool = True) -> None:
        """Put out what is held in every choice."""
        for path in list(self._channels):
            rest = self._channels.pop(path).finish(closed=closed)
            if rest:
                self._add(path, rest)

    def finish(self) -> None:
        self.flush(closed=False)


def _without_repeats(body: Body) -> Body:
    """The text has changed: what would tell it once more goes."""
    body.pop("obfuscation", None)
    for choice in body["choices"]:
        if choice.get("logprobs") is not None:
            choice["logprobs"] = None
    return body


def _pieces(body: Body) -> list[Piece]:
    """The pieces of text that a chunk carries."""
    return [piece for at, choice in enumerate(body["choices"]) for piece in _of_choice(at, choice)]


def _of_choice(at: int, choice: Any) -> Iterator[Piece]:
    if not isinstance(choice, dict) or not isinstance(choice.get("delta"), dict):
        return
    here: At = ("choices", at, "delta")
    whole: Path = ("choices", choice.get("index", 0), "message")
    delta = choice["delta"]
    for field in TEXTS:
        if isinstance(delta.get(field), str):
            yield (*here, field), (*whole, field)
    for kind, field in (("function_call", "arguments"), ("audio", "transcript")):
        if isinstance(delta.get(kind), dict) and isinstance(delta[kind].get(field), str):
            yield (*here, kind, field), (*whole, kind, field)
    tools = delta.get("tool_calls")
    for place, tool in enumerate(tools if isinstance(tools, list) else ()):
        for kind, field in (("function", "arguments"), ("custom", "input")):
            call = tool.get(kind) if isinstance(tool, dict) else None
            if isinstance(call, dict) and isinstance(call.get(field), str):
                steps = "tool_calls", tool.get("index", 0), kind, field
                yield (*here, "tool_calls", place, kind, field), (*whole, *steps)


def _delta(path: Path) -> tuple[dict[str, Any], At]:
    """The delta that carries text for the string at `path` of the whole message, and where in it the text stands."""
    steps: tuple[Any, ...] = path[3:]
    if steps[0] == "tool_calls":
        return {"tool_calls": [{"index": steps[1], steps[2]: {}}]}, ("tool_calls", 0, *steps[2:])
    if len(steps) == 2:
        return {steps[0]: {}}, steps
    return {}, steps


def _ended(choice: Any) -> bool:
    return isinstance(choice, dict) and choice.get("finish_reason") is not None and "index" in choice


def _only_text(body: Body) -> bool:
    """Does the chunk carry nothing but pieces of text?"""
    if body.get("usage") is not None:
        return False
    for choice in body["choices"]:
        delta = choice.get("delta") or {}
        if choice.get("finish_reason") is not None or "role" in delta:
            return False
        for tool in delta.get("tool_calls") or ():
            if "id" in tool or "name" in tool.get("function", {}) or "name" in tool.get("custom", {}):
                return False
    return True
