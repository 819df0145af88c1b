"""An MCP server behind the whole gateway: hidden tools, a definition that changes, what the server asks."""

import contextlib
import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from console.dev.upstream.mcp import DESCRIPTION
from tests.kit.gateway import Gateway, eventually

ACCEPT = {"accept": "application/json, text/event-stream"}


def message(method: str, at: int | str = 1, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": at, "method": method, "params": params}


def call(tool: str, **arguments: Any) -> dict[str, Any]:
    return message("tools/call", name=tool, arguments=arguments)


@pytest.fixture
def server(gateway: Gateway) -> Iterator[httpx.Client]:
    with gateway.client("research-agent") as client:
        client.headers.update(ACCEPT)
        yield client


def post(server: httpx.Client, body: Any) -> httpx.Response:
    return server.post("/tickets/mcp", json=body)


def names(answer: dict[str, Any]) -> list[str]:
    return [tool["name"] for tool in answer["result"]["tools"]]


def events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line.removeprefix("data: ")) for line in text.splitlines() if line.startswith("data: ")]


TIMES = {"started_us", "ended_us", "duration_us", "clock"}


def exchanged(gateway: Gateway, answer: httpx.Response, wanted: str) -> dict[str, Any]:
    """The data of the event of that type, of the exchange of this answer; not what every event says of time."""
    exchange = answer.headers["x-exeat-decision"]
    query = "SELECT body FROM audit.events WHERE exchange = {exchange:String} AND type = {wanted:String}"
    rows = eventually(lambda: gateway.sql(query, exchange=exchange, wanted=wanted), bool)
    found: dict[str, Any] = json.loads(rows[0][0])["data"]
    return {key: value for key, value in found.items() if key not in TIMES}


