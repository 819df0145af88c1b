"""Calls in an answer that is one JSON document: kept whole, asked about, and let go or changed. Pure."""

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from extproc.tools.call import MAX_DEPTH, MAX_KEPT, Body, Call, CallsUnreadable, KeptTooLong
from extproc.tools.responses import CALLS, message
from runtime import strict_json


class Document:
    """`feed` the (masked) bytes, then `calls`; `render` with the sentences of the refused ones."""

    def __init__(self, dialect: str, tools: Collection[str], max_kept: int = MAX_KEPT) -> None:
        if dialect not in FINDERS:
            raise CallsUnreadable
        self._dialect, self._tools, self._max = dialect, frozenset(tools), max_kept
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> None:
        """Raises KeptTooLong."""
        self._parts.append(data)
        self._size += len(data)
        if self._size > self._max:
            raise KeptTooLong

    def calls(self) -> list[Call]:
        """The held calls of the document. Raises CallsUnreadable."""
        return [call for call in FINDERS[self._dialect](self._document()) if call.tool in self._tools]

    def render(self, refused: Mapping[str, str]) -> bytes:
        """The same bytes, unless something was refused."""
        if not refused:
            return b"".join(self._parts)
        changed = CHANGERS[self._dialect](self._document(), refused)
        return json.dumps(changed, ensure_ascii=False, separators=(",", ":")).encode()

    def _document(self) -> Body:
        try:
            document = strict_json.loads(b"".join(self._parts) or b"{}", max_depth=MAX_DEPTH)
        except strict_json.NotStrict:
            raise CallsUnreadable from None
        if not isinstance(document, dict):
            raise CallsUnreadable
        return document


def _listed(value: Any) -> list[Body]:
    """The objects of a list, with their places; a list of anything else is none that the API documents."""
    items = value or []
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise CallsUnreadable
    return items


def _anthropic(document: Body) -> Iterator[Call]:
    for at, block in enumerate(_listed(document.get("content"))):
        if block.get("type") == "tool_use":
            yield Call(str(at), str(block.get("name")), json.dumps(block.get("input", {}), ensure_ascii=False))


def _chat(document: Body) -> Iterator[Call]:
    for at, choice in enumerate(_listed(document.get("choices"))):
        said = choice.get("message") or {}
        for index, call in enumerate(_listed(said.get("tool_calls"))):
            function = call.get("function") or call.get("custom") or {}
            arguments = function.get("arguments") or function.get("input") or ""
            yield Call(f"{at}.{index}", str(function.get("name")), str(arguments))
        if isinstance(said.get("function_call"), dict):
            old = said["function_call"]
            yield Call(f"{at}.function", str(old.get("name")), str(old.get("arguments", "")))


def _responses(document: Body) -> Iterator[Call]:
    for at, item in enumerate(_listed(document.get("output"))):
        if item.get("type") in CALLS:
            yield Call(str(at), str(item.get("name")), str(item.get("arguments") or item.get("input") or ""))


def _anthropic_without(document: Body, refused: Mapping[str, str]) -> Body:
    content = [
        {"type": "text", "text": refused[str(at)]} if str(at) in refused else block
        for at, block in enumerate(document["content"])
    ]
    left = any(block.get("type") == "tool_use" for block in content)
    reason = document.get("stop_reason")
    return {**document, "content": content, "stop_reason": reason if left or reason != "tool_use" else "end_turn"}


def _chat_without(document: Body, refused: Mapping[str, str]) -> Body:
    return {**document, "choices": [_choice(at, choice, refused) for at, choice in enumerate(document["choices"])]}


def _choice(at: int, choice: Body, refused: Mapping[str, str]) -> Body:
    sentences = [sentence for key, sentence in refused.items() if key.startswith(f"{at}.")]
    if not sentences:
        return choice
    said = dict(choice["message"])
    calls = [call for index, call in enumerate(said.pop("tool_calls", None) or []) if f"{at}.{index}" not in refused]
    if calls:
        said["tool_calls"] = calls
    if f"{at}.function" in refused:
        said.pop("function_call", None)
    said["content"] = "\n".join([said["content"], *sentences] if said.get("content") else sentences)
    left = calls or said.get("function_call")
    reason = choice.get("finish_reason") if left else "stop"
    return {**choice, "message": said, "finish_reason": reason}


def _responses_without(document: Body, refused: Mapping[str, str]) -> Body:
    output = document["output"]
    items = [message(item, refused[str(at)]) if str(at) in refused else item for at, item in enumerate(output)]
    return {**document, "output": items}


FINDERS = {"anthropic": _anthropic, "openai_chat": _chat, "openai_responses": _responses}
CHANGERS = {"anthropic": _anthropic_without, "openai_chat": _chat_without, "openai_responses": _responses_without}
