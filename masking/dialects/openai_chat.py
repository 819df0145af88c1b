"""OpenAI Chat Completions chunks, and the many APIs that speak them (`object: chat.completion.chunk`).

Per choice: content, refusal, reasoning, and per tool call its arguments. The field names are those of the delta; in the
whole message the same strings stand under `message`. A chunk whose text changes loses `logprobs` (the text once more,
token by token) and `obfuscation` (padding to a length that is no longer true).
"""

from typing import Any

from masking.channel import Channel, string_channel
from masking.dialects.desk import Body, Desk, dumps
from masking.errors import Uninspectable
from masking.frames import Event
from masking.select import Path

# `reasoning_content` (DeepSeek, vLLM), `reasoning` (OpenRouter, Groq) are not OpenAI's own but on many wires.
TEXTS = ("content", "refusal", "reasoning_content", "reasoning")
Piece = tuple[dict[str, Any], str, Path]
"""Where a piece of text stands: the object, its field, and the path of the whole text in the whole message."""


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
        pieces = [piece for choice in body["choices"] for piece in _pieces(choice)]
        old = [holder[field] for holder, field, _ in pieces]
        new = [self._channel(path).feed(text) for (_, _, path), text in zip(pieces, old, strict=True)]
        ended = [choice["index"] for choice in body["choices"] if _ended(choice)]
        for holder, field, _ in pieces:
            holder[field] = ""
        envelope = {key: value for key, value in body.items() if key not in ("choices", "obfuscation", "usage")}
        self._like = event, envelope
        for index in ended:
            self._end(index, pieces, new)
        changed = self._desk.envelope(body, event, sum(len(dumps(text)) - 2 for text in old))
        if changed is None and new == old:
            self._desk.send(event)
            return
        changed = body if changed is None else changed
        again = [piece for choice in changed["choices"] for piece in _pieces(choice)]
        if len(again) != len(new):
            raise Uninspectable("a chunk's envelope cannot be told from its text")
        for (holder, field, _), text in zip(again, new, strict=True):
            holder[field] = text
        if new != old:
            if not any(new) and any(old) and _only_text(changed):
                return
            changed.pop("obfuscation", None)
            for choice in changed["choices"]:
                if choice.get("logprobs") is not None:
                    choice["logprobs"] = None
        self._desk.send(event, dumps(changed))

    def _channel(self, path: Path) -> Channel:
        channel = self._channels.get(path)
        if channel is None:
            channel = self._channels[path] = string_channel(self._desk.scope, path)
        return channel

    def _end(self, index: int, pieces: list[Piece], new: list[str]) -> None:
        """A choice has finished: what its channels hold goes into this chunk, or into one before it."""
        places = {path: at for at, (_, _, path) in enumerate(pieces)}
        for path in [path for path in self._channels if path[1] == index]:
            rest = self._channels.pop(path).finish()
            if rest and path in places:
                new[places[path]] += rest
            elif rest:
                self._add(path, rest)

    def _add(self, path: Path, text: str) -> None:
        if self._like is None:
            return
        event, envelope = self._like
        choice = {"index": path[1], "delta": _delta(path, text), "finish_reason": None}
        self._desk.add({**envelope, "choices": [choice]}, event)

    def flush(self, *, closed: bool = True) -> None:
        """Put out what is held in every choice."""
        for path in list(self._channels):
            rest = self._channels.pop(path).finish(closed=closed)
            if rest:
                self._add(path, rest)

    def finish(self) -> None:
        self.flush(closed=False)


def _pieces(choice: Any) -> list[Piece]:
    """The pieces of text that a chunk's choice carries."""
    if not isinstance(choice, dict) or not isinstance(choice.get("delta"), dict):
        return []
    delta, index = choice["delta"], choice.get("index", 0)
    found: list[Piece] = []
    for field in TEXTS:
        if isinstance(delta.get(field), str):
            found.append((delta, field, ("choices", index, "message", field)))
    call = delta.get("function_call")
    if isinstance(call, dict) and isinstance(call.get("arguments"), str):
        found.append((call, "arguments", ("choices", index, "message", "function_call", "arguments")))
    tools = delta.get("tool_calls")
    for tool in tools if isinstance(tools, list) else ():
        if not isinstance(tool, dict):
            continue
        for kind, field in (("function", "arguments"), ("custom", "input")):
            call = tool.get(kind)
            if isinstance(call, dict) and isinstance(call.get(field), str):
                place = ("choices", index, "message", "tool_calls", tool.get("index", 0), kind, field)
                found.append((call, field, place))
    audio = delta.get("audio")
    if isinstance(audio, dict) and isinstance(audio.get("transcript"), str):
        found.append((audio, "transcript", ("choices", index, "message", "audio", "transcript")))
    return found


def _delta(path: Path, text: str) -> dict[str, Any]:
    """The delta that carries `text` for the string at `path` of the whole message."""
    steps: tuple[Any, ...] = path[3:]
    if steps[0] == "tool_calls":
        return {"tool_calls": [{"index": steps[1], steps[2]: {steps[3]: text}}]}
    if len(steps) == 2:
        return {steps[0]: {steps[1]: text}}
    return {steps[0]: text}


def _ended(choice: Any) -> bool:
    return isinstance(choice, dict) and choice.get("finish_reason") is not None and "index" in choice


def _only_text(body: Body) -> bool:
    """Does the chunk carry nothing but pieces of text?"""
    if body.get("usage") is not None:
        return False
    for choice in body["choices"]:
        if choice.get("finish_reason") is not None or "role" in choice["delta"]:
            return False
        for tool in choice["delta"].get("tool_calls") or ():
            if "id" in tool or "name" in tool.get("function", {}) or "name" in tool.get("custom", {}):
                return False
    return True
