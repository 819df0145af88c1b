"""What every dialect works with: events read, changed and put out, and the parts of them that are no delta."""

import json
from collections.abc import Sequence
from typing import Any

import orjson

from masking.edits import CUT, Passage
from masking.errors import Uninspectable
from masking.frames import Event, compose
from masking.jsonstream import JsonStream
from masking.scope import Scope
from masking.select import Path
from masking.text import mask_text

Body = dict[str, Any]
At = tuple[str | int, ...]
"""Where in an event's body a text stands."""
Stands = tuple[Path, int]
"""Where in the whole message an event stands, and how many steps into its body that is."""
ROOT: Stands = ((), 0)
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


def get(body: Any, at: At) -> str:
    """The text at a place of an event's body."""
    for step in at:
        body = body[step]
    text: str = body
    return text


def put(body: Any, at: At, text: str) -> None:
    try:
        for step in at[:-1]:
            body = body[step]
        body[at[-1]] = text
    except (LookupError, TypeError) as exc:  # a rule has dropped what the text stands in
        raise Uninspectable("an event's envelope cannot be told from its text") from exc


class Desk:
    """One stream's scope and its output."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.out: list[bytes] = []
        self._clean: set[bytes] = set()

    def send(self, event: Event, data: bytes | None = None) -> None:
        """Put an event out, as it came or with other data."""
        self.out.append(event.raw if data is None or data == event.data else event.with_data(data))

    def add(self, body: Body, at: At, text: str, like: Event, name: bytes | None = None) -> None:
        """Put out an event of our own: `body`, masked, with `text`, which is masked already, at a place in it."""
        put(body, at, "")
        masked = loads(self.mask(dumps(body), self.scope.aside()))
        put(masked, at, text)
        self.put_out(dumps(masked), like, name)

    def put_out(self, data: bytes, like: Event, name: bytes | None) -> None:
        self.out.append(compose(data, like, name))

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

    def envelope(self, body: Body, event: Event, taken: int, stands: Stands = ROOT) -> Body | None:
        """What must become of an event's other parts, given its body with the texts of its deltas taken out.

        `taken` is how many bytes less the body is for that, written compactly. None: nothing, the event may go as it
        came. Otherwise the masked envelope, into which the texts are to be put back.
        """
        rest = dumps(body)
        # No key stands twice in it if nothing is missing; an event written less compactly is looked at more closely.
        plain = len(rest) + taken == len(event.data or b"") or not repeats(event.data or b"")
        if rest in self._clean:
            return None if plain else body
        path, skip = stands
        masked = self.mask(rest, self.scope.at(path).envelope(skip))
        if masked == rest:
            if len(self._clean) < MAX_CLEAN:
                self._clean.add(rest)
            return None if plain else body
        changed: Body = loads(masked)
        return changed

    def refill(
        self,
        event: Event,
        body: Body,
        places: Sequence[At],
        old: Sequence[str],
        new: Sequence[str],
        *,
        stands: Stands = ROOT,
        taken: int = 0,
        always: bool = False,
    ) -> Body | None:
        """The event's body with `new` texts at `places` and everything else masked; None if it may go as it came.

        `old` is what stands there; `body` is used up. `taken`: bytes that the caller has taken out of it besides those
        texts. `always`: the event cannot go as it came.
        """
        for at in places:
            put(body, at, "")
        changed = self.envelope(body, event, taken + sum(map(size, old)), stands)
        if changed is None and old == new and not always:
            return None
        body = body if changed is None else changed
        for at, text in zip(places, new, strict=True):
            put(body, at, text)
        return body

    def padding(self, body: Body) -> int:
        """Take the random padding out of a body, if it hides nothing; how many bytes that were."""
        padding = body.get("obfuscation")
        if not isinstance(padding, str) or self.scope.scanner.candidate(padding.encode("utf-8", "replace")):
            return 0
        del body["obfuscation"]
        return len(padding) + len(b',"obfuscation":""')


def size(text: str) -> int:
    """The bytes that a text takes inside its quotes, written compactly."""
    return len(dumps(text)) - 2
