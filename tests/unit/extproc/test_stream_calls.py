"""Conversations with the state machine about calls that are held in an answer."""

import json

import pytest

from approvals.view import View
from extproc import commands as cmd
from extproc import events as ev
from extproc.stream import ALIVE_SECONDS, Stream
from tests.kit.held_tools import SQL, STREAMS
from tests.kit.masks import PlainRules
from tests.kit.playbook import (
    TERMS,
    Playbook,
    ask,
    body,
    chunk,
    end,
    headers,
    record,
    recorded,
    refuse,
    request_body,
    request_headers,
    response_headers,
    verdict,
)

STREAM = STREAMS["anthropic"](("c1", "execute_sql", SQL))
TWO = STREAMS["anthropic"](("c1", "execute_sql", SQL), ("c2", "delete_file", "{}"))
BEFORE = b"".join(STREAM[:5])  # the text block
DOCUMENT = json.dumps(
    {
        "content": [{"type": "tool_use", "id": "c1", "name": "execute_sql", "input": {"q": 1}}],
        "stop_reason": "tool_use",
    }
).encode()


def asked(media: str = "text/event-stream", wait: str = "hold", tools: tuple[str, ...] = ("execute_sql",)) -> Playbook:
    """Where the upstream begins to answer."""
    from dataclasses import replace

    known = verdict(tools_hold=tools, approval=replace(TERMS, wait=wait), rule="held_tools", message="Allowed.")
    line = Playbook(Stream(PlainRules())) >> request_headers(known) << cmd.PassHeaders() >> request_body()
    line = line << record("request") >> recorded("request") << cmd.PassBody() >> response_headers(media)
    return line if media == "text/event-stream" else line << cmd.ExtendTimeout(605)


def streamed(stream: list[bytes] = STREAM) -> Playbook:
    """All was said, and the text before the call has gone."""
    line = asked(tools=("execute_sql", "delete_file")) >> chunk(b"".join(stream), end=True)
    line = line << record("response") << ask()
    return line


def decided(line: Playbook, *answers: ev.Event) -> Playbook:
    for answer in answers:
        line = (line >> answer).skip()
    return line


def told(line: Playbook) -> bytes:
    return b"".join(said.data for said in line.said if isinstance(said, cmd.SendBody))


def drained(line: Playbook) -> Playbook:
    """Every record succeeds."""
    while not line.stream.done:
        count = sum(isinstance(said, cmd.Record) for said in line.said)
        last = [said for said in line.said if isinstance(said, cmd.Record)][-1]
        line = (line >> recorded(last.tag)).skip()
        if sum(isinstance(said, cmd.Record) for said in line.said) == count:
            break
    return line


def test_the_text_goes_and_the_call_waits() -> None:
    line = streamed() >> recorded() << headers() << body(BEFORE)
    assert line
    assert "execute_sql" not in told(line).decode()
    assert (line.timers["alive"], line.timers["hold"]) == (ALIVE_SECONDS, 545)
    assert "silence" not in line.timers  # the upstream is done; people are not


def test_the_approver_is_asked_about_the_call() -> None:
    line = streamed()
    asked = next(said.ask for said in line.said if isinstance(said, cmd.AskApproval))
    view = View.read(asked.shown)
    assert (view.tool, view.action, json.loads(view.content)) == ("execute_sql", "tool execute_sql", json.loads(SQL))
    assert asked.forwarded_digest == asked.received_digest == view.digest
    assert asked.message == "The model calls execute_sql."


def test_granted_everything_goes_as_it_came() -> None:
    line = (streamed() >> recorded()).skip() >> ev.Asked("a-1", "requested", key="1") << cmd.AwaitApproval("a-1", "1")
    line = line >> ev.Answered("granted", key="1")
    consume = line.said[-1]
    assert isinstance(consume, cmd.Consume)
    line = line.skip() >> ev.Consumed(True, "1") << record("response")
    line = line >> recorded() << body(b"".join(STREAM[5:]), end=True) << end("answered") >> recorded("end")
    assert line.stream.done
    assert told(line) == b"".join(STREAM)


def test_refused_a_sentence_goes_in_its_place() -> None:
    line = (streamed() >> recorded()).skip() >> ev.Asked("a-1", "requested", key="1")
    line = drained(decided(line.skip(), ev.Answered("refused", "No.", key="1")))
    assert line.stream.done
    said = told(line)
    assert b"The call of execute_sql was refused by an approver. No." in said
    assert b'"end_turn"' in said
    assert b"DROP" not in said


