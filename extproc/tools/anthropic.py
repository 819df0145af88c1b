"""Calls in the events of Anthropic's Messages API (content blocks of type `tool_use`).

A refused call becomes a text block at the same index. `stop_reason` stays `tool_use` while any call is left that the
caller must answer, and becomes `end_turn` when none is.
"""

import json
from collections.abc import Mapping
from typing import Any

from extproc.tools.call import Body, Call, CallsUnreadable
from masking.frames import Event, compose


class Anthropic:
    keep_alive = b'event: ping\ndata: {"type": "ping"}\n\n'

    def __init__(self, tools: frozenset[str]) -> None:
        self._tools = tools
        self._blocks: dict[int, Body] = {}  # held calls that are not whole yet
        self._parts: dict[int, list[str]] = {}
        self._calls = 0  # of any tool, in this answer
        self._ended = False

    def begins(self, body: Body) -> bool:
        return body.get("type") == "content_block_start" and _block(body).get("name") in self._tools and _calls(body)

    def read(self, body: Body) -> list[Call]:
        kind = body.get("type")
        if kind == "message_start" and (body.get("message") or {}).get("content"):
            raise CallsUnreadable  # blocks come as events of their own
        if kind == "content_block_start" and _calls(body):
            self._calls += 1
            if self.begins(body):
                self._blocks[_index(body)], self._parts[_index(body)] = _block(body), []
        elif kind == "content_block_delta" and body.get("index") in self._parts:
            part = body.get("delta", {}).get("partial_json", "")
            self._parts[_index(body)].append(part if isinstance(part, str) else "")
        elif kind == "content_block_stop" and body.get("index") in self._blocks:
            return [self._whole(_index(body))]
        self._ended = self._ended or kind == "message_stop"
        return []

    def _whole(self, index: int) -> Call:
        block, text = self._blocks.pop(index), "".join(self._parts.pop(index))
        arguments = text or json.dumps(block.get("input", {}), ensure_ascii=False)
        return Call(str(index), str(block["name"]), arguments)

    def over(self, event: Event, body: Body | None) -> bool:
        return body is not None and body.get("type") in ("message_stop", "error")

    @property
    def settled(self) -> bool:
        return self._ended and not self._blocks

    def render(self, kept: list[Event], refused: Mapping[str, str]) -> bytes:
        left = self._calls - len(refused)
        out: list[bytes] = []
        for event in kept:
            body: Body = json.loads(event.data) if event.data and event.data[:1] == b"{" else {}
            if str(body.get("index")) in refused and body.get("type") != "content_block_stop":
                out += self._instead(event, body, refused[str(body["index"])])
            elif body.get("type") == "message_delta" and not left and refused:
                out.append(_add(event, _stopped(body)))
            else:
                out.append(event.raw)
        return b"".join(out)

    def _instead(self, event: Event, body: Body, sentence: str) -> list[bytes]:
        """The text block in place of a call: its start and its one delta stand where the call began."""
        if body["type"] != "content_block_start":
            return []
        start = {**body, "content_block": {"type": "text", "text": ""}}
        delta = {"type": "text_delta", "text": sentence}
        said = {"type": "content_block_delta", "index": body["index"], "delta": delta}
        return [_add(event, start), compose(_dump(said), event, b"content_block_delta")]


def _stopped(body: Body) -> Body:
    delta = body.get("delta", {})
    reason = "end_turn" if delta.get("stop_reason") == "tool_use" else delta.get("stop_reason")
    return {**body, "delta": {**delta, "stop_reason": reason}}


def _block(body: Body) -> Body:
    block = body.get("content_block")
    return block if isinstance(block, dict) else {}


def _calls(body: Body) -> bool:
    return _block(body).get("type") == "tool_use"


def _index(body: Body) -> int:
    index = body.get("index")
    if type(index) is not int:
        raise CallsUnreadable
    return index


def _add(event: Event, body: Body) -> bytes:
    return event.with_data(_dump(body))


def _dump(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
