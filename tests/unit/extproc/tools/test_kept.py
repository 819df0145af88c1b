"""Answers in one form: events and documents."""

import json

import pytest

from extproc.tools import CallsUnreadable, keep
from tests.kit.held_tools import HELD, NO, ONE, STREAMS

DOCUMENT = {
    "content": [{"type": "tool_use", "id": "c1", "name": "execute_sql", "input": {"q": 1}}],
    "stop_reason": "tool_use",
}


def test_a_document_goes_whole_once_its_calls_are_answered() -> None:
    data = json.dumps(DOCUMENT).encode()
    kept = keep("anthropic", "application/json", HELD)
    assert (kept.feed(data[:20]), kept.feed(data[20:]), kept.finish()) == (b"", b"", b"")
    assert kept.holding
    assert kept.keep_alive == b""
    (call,) = kept.take_calls()
    assert kept.answer("another") == b""
    assert kept.answer(call.key) == data
    assert not kept.holding


def test_a_refused_call_is_a_sentence_and_another_stop_reason() -> None:
    kept = keep("anthropic", "application/json", HELD)
    kept.feed(json.dumps(DOCUMENT).encode())
    kept.finish()
    answer = json.loads(kept.answer(kept.take_calls()[0].key, NO))
    assert (answer["content"], answer["stop_reason"]) == ([{"type": "text", "text": NO}], "end_turn")


def test_a_document_without_held_calls_goes_as_it_came() -> None:
    kept = keep("anthropic", "application/json", ["another"])
    kept.feed(json.dumps(DOCUMENT).encode())
    assert kept.finish() == json.dumps(DOCUMENT).encode()
    assert kept.take_calls() == []


@pytest.mark.parametrize("dialect", STREAMS)
def test_a_stream_is_what_a_gate_makes_of_it(dialect: str) -> None:
    kept = keep(dialect, "text/event-stream", HELD)
    stream = STREAMS[dialect](*ONE)
    gone = b"".join(kept.feed(event) for event in stream) + kept.finish()
    assert gone + kept.answer(kept.take_calls()[0].key) == b"".join(stream)


@pytest.mark.parametrize(
    ("dialect", "media"), [("anthropic", "text/html"), ("anthropic", ""), ("http", "application/json")]
)
def test_what_nobody_can_read_is_not_kept_but_refused(dialect: str, media: str) -> None:
    with pytest.raises(CallsUnreadable):
        keep(dialect, media, HELD)
