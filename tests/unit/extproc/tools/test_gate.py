"""Answers that call held tools: what goes, and when."""

import json

import pytest

from extproc.tools import CallsUnreadable, KeptTooLong, gate_for
from tests.kit.held_tools import HELD, MORE, NO, ONE, SQL, STREAMS, TWO, through
from tests.kit.streams import read_anthropic, read_chat, read_responses


@pytest.mark.parametrize("dialect", STREAMS)
def test_without_a_held_call_everything_goes_as_it_comes(dialect: str) -> None:
    stream = STREAMS[dialect](("c1", "lookup", MORE))
    gate = gate_for(dialect, HELD)
    for event in stream:
        assert gate.feed(event) == event
    assert not gate.holding
    assert gate.finish() == b""


@pytest.mark.parametrize("dialect", STREAMS)
def test_nothing_of_a_held_call_goes_before_its_answer(dialect: str) -> None:
    stream = STREAMS[dialect](*TWO)
    gate = gate_for(dialect, HELD)
    gone = b"".join(gate.feed(event) for event in stream)
    assert gate.holding
    assert b"see." in gone
    assert b"execute_sql" not in gone
    assert b"DROP" not in gone
    assert [(call.tool, json.loads(call.arguments)) for call in gate.take_calls()] == [("execute_sql", json.loads(SQL))]


@pytest.mark.parametrize("dialect", STREAMS)
def test_granted_it_goes_byte_for_byte(dialect: str) -> None:
    stream = STREAMS[dialect](*TWO, ("c3", "delete_file", MORE))
    assert through(gate_for(dialect, HELD), stream) == b"".join(stream)


@pytest.mark.parametrize("dialect", STREAMS)
def test_every_splitting_says_the_same(dialect: str) -> None:
    whole = b"".join(STREAMS[dialect](*TWO))
    want = through(gate_for(dialect, HELD), [whole], NO)
    for size in (1, 2, 7, 64, 1000):
        parts = [whole[at : at + size] for at in range(0, len(whole), size)]
        assert through(gate_for(dialect, HELD), parts, NO) == want


@pytest.mark.parametrize("dialect", STREAMS)
def test_it_waits_for_every_answer_in_any_order(dialect: str) -> None:
    stream = STREAMS[dialect](("c1", "execute_sql", SQL), ("c2", "delete_file", MORE))
    gate = gate_for(dialect, HELD)
    gone = b"".join(gate.feed(event) for event in stream)
    first, second = gate.take_calls()
    assert gate.answer(second.key) == b""
    assert gate.answer("unheard-of") == b""
    assert gone + gate.answer(first.key) == b"".join(stream)
    assert gate.answer(first.key) == b""


@pytest.mark.parametrize("dialect", STREAMS)
def test_a_stream_that_ends_in_the_middle_of_a_held_call_is_unreadable(dialect: str) -> None:
    stream = STREAMS[dialect](*ONE)[:-3]
    gate = gate_for(dialect, HELD)
    assert b"execute_sql" not in b"".join(gate.feed(event) for event in stream)
    with pytest.raises(CallsUnreadable):
        gate.finish()


@pytest.mark.parametrize("dialect", ["anthropic", "openai_chat"])
def test_an_error_of_the_upstream_goes_and_what_was_kept_does_not(dialect: str) -> None:
    error = b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"x"}}\n\n'
    stream = STREAMS[dialect](*ONE)
    gate = gate_for(dialect, HELD)
    gone = b"".join(gate.feed(event) for event in stream[:-3])
    assert gate.feed(error) == error
    assert not gate.holding
    assert b"execute_sql" not in gone + gate.finish()


@pytest.mark.parametrize("dialect", STREAMS)
def test_what_is_kept_is_bounded(dialect: str) -> None:
    gate = gate_for(dialect, HELD, max_kept=200)
    stream = b"".join(STREAMS[dialect](("c1", "execute_sql", json.dumps({"q": "x" * 1000}))))
    with pytest.raises(KeptTooLong):
        gate.feed(stream)


@pytest.mark.parametrize("dialect", STREAMS)
def test_json_with_two_meanings_is_not_read(dialect: str) -> None:
    with pytest.raises(CallsUnreadable):
        gate_for(dialect, HELD).feed(b'data: {"type":"x","type":"content_block_start"}\n\n')


def test_another_api_is_not_read() -> None:
    with pytest.raises(CallsUnreadable):
        gate_for("http", HELD)


def test_keep_alives_are_whole_events_that_mean_nothing() -> None:
    for dialect, make in STREAMS.items():
        stream = make(*ONE)
        gate = gate_for(dialect, HELD)
        quiet = b"".join(gate.feed(event) for event in stream) + gate.keep_alive
        (call,) = gate.take_calls()
        out = quiet + gate.answer(call.key)
        read = {"anthropic": read_anthropic, "openai_chat": read_chat, "openai_responses": read_responses}[dialect]
        assert "execute_sql" in str(read(out))