def test_calls_side_by_side_wait_for_the_last_of_them() -> None:
    line = ((streamed(TWO) << ask()) >> recorded()).skip()
    line = decided(line, ev.Asked("a-1", "requested", key="1"), ev.Asked("a-2", "granted", key="2"))
    line = decided(line, ev.Consumed(True, "2"))
    assert b"delete_file" not in told(line)
    line = drained(decided(line, ev.Answered("expired", key="1")))
    assert b"delete_file" in told(line)
    assert b"nobody granted it in time" in told(line)
    assert b'"stop_reason": "tool_use"' in told(line)


def test_signs_of_life_are_whole_events_and_recorded() -> None:
    line = (streamed() >> recorded()).skip() >> ev.Deadline("alive") << record("response") >> recorded()
    assert line << body(b'event: ping\ndata: {"type": "ping"}\n\n')
    assert line.timers["alive"] == ALIVE_SECONDS


def test_where_nobody_waits_the_answer_goes_on_with_a_sentence() -> None:
    line = asked(wait="respond") >> chunk(b"".join(STREAM), end=True) << record("response") << ask()
    line = drained((line >> ev.Asked("a-1", "requested", key="1")).skip())
    assert b"which has been asked for: a-1." in told(line)


def test_nobody_answers() -> None:
    line = (streamed() >> recorded()).skip() >> ev.Asked("a-1", "requested", key="1") << cmd.AwaitApproval("a-1", "1")
    line = line >> ev.Deadline("hold") << cmd.Withdraw("a-1")
    line = drained(line.skip())
    assert line.stream.done
    assert b"nobody granted it in time" in told(line)


def test_a_caller_who_leaves_takes_every_question_back() -> None:
    line = (streamed() >> recorded()).skip() >> ev.Asked("a-1", "requested", key="1") << cmd.AwaitApproval("a-1", "1")
    assert line >> ev.Gone() << cmd.Withdraw("a-1") << end("client_gone", "while_answering")


def test_approvals_that_give_no_answer_end_the_stream_with_an_error_event() -> None:
    line = (streamed() >> recorded()).skip() >> ev.HoldFailed("approvals_down", "1")
    (last,) = [said for said in line.said if isinstance(said, cmd.SendBody) and said.end]
    assert last.data.startswith(b"event: error\n")
    assert line.skip()
    assert b"execute_sql" not in told(line)


def test_more_than_is_kept_ends_the_stream() -> None:
    line = (asked() >> chunk(b"".join(STREAM[:6])) << record("response") >> recorded()).skip()
    filler = b'event: ping\ndata: {"type": "ping", "x": "' + b"x" * (1 << 20) + b'"}\n\n'
    for _ in range(8):
        line = (line >> chunk(filler)).skip()
    assert [said for said in line.said if isinstance(said, cmd.SendBody) and said.end]
    assert b"execute_sql" not in told(line)


def test_a_document_is_kept_with_its_headers() -> None:
    line = asked("application/json") >> chunk(DOCUMENT[:9]) >> chunk(DOCUMENT[9:], end=True) << ask()
    assert "alive" not in line.timers
    line = decided(line, ev.Asked("a-1", "granted", key="0")) >> ev.Consumed(True, "0") << record("response")
    assert line >> recorded() << headers() << body(DOCUMENT, end=True) << end("answered")


def test_an_answer_of_another_kind_is_refused() -> None:
    from dataclasses import replace

    known = verdict(tools_hold=("execute_sql",), approval=replace(TERMS))
    line = Playbook(Stream(PlainRules())) >> request_headers(known) << cmd.PassHeaders() >> request_body()
    line = line << record("request") >> recorded("request") << cmd.PassBody() >> response_headers("text/plain")
    assert line << refuse(502, "tool_calls_unreadable") << end("refused", "tool_calls_unreadable")


@pytest.mark.parametrize("kind", ["http", "mcp"])
def test_a_kind_whose_calls_nobody_can_find_is_refused(kind: str) -> None:
    known = verdict(kind=kind, tools_hold=("execute_sql",), approval=TERMS)
    line = Playbook(Stream(PlainRules())) >> request_headers(known)
    assert line << refuse(503, "unsupported_verdict") << end("refused", "unsupported_verdict")
