"""OpenAI Responses: deltas, then a `.done` that tells the whole text again, and again in the item and in the response.

Deltas are channels; every repeat is masked as the JSON it is and, because streamed equals whole, says the same. Events
that are dropped or added move `sequence_number`, so it is counted anew.
"""

import re

from masking.channel import Channel, string_channel
from masking.dialects.desk import At, Body, Desk, dumps, get
from masking.finding import Findings
from masking.frames import Event
from masking.scope import Scope
from masking.select import Path

_NUMBER = re.compile(rb'"sequence_number":\s*[0-9]{1,15}')
# What a kind of delta adds up to: its place below the output item. "#" stands for the index within the item.
_PLACES: dict[str, tuple[str, ...]] = {
    "response.output_text": ("content", "#", "text"),
    "response.refusal": ("content", "#", "refusal"),
    "response.reasoning_text": ("content", "#", "text"),
    "response.reasoning_summary_text": ("summary", "#", "text"),
    "response.function_call_arguments": ("arguments",),
    "response.mcp_call_arguments": ("arguments",),
    "response.custom_tool_call_input": ("input",),
    "response.code_interpreter_call_code": ("code",),
    "response.shell_call_command": ("action", "commands", "#"),
    "response.shell_call_output_content": ("output", "#"),
    "response.audio.transcript": ("transcript",),
}
_INDEXES = ("content_index", "summary_index", "command_index")
# Part and item types that may already begin with text when they are added: type → (its field, its kind of delta).
_PARTS = {
    "output_text": ("text", "response.output_text"),
    "refusal": ("refusal", "response.refusal"),
    "reasoning_text": ("text", "response.reasoning_text"),
    "summary_text": ("text", "response.reasoning_summary_text"),
}
_ITEMS = {
    "function_call": ("arguments", "response.function_call_arguments"),
    "mcp_call": ("arguments", "response.mcp_call_arguments"),
    "custom_tool_call": ("input", "response.custom_tool_call_input"),
    "code_interpreter_call": ("code", "response.code_interpreter_call_code"),
}
# Deltas that are no text (base64 of sound).
_OPAQUE = frozenset(("response.audio.delta",))
_ENDS = frozenset(("completed", "incomplete", "failed", "cancelled"))


class Open:
    """A channel, and an event of its kind to make a last delta from. `field`: within a delta that is an object."""

    __slots__ = ("channel", "field", "like")

    def __init__(self, channel: Channel, like: Body, field: str | int) -> None:
        self.channel, self.like, self.field = channel, like, field


