"""Calls in the chunks of OpenAI's Chat Completions API (`delta.tool_calls`, and the old `delta.function_call`).

A refused call leaves the list, the calls behind it move up (accumulators place them by index), and a sentence is added
to the content. `finish_reason` stays while a call is left, and becomes `stop` when none is.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from extproc.tools.call import Body, Call, CallsUnreadable
from masking.frames import Event

OLD = "function"  # key of the one call of the old form
ENDS_WITH_CALL = ("tool_calls", "function_call")


class Chat:
    keep_alive = b": keep-alive\n\n"

    def __init__(self, tools: frozenset[str]) -> None:
        self._tools = tools
        self._names: dict[str, str] = {}  # of every call, by key
        self._parts: dict[str, list[str]] = {}
        self._asked: set[str] = set()
        self._going: set[int] = set()  # choices without a finish_reason

    def begins(self, body: Body) -> bool:
        """Some vendors send a name in pieces: what may still become a held tool begins a hold."""
        return any(name and self._may_be_held(name) for _, name, _ in _entries(body))

    def read(self, body: Body) -> list[Call]:
        for key, name, arguments in _entries(body):
            self._names[key] = self._names.get(key, "") + name
            self._parts.setdefault(key, []).append(arguments)
        whole: list[Call] = []
        for choice in _choices(body):
            self._going.add(_index(choice))
            if choice.get("finish_reason"):
                self._going.discard(_index(choice))
                whole += self._whole(f"{_index(choice)}.")
        return whole

    def _may_be_held(self, name: str) -> bool:
        return any(tool.startswith(name) for tool in self._tools)

    def _whole(self, prefix: str) -> list[Call]:
        """The held calls of a choice that is whole now."""
        keys = [key for key in self._names if key.startswith(prefix) and key not in self._asked]
        self._asked.update(keys)
        calls = [Call(key, self._names[key], "".join(self._parts.pop(key))) for key in keys]
        return [call for call in calls if call.tool in self._tools]

    def over(self, event: Event, body: Body | None) -> bool:
        done = event.data is not None and event.data.strip() == b"[DONE]"
        return done or (body is not None and "error" in body)

    @property
    def settled(self) -> bool:
        return not self._going

    def render(self, kept: list[Event], refused: Mapping[str, str]) -> bytes:
        if not refused:
            return b"".join(event.raw for event in kept)
        said: set[str] = set()
        out = []
        for event in kept:
            body: Body = json.loads(event.data) if event.data and event.data[:1] == b"{" else {}
            changed = [self._choice(choice, refused, said) for choice in _choices(body)]
            if all(new is choice for new, choice in zip(changed, _choices(body), strict=True)):
                out.append(event.raw)
            else:
                out.append(event.with_data(_dump({**body, "choices": changed})))
        return b"".join(out)

    def _choice(self, choice: Body, refused: Mapping[str, str], said: set[str]) -> Body:
        """The choice without its refused calls; the same object if there is nothing to change."""
        index, delta = _index(choice), choice.get("delta") or {}
        calls = delta.get("tool_calls") or []
        kept = [call for call in calls if f"{index}.{_index(call)}" not in refused]
        gone = [f"{index}.{_index(call)}" for call in calls if call not in kept]
        gone += [f"{index}.{OLD}"] if "function_call" in delta and f"{index}.{OLD}" in refused else []
        moved = [{**call, "index": self._place(index, _index(call), refused)} for call in kept]
        sentences = [refused[key] for key in dict.fromkeys(gone) if key not in said]
        said.update(gone)
        reason = choice.get("finish_reason")
        if reason in ENDS_WITH_CALL and not self._left(index, refused):
            reason = "stop"
        if not gone and moved == calls and reason == choice.get("finish_reason"):
            return choice
        delta = {name: value for name, value in delta.items() if name != "tool_calls"}
        if f"{index}.{OLD}" in gone:
            delta.pop("function_call", None)
        if moved:
            delta["tool_calls"] = moved
        if sentences:
            delta["content"] = (delta.get("content") or "") + "\n".join(sentences)
        return {**choice, "delta": delta, "finish_reason": reason}

    def _place(self, choice: int, call: int, refused: Mapping[str, str]) -> int:
        return call - sum(f"{choice}.{before}" in refused for before in range(call))

    def _left(self, choice: int, refused: Mapping[str, str]) -> bool:
        return any(key.startswith(f"{choice}.") and key not in refused for key in self._names)


def _choices(body: Body) -> list[Body]:
    choices = body.get("choices") or []
    if not isinstance(choices, list) or not all(isinstance(choice, dict) for choice in choices):
        raise CallsUnreadable
    return choices


def _entries(body: Body) -> Iterator[tuple[str, str, str]]:
    """(key, name or "", more of the arguments) of every call in a chunk."""
    for choice in _choices(body):
        delta = choice.get("delta") or {}
        for call in delta.get("tool_calls") or []:
            function = call.get("function") or call.get("custom") or {}
            more = function.get("arguments") or function.get("input") or ""
            yield f"{_index(choice)}.{_index(call)}", function.get("name") or "", more
        if delta.get("function_call"):
            old = delta["function_call"]
            yield f"{_index(choice)}.{OLD}", old.get("name") or "", old.get("arguments") or ""


def _index(thing: Any) -> int:
    index = thing.get("index") if isinstance(thing, dict) else None
    if type(index) is not int:
        raise CallsUnreadable
    return index


def _dump(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
