"""Calls in the events of OpenAI's Responses API (output items `function_call` and `custom_tool_call`).

A refused call becomes a message item at the same place, with all the events that a message has; the item that repeats
it in `response.completed` is replaced too. `sequence_number` counts on without a gap.
"""

import json
from collections.abc import Mapping
from typing import Any

from extproc.tools.call import Body, Call, CallsUnreadable
from masking.frames import Event, compose

CALLS = ("function_call", "custom_tool_call")
ENDS = ("response.completed", "response.incomplete", "response.failed", "error")


class Responses:
    keep_alive = b": keep-alive\n\n"

    def __init__(self, tools: frozenset[str]) -> None:
        self._tools = tools
        self._open: set[int] = set()  # held calls that are not whole yet
        self._asked: set[int] = set()
        self._ended = False

    def begins(self, body: Body) -> bool:
        return body.get("type") == "response.output_item.added" and self._held(_item(body))

    def read(self, body: Body) -> list[Call]:
        kind = body.get("type")
        if self.begins(body):
            self._open.add(_place(body))
        if kind in ENDS:
            self._ended = True
            self._all_were_asked(body)
        if kind != "response.output_item.done" or not self._held(_item(body)):
            return []
        if _place(body) not in self._open:  # it would have gone already
            raise CallsUnreadable
        self._open.discard(_place(body))
        self._asked.add(_place(body))
        item = _item(body)
        return [Call(str(_place(body)), item["name"], str(item.get("arguments") or item.get("input") or ""))]

    def _all_were_asked(self, body: Body) -> None:
        """The last event repeats every item: no held call may stand there alone."""
        output = (body.get("response") or {}).get("output") or []
        if any(self._held(item) and at not in self._asked for at, item in enumerate(output)):
            raise CallsUnreadable

    def _held(self, item: Body) -> bool:
        return item.get("type") in CALLS and item.get("name") in self._tools

    def over(self, event: Event, body: Body | None) -> bool:
        return body is not None and body.get("type") in ENDS

    @property
    def settled(self) -> bool:
        return self._ended and not self._open

    def render(self, kept: list[Event], refused: Mapping[str, str]) -> bytes:
        if not refused:
            return b"".join(event.raw for event in kept)
        number = 0
        out = []
        for position, event in enumerate(kept):
            body: Body = json.loads(event.data) if event.data and event.data[:1] == b"{" else {}
            if not body:
                out.append(event.raw)
                continue
            number = body.get("sequence_number", 0) if position == 0 else number
            for made in self._instead(body, refused):
                if "sequence_number" in body:
                    made["sequence_number"] = number
                out.append(compose(_dump(made), event, str(made["type"]).encode()))
                number += 1
        return b"".join(out)

    def _instead(self, body: Body, refused: Mapping[str, str]) -> list[Body]:
        """The events in place of one: itself, nothing, or those of a message."""
        kind, place = str(body.get("type")), str(body.get("output_index"))
        if kind in ENDS and isinstance(body.get("response"), dict):
            return [{**body, "response": _replaced(body["response"], refused)}]
        if place not in refused:
            return [dict(body)]
        if kind == "response.output_item.added":
            return _message_begins(body, refused[place])
        if kind == "response.output_item.done":
            return [{**body, "item": message(_item(body), refused[place])}]
        return []


def message(item: Body, sentence: str) -> Body:
    """The message item in place of a call."""
    part = {"type": "output_text", "text": sentence, "annotations": [], "logprobs": []}
    return {"id": _id(item), "type": "message", "status": "completed", "role": "assistant", "content": [part]}


def _message_begins(body: Body, sentence: str) -> list[Body]:
    whole = message(_item(body), sentence)
    part = whole["content"][0]
    at = {"item_id": whole["id"], "output_index": body["output_index"], "content_index": 0}
    return [
        {**body, "item": {**whole, "status": "in_progress", "content": []}},
        {"type": "response.content_part.added", **at, "part": {**part, "text": ""}},
        {"type": "response.output_text.delta", **at, "delta": sentence, "logprobs": []},
        {"type": "response.output_text.done", **at, "text": sentence, "logprobs": []},
        {"type": "response.content_part.done", **at, "part": part},
    ]


def _replaced(response: Body, refused: Mapping[str, str]) -> Body:
    output = response.get("output") or []
    items = [message(item, refused[str(at)]) if str(at) in refused else item for at, item in enumerate(output)]
    return {**response, "output": items}


def _id(item: Body) -> str:
    # never the id of another item, whatever the vendor calls its messages and calls
    return "msg_held_" + str(item.get("id") or item.get("call_id") or "held").removeprefix("fc_").removeprefix("ctc_")


def _item(body: Body) -> Body:
    item = body.get("item")
    return item if isinstance(item, dict) else {}


def _place(body: Body) -> int:
    place = body.get("output_index")
    if type(place) is not int:
        raise CallsUnreadable
    return place


def _dump(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
