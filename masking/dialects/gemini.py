"""Gemini streams: chunks of candidates whose text parts add up (API reference, "streamGenerateContent").

A candidate's text ends where a part of another kind, or `finishReason`, says so; what is held goes into that chunk.
Chunks are never dropped, which also serves the form without `alt=sse`: one growing JSON array (`jsonarray`).
"""

import re
from typing import Any

from masking.channel import Channel, string_channel
from masking.dialects.desk import At, Body, Desk, dumps, get
from masking.frames import Event
from masking.select import Path

_STEPS = re.compile(r"[^.$\[\]'\"]+")
TEXT, THOUGHT = "text", "thought"


class Chunk:
    """One event's pieces of text, and the parts that are to be put between its own."""

    def __init__(self) -> None:
        self.places: list[At] = []
        self.new: list[str] = []
        self.kinds: list[tuple[int, str]] = []
        self.inserts: list[tuple[int, int, dict[str, Any]]] = []

    def add(self, at: At, text: str, kind: tuple[int, str]) -> None:
        self.places.append(at)
        self.new.append(text)
        self.kinds.append(kind)

    def append(self, kind: tuple[int, str], position: int, before: int, rest: str) -> None:
        """Text that is still to come for `kind`: to its last part in this chunk, or in a part of its own."""
        if not rest:
            return
        if kind in self.kinds:
            last = len(self.kinds) - 1 - self.kinds[::-1].index(kind)
            self.new[last] += rest
        else:
            self.inserts.append((position, before, _part(kind[1], rest)))


class Gemini:
    """One stream's candidates."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._open: dict[tuple[int, str], Channel] = {}
        self._like: tuple[Event, Body] | None = None

    @staticmethod
    def claims(body: Body) -> bool:
        return isinstance(body.get("candidates"), list) or ("usageMetadata" in body and "modelVersion" in body)

    def handle(self, event: Event, body: Body) -> None:
        chunk = Chunk()
        candidates = body.get("candidates")
        for position, candidate in enumerate(candidates if isinstance(candidates, list) else ()):
            if isinstance(candidate, dict):
                self._candidate(chunk, position, candidate)
        self._like = event, {key: value for key, value in body.items() if key not in ("candidates", "usageMetadata")}
        old = [get(body, at) for at in chunk.places]
        changed = self._desk.refill(event, body, chunk.places, old, chunk.new, always=bool(chunk.inserts))
        if changed is None:
            self._desk.send(event)
            return
        for position, at, part in reversed(chunk.inserts):
            content = changed["candidates"][position].setdefault("content", {"role": "model", "parts": []})
            content.setdefault("parts", []).insert(at, part)
        if chunk.new != old:
            for candidate in changed["candidates"]:
                candidate.pop("logprobsResult", None)
        self._desk.send(event, dumps(changed))

    def _candidate(self, chunk: Chunk, position: int, candidate: Body) -> None:
        index = candidate.get("index", 0)
        content = candidate.get("content")
        parts = content.get("parts") if isinstance(content, dict) else None
        parts = parts if isinstance(parts, list) else []
        here: At = ("candidates", position, "content", "parts")
        for at, part in enumerate(parts):
            if isinstance(part, dict) and isinstance(part.get("text"), str):
                kind = index, THOUGHT if part.get("thought") is True else TEXT
                self._end(chunk, index, position, at, keep=kind[1])
                path = ("candidates", index, "content", "parts", 0, "text")
                chunk.add((*here, at, "text"), self._channel(kind, path).feed(part["text"]), kind)
            elif isinstance(part, dict):
                call = part.get("functionCall")
                self._end(chunk, index, position, at, keep="call")
                if isinstance(call, dict) and isinstance(call.get("partialArgs"), list):
                    self._arguments(chunk, index, call["partialArgs"], (*here, at, "functionCall", "partialArgs"))
        if candidate.get("finishReason"):
            self._end(chunk, index, position, len(parts))

    def _arguments(self, chunk: Chunk, index: int, arguments: list[Any], here: At) -> None:
        """Vertex: arguments of a call in pieces, each named by its JSON path."""
        for at, piece in enumerate(arguments):
            if not isinstance(piece, dict) or not isinstance(piece.get("stringValue"), str):
                continue
            steps = _STEPS.findall(str(piece.get("jsonPath", "")))
            path: Path = ("candidates", index, "content", "parts", 0, "functionCall", "args", *steps)
            kind = index, "call " + str(piece.get("jsonPath", ""))
            text = self._channel(kind, path).feed(piece["stringValue"])
            if not piece.get("willContinue"):
                text += self._open.pop(kind).finish()
            chunk.add((*here, at, "stringValue"), text, kind)

    def _channel(self, kind: tuple[int, str], path: Path) -> Channel:
        channel = self._open.get(kind)
        if channel is None:
            channel = self._open[kind] = string_channel(self._desk.scope, path)
        return channel

    def _end(self, chunk: Chunk, index: int, position: int, before: int, keep: str = "") -> None:
        """Another kind of part begins, or the candidate ends: put out what the other channels hold."""
        for kind in [kind for kind in self._open if kind[0] == index and (not keep or not kind[1].startswith(keep))]:
            chunk.append(kind, position, before, self._open.pop(kind).finish())

    def flush(self, *, closed: bool = True) -> None:
        for kind in list(self._open):
            rest = self._open.pop(kind).finish(closed=closed)
            if rest and self._like is not None:
                event, envelope = self._like
                content = {"role": "model", "parts": [_part(kind[1], "")]}
                body = {"candidates": [{"content": content, "index": kind[0]}], **envelope}
                self._desk.add(body, ("candidates", 0, "content", "parts", 0, *_at(kind[1])), rest, event)

    def finish(self) -> None:
        self.flush(closed=False)


def _at(kind: str) -> At:
    """Where in a part of this kind its text stands."""
    return ("functionCall", "partialArgs", 0, "stringValue") if kind.startswith("call ") else ("text",)


def _part(kind: str, text: str) -> dict[str, Any]:
    """A part that carries text of this kind."""
    if kind.startswith("call "):
        return {"functionCall": {"partialArgs": [{"jsonPath": kind[5:], "stringValue": text}]}}
    return {"text": text, "thought": True} if kind == THOUGHT else {"text": text}
