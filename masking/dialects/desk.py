"""What every dialect works with: events read, changed and put out, and the parts of them that are no delta."""

import json
from typing import Any

import orjson

from masking.edits import CUT, Passage
from masking.frames import Event, compose
from masking.jsonstream import JsonStream
from masking.scope import Scope
from masking.text import mask_text

Body = dict[str, Any]
# Envelopes (an event without its text) known to hold nothing; a stream repeats a handful of them.
MAX_CLEAN = 256


def loads(data: bytes) -> Any:
    """The JSON value of an event's data; None when it is none. Halves of surrogate pairs are let in."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(data, strict=False)
    except (ValueError, RecursionError):
        return None


def dumps(body: Any) -> bytes:
    """Compact JSON text; halves of surrogate pairs become escapes again."""
    try:
        return orjson.dumps(body)
    except (TypeError, orjson.JSONEncodeError):
        return json.dumps(body, separators=(",", ":")).encode()


class _Twice(Exception):
    pass


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Twice
    return members


def repeats(data: bytes) -> bool:
    """Has some object of this JSON text a key twice? The first value would be seen by nobody who parses it."""
    try:
        json.loads(data, strict=False, object_pairs_hook=_once)
    except _Twice:
        return True
    except (ValueError, RecursionError):
        return True
    return False


class Desk:
    """One stream's scope and its output."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.out: list[bytes] = []
        self._clean: set[bytes] = set()

    def send(self, event: Event, data: bytes | None = None) -> None:
        """Put an event out, as it came or with other data."""
        self.out.append(event.raw if data is None or data == event.data else event.with_data(data))

    def add(self, body: Body, like: Event, name: bytes | None = None) -> None:
        """Put out an event of our own."""
        self.out.append(compose(dumps(body), like, name))

    def whole(self, event: Event, scope: Scope | None = None) -> None:
        """Mask an event that is complete in itself as the JSON document it is, and put it out."""
        if event.data is None:
            self.send(event)
        else:
            self.send(event, self.mask(event.data, scope))

    def mask(self, data: bytes, scope: Scope | None = None) -> bytes:
        """A whole JSON document, masked."""
        return Passage(JsonStream(scope or self.scope, eager=False)).feed(data, CUT)

    def text(self, data: bytes, where: str) -> bytes:
        scope = self.scope
        return mask_text(scope.scanner, where, scope.sink, data)

    def envelope(self, body: Body, event: Event, text: int, scope: Scope | None = None) -> Body | None:
        """What must become of an event's other parts, given its body with the texts of its deltas taken out.

        `text` is how many bytes those texts take in the event. None: nothing, the event may go as it came. Otherwise
        the masked envelope, into which the texts are to be put back.
        """
        rest = dumps(body)
        data = event.data or b""
        plain = len(rest) + text == len(data) or not repeats(data)
        if rest in self._clean:
            return None if plain else body
        masked = self.mask(rest, scope)
        if masked == rest:
            if len(self._clean) < MAX_CLEAN:
                self._clean.add(rest)
            return None if plain else body
        changed: Body = loads(masked)
        return changed