class OpenAIResponses:
    """One response's channels."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._open: dict[Path, Open] = {}
        self._told: set[int] = set()  # output items whose text has been told by deltas
        self._shift = 0
        self._number = 0
        self._event: Event | None = None

    @staticmethod
    def claims(body: Body) -> bool:
        kind = body.get("type")
        return isinstance(kind, str) and (
            kind.startswith("response.") or (kind == "error" and "sequence_number" in body)
        )

    def handle(self, event: Event, body: Body) -> None:
        kind = body["type"]
        number = body.get("sequence_number")
        self._event = event
        self._number = number if isinstance(number, int) else self._number + 1
        name, _, stage = kind.rpartition(".")
        if stage == "delta" and kind not in _OPAQUE and isinstance(body.get("delta"), str | dict):
            self._delta(event, body, name)
        elif stage == "added" and self._beginning(body) is not None:
            self._added(event, body)
        else:
            self._finish_before(body, name, stage)
            self._whole(event, self._scope(body, name, stage))

    def flush(self, *, closed: bool = True) -> None:
        for path in list(self._open):
            self._close(path, closed=closed)

    def finish(self) -> None:
        self.flush(closed=False)

    # -- deltas ----------------------------------------------------------------------------------------------------

    def _delta(self, event: Event, body: Body, name: str) -> None:
        delta, place = body["delta"], _place(name, body)
        if isinstance(delta, dict):  # shell output: stdout and stderr in one event
            fields = [field for field, text in delta.items() if isinstance(text, str)]
            self._pieces(event, body, [(("delta", field), (*place, field)) for field in fields])
        else:
            self._pieces(event, body, [(("delta",), place)])

    def _added(self, event: Event, body: Body) -> None:
        begun = self._beginning(body)
        assert begun is not None
        at, name = begun
        self._pieces(event, body, [(at, _place(name, body))], name)

    @staticmethod
    def _beginning(body: Body) -> tuple[At, str] | None:
        """(where the text stands, its kind of delta) if what is being added begins with text."""
        for within, table in (("part", _PARTS), ("item", _ITEMS)):
            holder = body.get(within)
            if isinstance(holder, dict) and holder.get("type") in table:
                field, name = table[holder["type"]]
                if isinstance(holder.get(field), str) and holder[field]:
                    return (within, field), name
        return None

    def _pieces(self, event: Event, body: Body, pieces: list[tuple[At, Path]], name: str = "") -> None:
        self._told.add(_index(body, "output_index"))
        old = [get(body, at) for at, _ in pieces]
        new = [self._channel(path, body, at, name).feed(text) for (at, path), text in zip(pieces, old, strict=True)]
        taken = self._desk.padding(body)
        numbered = isinstance(body.get("sequence_number"), int)
        if numbered:
            taken += len(str(self._number)) - 1
            body["sequence_number"] = 0
        changed = self._desk.refill(event, body, [at for at, _ in pieces], old, new, taken=taken)
        if changed is None:
            self._send(event)
            return
        if not any(new) and any(old) and not name:
            self._shift -= 1
            return
        if new != old:
            changed.pop("obfuscation", None)
            if changed.get("logprobs"):
                changed["logprobs"] = []
        if numbered:
            changed["sequence_number"] = self._number + self._shift
        self._desk.send(event, dumps(changed))

    def _channel(self, path: Path, body: Body, at: At, name: str) -> Channel:
        found = self._open.get(path)
        if found is None:
            like = {key: value for key, value in body.items() if key not in ("part", "item", "obfuscation", "logprobs")}
            if name:
                like["type"] = f"{name}.delta"
                like.setdefault("item_id", body.get("item", {}).get("id", ""))
            if "logprobs" in body:
                like["logprobs"] = []
            found = self._open[path] = Open(
                string_channel(self._desk.scope, path), like, at[1] if at[0] == "delta" and len(at) > 1 else ""
            )
        return found.channel

    def _close(self, path: Path, *, closed: bool = True) -> None:
        """A text is complete: what its channel holds goes in a delta of its own, before the event at hand."""
        found = self._open.pop(path)
        rest = found.channel.finish(closed=closed)
        if not rest or self._event is None:
            return
        body = {**found.like, "delta": {found.field: ""} if found.field else ""}
        if "sequence_number" in body:
            body["sequence_number"] = self._number + self._shift
        at: At = ("delta", found.field) if found.field else ("delta",)
        self._desk.add(body, at, rest, self._event, str(found.like["type"]).encode())
        self._shift += 1

    # -- events that tell everything again -----------------------------------------------------------------------------

    def _finish_before(self, body: Body, name: str, stage: str) -> None:
        """Close the channels that this event tells the end of."""
        if name == "response" and stage in _ENDS:
            self.flush()
        elif body["type"] == "error":
            self.flush(closed=False)
        elif stage == "done":
            over = _whole_place(name, body)
            for path in [path for path in self._open if over is not None and path[: len(over)] == over]:
                self._close(path)

    def _scope(self, body: Body, name: str, stage: str) -> Scope:
        """Where in the whole response this event stands. Repeats of what deltas told are not counted again."""
        scope = self._desk.scope
        index = _index(body, "output_index")
        if stage == "done" and index in self._told:
            scope = Scope(scope.scanner, Findings())
        if name == "response" and self._told and stage in ("completed", "incomplete"):
            scope = Scope(scope.scanner, Findings())
        place = _whole_place(name, body)
        if place is not None:
            return scope.at(place[:-1]) if name in _PLACES else scope.at(place).envelope(1)
        return scope.envelope(1 if isinstance(body.get("response"), dict) else 0)

    def _whole(self, event: Event, scope: Scope) -> None:
        assert event.data is not None
        self._send(event, self._desk.mask(event.data, scope))

    def _send(self, event: Event, data: bytes | None = None) -> None:
        data = event.data if data is None else data
        if self._shift and data is not None:
            data = _NUMBER.sub(b'"sequence_number":%d' % (self._number + self._shift), data, count=1)
        self._desk.send(event, data)


def _index(body: Body, name: str) -> int:
    value = body.get(name)
    return value if isinstance(value, int) else 0


def _whole_place(name: str, body: Body) -> Path | None:
    """What part of the whole response a `.done` of this kind is about; None when it is about none."""
    item: Path = ("output", _index(body, "output_index"))
    if name == "response.output_item":
        return item
    if name == "response.content_part":
        return *item, "content", _index(body, "content_index")
    if name == "response.reasoning_summary_part":
        return *item, "summary", _index(body, "summary_index")
    return _place(name, body) if name in _PLACES else None


def _place(name: str, body: Body) -> Path:
    """Where in the whole response the text of such a delta ends up."""
    within = next((body[index] for index in _INDEXES if isinstance(body.get(index), int)), 0)
    steps = _PLACES.get(name, (name, "#", "text"))
    return "output", _index(body, "output_index"), *(within if step == "#" else step for step in steps)
