"""Text out of recorded bodies, however they were cut into frames."""

import json

import pytest

from audit.read.timeline import Frame
from audit.read.transcript import Transcript, document_text

SSE, JSON = "text/event-stream; charset=utf-8", "application/json"


def sse(*events: dict) -> bytes:
    return b"".join(b"event: x\r\ndata: " + json.dumps(event).encode() + b"\r\n\r\n" for event in events)


def said(media: str, body: bytes, cuts: int) -> str:
    transcript = Transcript()
    size = max(1, len(body) // cuts)
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    text = "".join(transcript.feed(Frame("x", "response", n, n, media, piece)) for n, piece in enumerate(pieces))
    return text + transcript.finish()


ANTHROPIC = sse(
    {"type": "message_start", "message": {"content": []}},
    {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "né "}},
    {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "one"}},
    {"type": "content_block_start", "content_block": {"type": "tool_use", "name": "pay"}},
    {"type": "content_block_delta", "delta": {"type": "input_json_delta", "partial_json": '{"a":1}'}},
    {"type": "message_delta", "delta": {"stop_reason": "tool_use"}},
)
CHAT = sse(
    {"choices": [{"delta": {"role": "assistant", "content": "né "}}]},
    {"choices": [{"delta": {"content": "one"}}]},
    {"choices": [{"delta": {"tool_calls": [{"function": {"name": "pay", "arguments": '{"a"'}}]}}]},
    {"choices": [{"delta": {"tool_calls": [{"function": {"arguments": ":1}"}}]}}]},
) + b"data: [DONE]\r\n\r\n"  # fmt: skip
RESPONSES = sse(
    {"type": "response.created"},
    {"type": "response.output_text.delta", "delta": "né "},
    {"type": "response.output_text.delta", "delta": "one"},
)


@pytest.mark.parametrize("cuts", [1, 2, 3, 7, 50, 10_000])
@pytest.mark.parametrize(
    ("body", "text"),
    [(ANTHROPIC, 'né one\n[pay {"a":1}'), (CHAT, 'né one\n[pay {"a":1}'), (RESPONSES, "né one")],
)
def test_streams_read_the_same_however_they_are_cut(body: bytes, text: str, cuts: int):
    assert said(SSE, body, cuts) == text


def test_an_error_event_is_shown():
    assert (
        said(SSE, sse({"type": "error", "error": {"message": "held and refused"}}), 1) == "\n[error: held and refused]"
    )


def test_what_never_became_whole_is_shown_as_recorded():
    assert said(SSE, b'data: {"delta": {"text": "ab', 3) == 'data: {"delta": {"text": "ab'
    assert said(JSON, b'{"a": [1, 2', 3) == '{"a": [1, 2'


@pytest.mark.parametrize("cuts", [1, 4])
def test_a_document_in_several_frames(cuts: int):
    body = json.dumps(
        {"system": "be kind", "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]}
    )
    assert said(JSON, body.encode(), cuts) == "system: be kind\nuser: hi"


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({"type": "message",
          "content": [{"type": "text", "text": "a"}, {"type": "tool_use", "name": "t", "input": {"x": 1}}]},
         'a\n[t {"x": 1}]'),
        ({"choices": [{"message": {"content": None, "tool_calls": [{"function": {"name": "t", "arguments": "{}"}}]}}]},
         "[t {}]"),
        ({"output": [{"type": "message", "content": [{"type": "output_text", "text": "b"}]},
                     {"type": "function_call", "name": "t", "arguments": "{}"}]}, "b"),
        ({"input": "plain words", "model": "m"}, "user: plain words"),
        ({"from": "a", "to": "b"}, '{\n  "from": "a",\n  "to": "b"\n}'),
        ([1], "[\n  1\n]"),
    ],
)  # fmt: skip
def test_documents(document: object, text: str):
    assert document_text(document).startswith(text)


@pytest.mark.parametrize(
    "line", [b"data: 7\n", b"data: [1]\n", b'data: {"choices": [1, {"delta": 3}]}\n', b'data: {"delta": 5}\n']
)
def test_strange_events_are_passed_over(line: bytes):
    assert isinstance(said(SSE, line, 1), str)


def test_a_document_nested_beyond_sense_is_shown_as_recorded():
    body = b"[" * 100_000 + b"]" * 100_000
    assert said(JSON, body, 1) == body.decode()
    assert said(SSE, b"data: " + body + b"\n", 1) == ""


def test_other_media_are_text():
    assert said("text/plain", "né".encode(), 1) == "né"
