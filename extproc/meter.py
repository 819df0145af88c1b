"""What an answer weighed: tokens as the provider's own usage fields say, rows, and characters for an estimate. Pure.

    Anthropic Messages      usage {input_tokens, cache_creation_input_tokens, cache_read_input_tokens, output_tokens};
                            streamed: in message_start (whose output is not final) and, cumulative, in message_delta
    OpenAI Chat             usage {prompt_tokens, completion_tokens}; streamed only with stream_options.include_usage
    OpenAI Responses        usage {input_tokens, output_tokens}; streamed in the last event's `response`
    Gemini                  usageMetadata {promptTokenCount, toolUsePromptTokenCount, candidatesTokenCount,
                            thoughtsTokenCount}; streamed in every piece, cumulative
Sources: the providers' API references. Of several numbers the largest counts. Of a stream, only events that name a
usage field are parsed, and read at fixed places: what a model says in its text or its tools' arguments is not there.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from extproc.skim import Skim, Want, want

EVENT_STREAM = "text/event-stream"
JSON = re.compile(r"(?:application|text)/(?:[a-z0-9.!#$&^_-]+\+)?(?:x-)?(?:nd)?json")
MOST_LINE = 8 << 20  # bytes of one line of a stream
USAGE = re.compile(rb'"usage(?:Metadata)?"\s*:\s*\{')
# where the text of a model stands in the pieces of its streams
SAID = re.compile(rb'"(?:text|partial_json|thinking|content|arguments|refusal|delta|reasoning_content)"\s*:\s*'
                  rb'"((?:[^"\\]|\\.)*)"')  # fmt: skip
INPUT = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
DIALECTS = (  # fields whose sum is what went in, fields whose sum came out
    (INPUT, ("output_tokens",)),
    (("prompt_tokens",), ("completion_tokens",)),
    (("promptTokenCount", "toolUsePromptTokenCount"), ("candidatesTokenCount", "thoughtsTokenCount")),
)
PLACES = ("$.usage", "$.usageMetadata", "$[*].usageMetadata")
CHARACTERS_PER_TOKEN = 4
ROW_BYTES = 1024  # of a record in a document that could not be read: few are smaller, so few are missed
MOST = 1 << 53


class Meter:
    """`feed` what the upstream said, decoded and not masked. Never raises."""

    def __init__(self, generates: bool, rows: Sequence[str] = ()) -> None:
        self.input_tokens: int | None = None
        self.output_tokens: int | None = None
        self.rows_estimated = False
        self._generates = generates
        self._rows = [want(path, count=True) for path in rows]
        self._skim: Skim | None = None
        self._streams = False
        self._line = bytearray()
        self._lost_line = False
        self._counted = 0  # rows of the lines before
        self._characters = self._bytes = 0

    def begin(self, media: str) -> None:
        """`media`: essence of the answer's content type."""
        self._streams = media == EVENT_STREAM
        if JSON.fullmatch(media) and (self._generates or self._rows):
            self._skim = Skim([*self._rows, *(want(path) for path in PLACES)] if self._generates else self._rows)

    def feed(self, data: bytes) -> None:
        self._bytes += len(data)
        if self._skim is not None:
            self._skim.feed(data)
        elif self._streams and (self._generates or self._rows):
            self._lines(data)

    def finish(self) -> None:
        """The answer is over, whole or not."""
        if self._skim is not None:
            self._skim.finish()
            self._read(*self._skim.taken)
            self._characters = self._bytes
        elif self._line:
            self._lines(b"\n")

    @property
    def rows(self) -> int:
        """Of a document that could not be read to its end, as many as could stand in it."""
        if not self._rows:
            return 0
        counted = self._counted + (self._skim.counted if self._skim else 0)
        if self._lost_line or (self._skim is not None and self._skim.failed):
            self.rows_estimated = True
            return max(counted, -(-self._bytes // ROW_BYTES))
        return counted

    @property
    def said(self) -> int:
        """Tokens that the model seems to have said, from the characters that came."""
        return -(-self._characters // CHARACTERS_PER_TOKEN)

    # a stream, by lines

    def _lines(self, data: bytes) -> None:
        *whole, rest = data.replace(b"\r", b"\n").split(b"\n")
        for line in whole:
            self._line += line
            self._event(bytes(self._line))
            self._line.clear()
        self._line += rest
        if len(self._line) > MOST_LINE:
            self._characters += len(self._line)
            self._line.clear()
            self._lost_line = True

    def _event(self, line: bytes) -> None:
        if not line.startswith(b"data:"):
            return
        data = line[5:]
        if self._rows:
            skim = Skim(self._rows)
            skim.feed(data)
            skim.finish()
            self._counted += skim.counted
        if self._generates:
            self._characters += sum(len(found) for found in SAID.findall(data))
            if USAGE.search(data):
                self._piece(data)

    def _piece(self, data: bytes) -> None:
        try:
            event = json.loads(data)
        except (ValueError, RecursionError):
            return
        if not isinstance(event, dict):
            return
        self._read(event.get("usage"), event.get("usageMetadata"))
        for name in ("message", "response"):
            inner = event.get(name)
            found = inner.get("usage") if isinstance(inner, dict) else None
            if isinstance(found, dict):
                # Anthropic's first event counts what the model has not said yet
                self._read({key: value for key, value in found.items() if name == "response" or key in INPUT})

    def _read(self, *found: Any) -> None:
        for usage in found:
            if isinstance(usage, Mapping):
                for into, out in DIALECTS:
                    self.input_tokens = _largest(self.input_tokens, _sum(usage, into))
                    self.output_tokens = _largest(self.output_tokens, _sum(usage, out))


def _sum(usage: Mapping[str, Any], names: Sequence[str]) -> int | None:
    found = [value for name in names if type(value := usage.get(name)) is int and 0 <= value < MOST]
    return sum(found) if found else None


def _largest(one: int | None, two: int | None) -> int | None:
    return two if one is None else one if two is None else max(one, two)


__all__ = ["Meter", "Want"]
