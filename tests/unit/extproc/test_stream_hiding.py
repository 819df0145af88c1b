"""Conversations about what is hidden: tools of a request, of a list, and what MCP servers ask."""

import hashlib
from dataclasses import replace

from extproc import commands as cmd
from extproc.stream import Stream
from snapshot.connections import Connection
from tests.kit.masks import PlainRules
from tests.kit.playbook import (
    Playbook,
    chunk,
    end,
    held,
    record,
    recorded,
    refuse,
    request_body,
    request_headers,
    response_headers,
    verdict,
)

TOOLS = b'{"model":"m","tools":[{"name":"look"},{"name":"drop_SECRET"}]}'
LEFT = b'{"model":"m","tools":[{"name":"look"}]}'
TICKETS = Connection("tickets", "mcp", "https://t", server_requests=("roots/list",))


def hidden(body: bytes) -> Playbook:
    """The whole request has come, under a verdict that hides `drop_*`."""
    line = Playbook(Stream(PlainRules())) >> request_headers(verdict(body, tools_hide=("drop_*",)))
    return line << cmd.PassHeaders() >> request_body(body)


def last_record(line: Playbook) -> cmd.Record:
    return [said for said in line.said if isinstance(said, cmd.Record)][-1]


def types(command: object) -> list[str]:
    assert isinstance(command, cmd.Record)
    return [draft.type for draft in command.drafts]


def test_a_hidden_tool_leaves_the_request_before_it_is_recorded() -> None:
    line = hidden(TOOLS)
    noted = line.said[-1]
    assert types(noted) == ["tools.hidden", "frame.recorded"]
    assert isinstance(noted, cmd.Record)
    assert noted.drafts[0].data == {"direction": "request", "tools": ["drop_[MASKED]"], "count": 1}
    assert noted.drafts[1].frames[0].content == LEFT
    assert line.skip() >> recorded("request") << cmd.PassBody(LEFT)
    assert line.stream.exchange.request_bytes == len(LEFT)


def test_nothing_hidden_leaves_the_request_as_it_came() -> None:
    line = hidden(LEFT) << record("request", "frame.recorded") >> recorded("request")
    assert line << cmd.PassBody()


def test_a_request_that_insists_on_what_is_hidden_is_refused() -> None:
    line = hidden(TOOLS[:-1] + b',"tool_choice":{"type":"tool","name":"drop_SECRET"}}')
    assert line << refuse(403, "hidden_tool_forced") << end("refused", "hidden_tool_forced")


def test_people_are_asked_about_what_will_go() -> None:
    asked = replace(held(TOOLS), tools_hide=("drop_*",))
    line = Playbook(Stream(PlainRules())) >> request_headers(asked) << cmd.PassHeaders() >> request_body(TOOLS)
    line = line.skip() >> recorded("request")
    (ask,) = [said for said in line.said if isinstance(said, cmd.AskApproval)]
    assert ask.ask.forwarded_digest == hashlib.sha256(LEFT).hexdigest()
    assert ask.ask.received_digest == hashlib.sha256(TOOLS).hexdigest()
    assert line.skip()


def listing(answer: bytes, media: str = "application/json", status: int = 200) -> Playbook:
    rules = PlainRules(TICKETS)
    line = (
        Playbook(Stream(rules))
        >> request_headers(verdict(connection="tickets", kind="mcp", tools_hide=("delete_*",)))
        << cmd.PassHeaders()
    )
    line = line >> request_body() << record("request", "frame.recorded") >> recorded("request") << cmd.PassBody()
    return line >> response_headers(media, status=status) >> chunk(answer, end=True)


def test_a_list_of_tools_is_noticed_and_recorded_before_it_goes() -> None:
    tools = b'{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"SECRET"},{"name":"delete_a"}]}}'
    line = listing(tools)
    noted = last_record(line)
    assert types(noted)[:3] == ["tools.hidden", "tools.seen", "frame.recorded"]
    assert isinstance(noted, cmd.Record)
    assert noted.drafts[0].data["tools"] == ["delete_a"]
    (new,) = noted.drafts[1].data["new"]  # type: ignore[misc]
    assert new["tool"] == "[MASKED]"  # type: ignore[index,call-overload]
    line = line.skip() >> recorded("response")
    (body,) = [said for said in line.said if isinstance(said, cmd.SendBody)]
    assert body.data == b'{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"[MASKED]"}]}}'
    assert line.skip()


def test_what_a_server_asks_is_recorded() -> None:
    asked = b'data: {"jsonrpc":"2.0","id":1,"method":"sampling/createMessage","params":{}}\n\n'
    line = listing(asked, "text/event-stream")
    noted = last_record(line)
    assert noted.drafts[0].data == {"method": "sampling/createMessage", "passed": False}
    assert line.skip()


def test_an_mcp_answer_of_another_type_is_refused_but_an_error_may_be_any_text() -> None:
    refused = listing(b"hello", "text/plain")
    assert refused << refuse(502, "uninspectable_response") << end("refused", "uninspectable_response")
    line = listing(b"no such session", "text/plain", status=404)
    assert not [said for said in line.said if isinstance(said, cmd.Refuse)]
    assert line.skip()
