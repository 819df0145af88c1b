"""How a stream closes, whatever state it is in."""

import pytest

from extproc import commands as cmd
from extproc import events as ev
from extproc.stream import Limits, Stream
from tests.kit.masks import PlainRules
from tests.kit.playbook import (
    Playbook,
    ask,
    end,
    held,
    lost,
    record,
    recorded,
    request_body,
    request_headers,
    response_headers,
)


def at(state: str) -> Playbook:
    """A held exchange, as far as `state`."""
    line = Playbook(Stream(PlainRules(), Limits()))
    if state == "start":
        return line
    line = line >> request_headers(held()) << cmd.PassHeaders()
    if state == "body":
        return line
    line = line >> request_body() << cmd.ExtendTimeout(605) << record("request")
    if state == "noting":
        return line
    line = line >> recorded("request") << ask()
    if state == "asking":
        return line
    line = line >> ev.Asked("a-1", "requested") << cmd.AwaitApproval("a-1")
    if state == "holding":
        return line
    line = line >> ev.Answered("granted") << cmd.Consume("a-1", held().request_digest)
    if state == "consuming":
        return line
    line = line >> ev.Consumed(True) << cmd.PassBody()
    return line if state == "forwarded" else line >> response_headers()


STATES = ["start", "body", "noting", "asking", "holding", "consuming", "forwarded", "answering"]


def closes(line: Playbook) -> list[cmd.Command]:
    """What the stream says from here on, with every errand answered; it must come to its end."""
    before = len(line.said)
    for event in (recorded("end"), ev.Asked("a-1", "requested"), recorded("response")):
        if not line.stream.done:
            line = line.skip() >> event
    line.skip()
    assert line.stream.done
    return line.said[before:]


@pytest.mark.parametrize("state", STATES)
def test_a_caller_may_leave_at_any_time(state: str) -> None:
    line = at(state) >> ev.Gone()
    said = [it for it in line.said if isinstance(it, cmd.Withdraw)]
    assert bool(said) == (state in ("holding", "consuming"))
    said += [it for it in closes(line) if isinstance(it, cmd.Withdraw)]
    assert len(said) == (state in ("asking", "holding", "consuming"))


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize(
    "event", [ev.Broken("x"), ev.Revoked("r-1"), request_body(b"SECRET"), response_headers(), lost("response")]
)
def test_nothing_that_goes_wrong_lets_anything_go(state: str, event: ev.Event) -> None:
    if state == "body" and isinstance(event, ev.RequestBody):
        event = request_body(b"SECRET", end=False)
    line = at(state)
    passed = sum(isinstance(it, cmd.PassBody) for it in line.said)
    line = line >> event
    if isinstance(event, ev.ResponseHeaders) and not line.stream.over:
        line = line.skip() >> ev.Broken("x")
    closes(line)
    assert sum(isinstance(it, cmd.PassBody) for it in line.said) == passed
    assert not [it for it in line.said if isinstance(it, cmd.SendBody) and it.data]


@pytest.mark.parametrize("state", STATES[1:])
def test_the_end_is_recorded_once(state: str) -> None:
    line = (at(state) >> ev.Gone()).skip()
    line = line >> ev.Gone() >> ev.Broken("x") >> lost("end")
    ends = [it for it in line.said if isinstance(it, cmd.Record) and it.tag == "end"]
    assert len(ends) == 1


def test_the_end_says_how_far_it_came() -> None:
    assert at("forwarded") >> ev.Gone() << end("client_gone", "while_forwarded")


def test_without_a_verdict_there_is_nobody_to_record() -> None:
    line = Playbook(Stream(PlainRules(), Limits())) >> response_headers(status=401) >> ev.Gone()
    assert line.stream.done
