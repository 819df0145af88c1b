"""Responses: what the vendor's SDK reads where a call was refused."""

import json

import pytest

from extproc.tools import CallsUnreadable, gate_for
from tests.kit.held_tools import HELD, MORE, NO, ONE, STREAMS, TWO, through
from tests.kit.streams import read_responses, responses_stream


def test_responses_reads_a_message_in_place_of_the_call() -> None:
    out = through(gate_for("openai_responses", HELD), STREAMS["openai_responses"](*TWO), NO)
    answer = read_responses(out)
    assert [item.type for item in answer.output] == ["message", "message", "function_call"]
    assert answer.output[1].content[0].text == NO
    assert answer.output[2].arguments == MORE
    events = [json.loads(part.split(b"data: ")[1]) for part in out.split(b"\n\n") if part]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert b"DROP" not in out


def test_a_call_that_only_the_last_event_of_responses_names_is_unreadable() -> None:
    events = responses_stream("x", *ONE)
    hidden = [event for event in events if b"output_item" not in event and b"arguments" not in event]
    gate = gate_for("openai_responses", HELD)
    with pytest.raises(CallsUnreadable):
        gate.feed(b"".join([*hidden, events[-1]]))
