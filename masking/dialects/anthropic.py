"""Anthropic Messages: content blocks by index, each opened, filled by deltas, closed (docs: "Streaming messages").

Text and tool input are channels. A thinking block is signed over its text, so it is never rewritten: it waits until it
is complete, then goes as it came or, if anything in it would be masked, not at all; later blocks then move up by one.
"""

from masking.channel import Channel, json_channel, string_channel
from masking.dialects.desk import Body, Desk, Stands, dumps
from masking.frames import Event

TYPES = frozenset(
    (
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    )
)
# Delta type → the field that carries the delta.
_FIELDS = {"text_delta": "text", "input_json_delta": "partial_json", "thinking_delta": "thinking"}
_TYPES = {field: kind for kind, field in _FIELDS.items()}
_SIGNED = ("thinking", "redacted_thinking")
# A thinking block that is longer is not kept any further, and dropped.
MAX_SIGNED = 8 << 20


class Signed:
    """A block that may not change: its events, kept until it is known whether anything in it matches."""

    __slots__ = ("events", "size", "text")

    def __init__(self) -> None:
        self.events: list[tuple[Event, Body]] = []
        self.text: list[str] = []
        self.size = 0

    def keep(self, event: Event, body: Body) -> None:
        self.size += len(event.raw)
        if self.size > MAX_SIGNED:
            self.events.clear()
            return
        self.events.append((event, body))
        for part in (body.get("delta"), body.get("content_block")):
            if isinstance(part, dict) and isinstance(part.get("thinking"), str):
                self.text.append(part["thinking"])


class Anthropic:
    """One stream's blocks."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._channels: dict[tuple[int, str], Channel] = {}
        self._signed: dict[int, Signed] = {}
        self._dropped: set[int] = set()
        self._like: Event | None = None

    @staticmethod
    def claims(body: Body) -> bool:
        return body.get("type") in TYPES

    def handle(self, event: Event, body: Body) -> None:
        kind, index = body["type"], body.get("index")
        self._like = event
        if not isinstance(index, int):
            if kind != "message_start":
                self.flush()
            self._desk.whole(event, self._desk.scope.envelope(1 if kind == "message_start" else 0))
        elif index in self._signed:
            self._signed[index].keep(event, body)
            if kind == "content_block_stop":
                self._decide(index)
        elif kind == "content_block_start":
            self._start(event, body, index)
        elif kind == "content_block_delta":
            self._delta(event, body, index)
        else:
            self._close(index)
            self._whole(event, body, index)

    def flush(self, *, closed: bool = True) -> None:
        """Put out what is held in every block."""
        for index in sorted({index for index, _ in self._channels}):
            self._close(index, closed=closed)

    def finish(self) -> None:
        """The stream has ended; what it left open was cut off, and a signed block that is not whole is dropped."""
        self.flush(closed=False)
        self._signed.clear()

    # -- blocks ----------------------------------------------------------------------------------------------------

    def _start(self, event: Event, body: Body, index: int) -> None:
        block = body.get("content_block")
        if isinstance(block, dict) and block.get("type") in _SIGNED:
            self._signed[index] = Signed()
            self._signed[index].keep(event, body)
        elif isinstance(block, dict) and block.get("type") == "text" and isinstance(block.get("text"), str):
            self._piece(event, body, index, "content_block", "text")
        else:
            self._whole(event, body, index)

    def _delta(self, event: Event, body: Body, index: int) -> None:
        delta = body.get("delta")
        field = _FIELDS.get(delta.get("type", "")) if isinstance(delta, dict) else None
        if isinstance(delta, dict) and field is not None and isinstance(delta.get(field), str):
            self._piece(event, body, index, "delta", field)
        else:
            self._whole(event, body, index)

    def _piece(self, event: Event, body: Body, index: int, part: str, field: str) -> None:
        """An event that carries a piece of a block's text in body[part][field]."""
        old = body[part][field]
        new = self._channel(index, field).feed(old)
        moved = self._moved(index)
        body["index"] = moved
        stands = ("content", index), 1
        changed = self._desk.refill(event, body, [(part, field)], [old], [new], stands=stands, always=moved != index)
        if changed is None:
            self._desk.send(event)
        elif new or not old or part != "delta":
            self._desk.send(event, dumps(changed))

    def _channel(self, index: int, field: str) -> Channel:
        channel = self._channels.get((index, field))
        if channel is None:
            scope = self._desk.scope
            if field == "partial_json":
                channel = json_channel(scope, ("content", index, "input"))
            else:
                channel = string_channel(scope, ("content", index, field))
            self._channels[index, field] = channel
        return channel

    def _close(self, index: int, *, closed: bool = True) -> None:
        for at, field in [key for key in self._channels if key[0] == index]:
            rest = self._channels.pop((at, field)).finish(closed=closed)
            if rest and self._like is not None:
                delta = {"type": _TYPES[field], field: ""}
                body = {"type": "content_block_delta", "index": self._moved(index), "delta": delta}
                self._desk.add(body, ("delta", field), rest, self._like, b"content_block_delta")

    # -- events that are no text ------------------------------------------------------------------------------------

    def _whole(self, event: Event, body: Body, index: int) -> None:
        """An event about a block that is complete in itself: a citation, a server tool's result, a stop."""
        cited = isinstance(body.get("delta"), dict) and "citation" in body["delta"]
        stands: Stands = (("content", index, "citations", 0), 2) if cited else (("content", index), 1)
        moved = self._moved(index)
        body["index"] = moved
        changed = self._desk.envelope(body, event, 0, stands)
        self._desk.send(event, None if changed is None and moved == index else dumps(changed or body))

    def _moved(self, index: int) -> int:
        if not self._dropped:
            return index
        return index - sum(1 for dropped in self._dropped if dropped < index)

    # -- signed blocks ----------------------------------------------------------------------------------------------

    def _decide(self, index: int) -> None:
        signed = self._signed.pop(index)
        if not signed.events or self._matches(signed, index):
            self._dropped.add(index)
            return
        moved = self._moved(index)
        for event, body in signed.events:
            self._desk.send(event, None if moved == index else dumps({**body, "index": moved}))

    def _matches(self, signed: Signed, index: int) -> bool:
        text = "".join(signed.text)
        channel = string_channel(self._desk.scope, ("content", index, "thinking"))
        if channel.feed(text) + channel.finish() != text:
            return True
        scope = self._desk.scope.at(("content", index)).envelope(1)
        return any(
            event.data is not None and self._desk.mask(event.data, scope) != event.data for event, _ in signed.events
        )