def test_a_session_speaks_and_its_answers_are_masked(server: httpx.Client, gateway: Gateway) -> None:
    opened = post(server, message("initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo={}))
    assert opened.json()["result"]["serverInfo"]["name"] == "tickets"
    session = opened.headers["mcp-session-id"]
    headers = {"mcp-session-id": session, "mcp-protocol-version": "2025-06-18"}
    noted = server.post("/tickets/mcp", json={"jsonrpc": "2.0", "method": "notifications/initialized"}, headers=headers)
    assert noted.status_code == 202
    assert gateway.upstream.received[-1]["headers"]["mcp-session-id"] == session
    told = post(server, call("search", text="Ada")).json()["result"]["content"][0]["text"]
    assert "Ada Lovell" in told
    assert "4111" not in told
    assert "536" not in told
    assert server.delete("/tickets/mcp", headers=headers).status_code == 204


def test_hidden_tools_are_neither_listed_nor_called(server: httpx.Client, gateway: Gateway) -> None:
    listed = post(server, message("tools/list"))
    assert names(listed.json()) == ["search", "ask", "redefine"]
    assert exchanged(gateway, listed, "tools.hidden") == {
        "direction": "response",
        "tools": ["delete_ticket"],
        "count": 1,
    }
    streamed = post(server, message("tools/list", cursor="sse"))
    assert streamed.headers["content-type"].startswith("text/event-stream")
    assert names(events(streamed.text)[0]) == ["search", "ask", "redefine"]
    before = len(gateway.upstream.received)
    for body in (call("delete_ticket"), [message("ping", 1), {**call("delete_ticket"), "id": 2}]):
        refused = post(server, body)
        assert refused.status_code == 403
        assert refused.json()["jsonrpc"] == "2.0"
        assert refused.json()["error"]["data"]["code"] == "denied"
    assert len(gateway.upstream.received) == before


def test_a_second_spelling_of_a_method_goes_nowhere(server: httpx.Client, gateway: Gateway) -> None:
    before = len(gateway.upstream.received)
    smuggled = {**message("ping"), "Method": "tools/call", "params": {"name": "delete_ticket"}}
    assert post(server, smuggled).status_code == 400
    twice = b'{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call","params":{"name":"delete_ticket"}}'
    answer = server.post("/tickets/mcp", content=twice, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert len(gateway.upstream.received) == before


def test_what_the_server_asks_reaches_nobody_unless_the_connection_lets_it(
    server: httpx.Client, gateway: Gateway
) -> None:
    with server.stream("GET", "/tickets/mcp") as stream:
        heard = events(stream.read().decode())
        assert [each["method"] for each in heard] == ["exeat/refused", "notifications/tools/list_changed"]
        assert exchanged(gateway, stream, "server.request") == {"method": "sampling/createMessage", "passed": False}


def test_a_question_in_the_stream_of_a_call_comes_back_as_an_error(server: httpx.Client, gateway: Gateway) -> None:
    """As a client does: it answers a method that it does not know with an error, and the call goes on."""
    with server.stream("POST", "/tickets/mcp", json=call("ask")) as stream:
        lines = stream.iter_lines()
        asked = next(json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: "))
        assert asked["method"] == "exeat/refused"
        assert "PIN" not in json.dumps(asked)
        error = {"jsonrpc": "2.0", "id": asked["id"], "error": {"code": -32601, "message": "Method not found"}}
        answered: list[int] = []
        with gateway.client() as other:  # a connection of its own: this one is busy
            answered.append(other.post("/tickets/mcp", json=error, headers=ACCEPT).status_code)
        assert answered == [202]
        last = next(json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: "))
    assert last["result"]["content"][0]["text"] == "refused"


def test_a_changed_definition_is_noticed_and_held(server: httpx.Client, gateway: Gateway) -> None:
    post(server, message("tools/list"))
    assert post(server, call("search")).status_code == 200
    assert post(server, call("redefine")).status_code == 200
    listed = post(server, message("tools/list"))
    (changed,) = exchanged(gateway, listed, "tools.seen")["changed"]
    assert changed["tool"] == "search"
    assert changed["before"] == changed["first"] != changed["now"]

    found: list[httpx.Response] = []

    def held() -> None:
        with contextlib.suppress(httpx.TimeoutException), gateway.client(timeout=5) as client:
            found.append(client.post("/tickets/mcp", json=call("search"), headers=ACCEPT))

    waiting = threading.Thread(target=held, daemon=True)
    waiting.start()
    query = "SELECT count() FROM audit.events WHERE type = 'approval.requested' AND connection = 'tickets'"
    eventually(lambda: gateway.sql(query)[0][0], bool)
    rules = "SELECT rules FROM audit.decisions WHERE connection = 'tickets' AND effect = 'hold'"
    assert eventually(lambda: gateway.sql(rules), bool)[0][0] == ["tool_changed"]
    assert not found
    waiting.join(30)
    assert not found  # nobody granted it, so the caller gave up
    gateway.upstream.mcp.description = DESCRIPTION
    post(server, message("tools/list"))  # it is again what it was first
    assert post(server, call("search")).status_code == 200


def test_tools_of_a_model_are_hidden_from_it(gateway: Gateway) -> None:
    """What is hidden leaves the request (data/tools.yaml), and what is left goes on."""
    tools = [{"name": "look", "input_schema": {"type": "object"}}, {"name": "drop_database", "input_schema": {}}]
    body = {"model": "claude-sonnet-5", "max_tokens": 9, "messages": [{"role": "user", "content": "hello"}]}
    with gateway.client() as client:
        answer = client.post("/anthropic/v1/messages", json={**body, "tools": tools})
        assert answer.status_code == 200, answer.text
        sent = json.loads(gateway.upstream.received[-1]["body"])
        assert [tool["name"] for tool in sent["tools"]] == ["look"]
        assert sent["messages"] == body["messages"]
        assert exchanged(gateway, answer, "tools.hidden")["tools"] == ["drop_database"]
        forced = {**body, "tools": tools, "tool_choice": {"type": "tool", "name": "drop_database"}}
        refused = client.post("/anthropic/v1/messages", json=forced)
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "hidden_tool_forced")
