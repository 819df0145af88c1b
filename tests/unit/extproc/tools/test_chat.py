"""Chat Completions: what the vendor's SDK reads where a call was refused."""

from extproc.tools import gate_for
from tests.kit.held_tools import HELD, MORE, NO, ONE, SQL, STREAMS, TWO, through
from tests.kit.streams import chat_stream, read_chat


def test_chat_reads_a_sentence_in_place_of_the_only_call() -> None:
    choice = read_chat(through(gate_for("openai_chat", HELD), STREAMS["openai_chat"](*ONE), NO)).choices[0]
    assert choice.message.content == "Let me see." + NO
    assert not choice.message.tool_calls
    assert choice.finish_reason == "stop"


def test_chat_moves_the_other_call_up() -> None:
    choice = read_chat(through(gate_for("openai_chat", HELD), STREAMS["openai_chat"](*TWO), NO)).choices[0]
    (call,) = choice.message.tool_calls
    assert (call.function.name, call.function.arguments, call.index) == ("lookup", MORE, 0)
    assert choice.finish_reason == "tool_calls"


def test_a_name_in_pieces_is_held_from_its_first_piece() -> None:
    first, *rest = chat_stream("", ("c1", "execute_", SQL))
    whole = b"".join(rest).replace(b'"function": {"arguments"', b'"function": {"name": "sql", "arguments"', 1)
    gate = gate_for("openai_chat", HELD)
    gone = gate.feed(first + whole)
    assert b"execute_" not in gone
    assert [call.tool for call in gate.take_calls()] == ["execute_sql"]


def test_a_tool_that_only_begins_like_a_held_one_waits_for_nobody() -> None:
    stream = chat_stream("", ("c1", "execute", SQL))
    gate = gate_for("openai_chat", HELD)
    assert b"".join(gate.feed(event) for event in stream) == b"".join(stream)
    assert gate.take_calls() == []


def test_two_choices_are_two_answers() -> None:
    one, two = chat_stream("a", *ONE), chat_stream("b", *TWO, choice=1)
    stream = [*one[:-1], *two]
    gate = gate_for("openai_chat", HELD)
    for event in stream:
        gate.feed(event)
    assert [call.key for call in gate.take_calls()] == ["0.0", "1.0"]
    out = gate.answer("0.0", NO) + gate.answer("1.0")
    assert out.count(b'execute_sql"') == 1


def test_the_old_form_of_a_call() -> None:
    delta = '{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":%s}]}'
    end = delta.replace("}]}", ',"finish_reason":"function_call"}]}')
    stream = [
        b"data: " + (delta % '{"function_call":{"name":"execute_sql","arguments":""}}').encode() + b"\n\n",
        b"data: " + (delta % '{"function_call":{"arguments":"{}"}}').encode() + b"\n\n",
        b"data: " + (end % "{}").encode() + b"\n\n",
        b"data: [DONE]\n\n",
    ]
    assert through(gate_for("openai_chat", HELD), stream) == b"".join(stream)
    out = through(gate_for("openai_chat", HELD), stream, NO)
    assert b"execute_sql(" not in out
    assert b'"function_call"' not in out
    assert NO.encode() in out
