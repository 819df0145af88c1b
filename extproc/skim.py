"""Reads a few places of a JSON document while it streams by: values at paths, lengths of lists. Pure.

Everything that no path leads into is skipped by the C scanner of `json`, value by value, so a list of a million records
costs one record of memory. Several documents one after the other (NDJSON) are read each by itself. The bytes are not
changed and nothing is judged here: a document that cannot be read is `failed`, and the caller estimates.
"""

import codecs
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

MOST_HELD = 8 << 20  # characters of one skipped value
SPACE = re.compile(r"[ \t\r\n]*")
STEP = re.compile(r"\.([A-Za-z_][A-Za-z0-9_-]*)|\[(\*|[0-9]+)\]")
Need = Iterator[None]  # a generator that yields when it needs more text


@dataclass(frozen=True, slots=True)
class Want:
    """`steps`: names, indexes as text, `*`. `count`: the length of the list there instead of the value."""

    steps: tuple[str, ...]
    count: bool = False

    def named(self, name: str) -> "Want | None":
        return Want(self.steps[1:], self.count) if self.steps[:1] == (name,) else None

    def at(self, index: int) -> "Want | None":
        return Want(self.steps[1:], self.count) if self.steps[:1] in (("*",), (str(index),)) else None


@lru_cache(maxsize=256)
def want(path: str, *, count: bool = False) -> Want:
    """`$.a[*].b` → Want."""
    return Want(tuple(name or index for name, index in STEP.findall(path)), count)


class NotJson(Exception):
    """The text is no JSON, or ends too early."""


class Skim:
    """`feed` bytes, then `finish`; `taken` and `counted` grow meanwhile."""

    def __init__(self, wants: Sequence[Want]) -> None:
        self.taken: list[Any] = []
        self.counted = 0
        self.failed = False
        self._wants = list(wants)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._json = json.JSONDecoder()
        self._text, self._at = "", 0
        self._parts: list[str] = []
        self._waiting = self._need = 0  # characters in _parts, and how many make another attempt worth while
        self._whole = False
        self._walk = self._documents()

    def feed(self, data: bytes) -> None:
        if self.failed or not data:
            return
        text = self._decoder.decode(data)
        self._parts.append(text)
        self._waiting += len(text)
        if self._waiting >= self._need:
            self._go()

    def finish(self) -> None:
        if not self.failed:
            self._whole = True
            self._go()

    def _go(self) -> None:
        self._text = self._text[self._at :] + "".join(self._parts)
        self._at, self._waiting = 0, 0
        self._parts.clear()
        try:
            next(self._walk, None)
        except (NotJson, RecursionError):
            self._give_up()
        self._need = len(self._text) - self._at  # twice as much as stands here already
        if self._need > MOST_HELD:
            self._give_up()

    def _give_up(self) -> None:
        self.failed = True
        self._text, self._at = "", 0

    # the walk

    def _documents(self) -> Need:
        while True:
            while not self._space():
                if self._whole:
                    return
                yield
            yield from self._value(self._wants)

    def _value(self, wants: list[Want]) -> Need:
        yield from self._next()
        first = self._text[self._at]
        inside = [found for found in wants if found.steps]
        counts = sum(found.count for found in wants if not found.steps)
        takes = len(wants) - len(inside) - counts
        if takes:
            self.taken.append((yield from self._skipped()))
        elif first == "{" and inside:
            yield from self._object(inside)
        elif first == "[" and (inside or counts):
            yield from self._array(inside, counts)
        else:
            yield from self._skipped()

    def _object(self, wants: list[Want]) -> Need:
        self._at += 1
        while (yield from self._next()) != "}":
            if self._text[self._at] == ",":
                self._at += 1
                continue
            name = yield from self._skipped()
            if not isinstance(name, str) or (yield from self._next()) != ":":
                raise NotJson
            self._at += 1
            yield from self._value([found for each in wants if (found := each.named(name))])
        self._at += 1

    def _array(self, wants: list[Want], counts: int) -> Need:
        self._at += 1
        index = 0
        while (yield from self._next()) != "]":
            if self._text[self._at] == ",":
                self._at += 1
                continue
            self.counted += counts  # at its beginning: a record that is cut off was read
            yield from self._value([found for each in wants if (found := each.at(index))])
            index += 1
        self._at += 1

    def _next(self) -> Any:
        """The character at hand, after space."""
        while not self._space():
            if self._whole:
                raise NotJson
            yield
        return self._text[self._at]

    def _space(self) -> bool:
        """Whether anything stands after it."""
        found = SPACE.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return self._at < len(self._text)

    def _skipped(self) -> Any:
        """The value at hand; a generator that returns it."""
        while True:
            try:
                value, end = self._json.raw_decode(self._text, self._at)
            except ValueError:
                value, end = None, -1
            # a number at the very end may go on
            if end >= 0 and (end < len(self._text) or self._whole or self._text[end - 1] in '"]}'):
                self._at = end
                return value
            if self._whole:
                raise NotJson
            yield
