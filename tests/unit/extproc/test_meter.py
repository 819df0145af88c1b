"""Tokens as the providers say them, in the shapes of their API references."""

import json
from typing import Any

import pytest

from extproc import meter as module
from extproc.meter import Meter

SSE, PLAIN = "text/event-stream", "application/json"


def weighed(media: str, data: bytes, *, generates: bool = True, rows: tuple[str, ...] = (), size: int = 5) -> Meter:
    meter = Meter(generates, rows)
    meter.begin(media)
    for at in range(0, len(data), size):
        meter.feed(data[at : at + size])
    meter.finish()
    return meter


def stream(*events: Any, end: str = "\n\n") -> bytes:
    return "".join(f"event: x\ndata: {json.dumps(event)}{end}" for event in events).encode()


def tokens(meter: Meter) -> tuple[int | None, int | None]:
    return meter.input_tokens, meter.output_tokens


ANTHROPIC = {"input_tokens": 10, "cache_creation_input_tokens": 100, "cache_read_input_tokens": 1000}
CHAT = {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15,
        "prompt_tokens_details": {"cached_tokens": 8}}  # fmt: skip
RESPONSES = {"input_tokens": 12, "output_tokens": 3, "input_tokens_details": {"cached_tokens": 8}}
GEMINI = {"promptTokenCount": 12, "candidatesTokenCount": 3, "thoughtsTokenCount": 4, "totalTokenCount": 19}
START = {"type": "message_start", "message": {"usage": {**ANTHROPIC, "output_tokens": 1}}}
SAID = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "x" * 40}}
END = {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 55}}
DELTA = {"choices": [{"index": 0, "delta": {"content": "y" * 20}}], "usage": None}


@pytest.mark.parametrize(("document", "expected"), [
    ({"content": [], "usage": {**ANTHROPIC, "output_tokens": 7}}, (1110, 7)),
    ({"choices": [], "usage": CHAT}, (12, 3)),
    ({"output": [], "usage": RESPONSES}, (12, 3)),
    ({"candidates": [], "usageMetadata": GEMINI}, (12, 7)),
    ([{"usageMetadata": {**GEMINI, "candidatesTokenCount": 1}}, {"usageMetadata": GEMINI}], (12, 7)),
    ({"data": [], "usage": {"prompt_tokens": 5, "total_tokens": 5}}, (5, None)),
    ({"content": []}, (None, None)),
    ({"usage": None}, (None, None)),
    ({"usage": {"input_tokens": "12", "output_tokens": -3, "prompt_tokens": True}}, (None, None)),
    ({"content": [{"type": "tool_use", "input": {"usage": {"input_tokens": 1, "output_tokens": 1}}}]}, (None, None)),
])  # fmt: skip
def test_whole_answers(document: Any, expected: tuple[int | None, int | None]) -> None:
    assert tokens(weighed(PLAIN, json.dumps(document).encode())) == expected


@pytest.mark.parametrize("end", ["\n\n", "\r\n\r\n"])
@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize(("events", "expected"), [
    ([START, SAID, END], (1110, 55)),
    ([START, SAID], (1110, None)),
    ([DELTA, {"choices": [], "usage": CHAT}], (12, 3)),
    ([DELTA], (None, None)),
    ([{"type": "response.created", "response": {"usage": None}},
      {"type": "response.completed", "response": {"usage": RESPONSES}}], (12, 3)),
    ([{"type": "response.incomplete", "response": {"usage": RESPONSES}}], (12, 3)),
    ([{"candidates": [], "usageMetadata": {"promptTokenCount": 12}}, {"usageMetadata": GEMINI}], (12, 7)),
])  # fmt: skip
def test_streams(events: list[Any], expected: tuple[int | None, int | None], size: int, end: str) -> None:
    assert tokens(weighed(SSE, stream(*events, end=end), size=size)) == expected


def test_what_a_model_says_is_not_believed() -> None:
    text = 'data: {"usage": {"input_tokens": 1, "output_tokens": 1}}\n\n'
    said = {"type": "content_block_delta", "delta": {"text": text}}
    call = {"candidates": [{"functionCall": {"args": {"usageMetadata": {"promptTokenCount": 1}}}}]}
    assert tokens(weighed(SSE, stream(said, call))) == (None, None)


def test_characters_for_an_estimate() -> None:
    assert weighed(SSE, stream(START, SAID, SAID)).said == 20
    assert weighed(SSE, stream(DELTA)).said == 5
    assert weighed(PLAIN, b'{"content": "1234567890"}').said == 7
    assert weighed(SSE, b'data: {"choices": [{"delta": {"content": "cut off before its e').said == 0


def test_rows() -> None:
    body = json.dumps({"items": [{}] * 30, "usage": {"input_tokens": 5}}).encode()
    found = weighed(PLAIN, body, generates=False, rows=("$.items",))
    assert (found.rows, found.rows_estimated, tokens(found)) == (30, False, (None, None))
    assert weighed("application/x-ndjson", b'{"items": [1]}\n' * 3, generates=False, rows=("$.items",)).rows == 3
    assert weighed(SSE, stream({"items": [1, 2]}, {"items": [3]}), generates=False, rows=("$.items",)).rows == 3
    assert weighed(PLAIN, body, generates=False).rows == 0


def test_rows_of_what_cannot_be_read_are_estimated_high() -> None:
    found = weighed(PLAIN, b'{"items": [' + b"?" * 10_000, generates=False, rows=("$.items",))
    assert (found.rows, found.rows_estimated) == (10, True)


def test_a_line_without_end_is_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_LINE", 1000)
    found = weighed(SSE, b"data: " + b"x" * 50_000, rows=("$.items",), size=100)
    assert len(found._line) < 1200
    assert found.rows_estimated or found.rows > 0
    assert found.said > 10_000


def test_other_media_weigh_nothing() -> None:
    assert tokens(weighed("text/html", b'{"usage": {"input_tokens": 1}}')) == (None, None)
