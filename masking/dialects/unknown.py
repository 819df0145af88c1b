"""Events of no API that we know: tokens of some model server, progress of some tool, or plain text.

What looks like a piece of a longer text is treated as one: a channel per place in the event, as for the dialects that
we know. It looks so when the event says it (a key, a type or an event name with "delta", "chunk", "token" …), or when
a short text is all there is in it; that may also be a text of its own, and is read as both. Everything else is whole in
its event.
"""

import re
from collections.abc import Iterator
from typing import Any

from masking.channel import Channel, string_channel
from masking.dialects.desk import At, Body, Desk, dumps, get, loads, put
from masking.frames import Event, compose
from masking.select import Path

# Fields that carry a piece of text in the APIs seen so far (Cohere, Hugging Face TGI, Ollama, legacy completions,
# Assistants, AI SDK, AG-UI).
_FIELDS = frozenset(
    (
        "text", "content", "delta", "token", "completion", "response", "arguments", "partial_json", "reasoning",
        "thinking", "output", "answer", "chunk", "value", "message", "generation", "inputTextDelta", "argsTextDelta",
    )
)  # fmt: skip
_PIECEMEAL = ("delta", "chunk", "token", "partial", "completion", "text-generation", "message_content")
_TELLING = frozenset(("delta", "deltas", "token", "chunk", "partial_json", "completion"))
_KINDS = ("type", "event_type", "object", "event", "kind")
# Members that say the text is complete with this event, and types that say it was before.
_ENDS = ("done", "finish_reason", "stop_reason", "is_finished", "finished", "finishReason", "stop")
_OVER = re.compile(r"(?:\A|[-_.:])(?:end|ended|stop|stopped|done|completed?|finish|finished)\Z", re.IGNORECASE)
# Event names under which plain text comes piece by piece.
_PIECE_NAMES = frozenset((b"token", b"delta", b"chunk", b"completion"))
_TEXT_NAMES = frozenset((b"", b"message", b"data", b"text", b"content")) | _PIECE_NAMES
MAX_DEPTH = 8
_RAW = "surrogateescape"
# The longest text that is taken for a piece although nothing in its event says so.
MAX_BARE = 200


class Unknown:
    """The channels of one stream, by the place of the text in its events."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._open: dict[Path, tuple[Channel, Event, At]] = {}
        self._texts: dict[tuple[bytes, bool], tuple[Channel, Event]] = {}

    @staticmethod
    def claims(body: Body) -> bool:
        return True

    def handle(self, event: Event, body: Body) -> None:
        if any(_OVER.search(name) for name in _names(event, body)):
            self.flush()
        piecemeal = _piecemeal(event, body)
        places = list(_places(body)) if piecemeal or _bare(body) else []
        if not places:
            self._desk.whole(event)
            return
        ended, new = _ended(body), []
        old = [get(body, at) for at in places]
        for at, text in zip(places, old, strict=True):
            path = _path(body, at)
            channel = self._channel(path, event, at, eventwise=not piecemeal)
            text = channel.feed(text)
            if ended:
                self._open.pop(path)
                text += channel.finish()
            new.append(text)
        changed = self._desk.refill(event, body, places, old, new)
        if changed is None:
            self._desk.send(event)
        elif any(new) or not any(old) or ended:
            self._desk.send(event, dumps(changed))

    def _channel(self, path: Path, event: Event, at: At, *, eventwise: bool) -> Channel:
        found = self._open.get(path)
        channel = string_channel(self._desk.scope, path, eventwise=eventwise) if found is None else found[0]
        self._open[path] = channel, event, at
        return channel

    def text(self, event: Event, data: bytes) -> None:
        """An event whose data is no JSON."""
        if event.name not in _TEXT_NAMES:
            self._desk.send(event, self._desk.text(data, "$"))
            return
        old = data.decode("utf-8", _RAW)
        new = self._bare(event, quoted=False).feed(old)
        if new == old:
            self._desk.send(event)
        elif new:
            self._desk.send(event, new.encode("utf-8", _RAW))

    def string(self, event: Event, old: str) -> None:
        """An event whose data is nothing but a JSON string."""
        new = self._bare(event, quoted=True).feed(old)
        if new == old:
            self._desk.send(event)
        elif new:
            self._desk.send(event, dumps(new))

    def _bare(self, event: Event, *, quoted: bool) -> Channel:
        found = self._texts.get((event.name, quoted))
        errors = "surrogatepass" if quoted else _RAW
        eventwise = event.name not in _PIECE_NAMES
        channel = string_channel(self._desk.scope, (), errors, eventwise=eventwise) if found is None else found[0]
        self._texts[event.name, quoted] = channel, event
        return channel

    def flush(self, *, closed: bool = True) -> None:
        """Put out what is held, each in a copy of the last event of its kind."""
        for channel, event, at in self._open.values():
            rest = channel.finish(closed=closed)
            if rest:
                self._alone(event, at, rest)
        self._open.clear()
        for (_, quoted), (channel, event) in self._texts.items():
            rest = channel.finish(closed=closed)
            if rest:
                self._desk.out.append(compose(dumps(rest) if quoted else rest.encode("utf-8", _RAW), event))
        self._texts.clear()

    def _alone(self, event: Event, at: At, text: str) -> None:
        """Put out a copy of an event that carries nothing but `text`."""
        body = loads(event.data or b"{}")
        for other in _places(body):
            put(body, other, "")
        self._desk.add(body, at, text, event)

    def finish(self) -> None:
        self.flush(closed=False)


def _names(event: Event, body: Body) -> Iterator[str]:
    """What the event calls itself."""
    yield event.name.decode("utf-8", "replace").lower()
    for key in _KINDS:
        if isinstance(body.get(key), str):
            yield body[key].lower()


def _piecemeal(event: Event, body: Body) -> bool:
    """Does this event say that it carries a piece of a longer text?"""
    if any(word in name for name in _names(event, body) for word in _PIECEMEAL):
        return True
    return isinstance(body.get("done"), bool) or _has_key(body, 3)


def _bare(body: Body) -> bool:
    """May it be one all the same? A short text is all there is in it."""
    texts = [text for key, text in body.items() if isinstance(text, str) and key in _FIELDS]
    return len(body) <= 3 and len(texts) == 1 and len(texts[0]) <= MAX_BARE


def _has_key(value: Any, depth: int) -> bool:
    if isinstance(value, dict):
        return any(key in _TELLING or (depth > 0 and _has_key(inner, depth - 1)) for key, inner in value.items())
    return isinstance(value, list) and depth > 0 and any(_has_key(inner, depth - 1) for inner in value)


def _ended(body: Body) -> bool:
    inner = [body, *(item for value in body.values() if isinstance(value, list) for item in value)]
    return any(isinstance(each, dict) and any(each.get(name) for name in _ENDS) for each in inner)


def _places(value: Any, at: At = ()) -> Iterator[At]:
    """Where an event's texts stand that may be pieces."""
    if len(at) > MAX_DEPTH:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(inner, str):
                if key in _FIELDS:
                    yield *at, key
            else:
                yield from _places(inner, (*at, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _places(inner, (*at, index))


def _path(body: Body, at: At) -> Path:
    """The channel of a text: its place, with the index that an array's element gives itself."""
    steps: list[str | int] = []
    value: Any = body
    for step in at:
        value = value[step]
        own = value.get("index") if isinstance(value, dict) and isinstance(step, int) else None
        steps.append(own if isinstance(own, int) else step)
    return tuple(steps)
