"""Answers of MCP servers: what leaves lists, what servers may ask, what is noticed."""

import json
from typing import Any

import pytest

from extproc.hiding import Hidden, Listing
from extproc.hiding.listed import MAX_JSON, REFUSED_METHOD, digest
from masking import Uninspectable

SEARCH: dict[str, Any] = {"name": "search", "description": "Searches.", "inputSchema": {"type": "object"}}
DELETE: dict[str, Any] = {"name": "delete_ticket", "inputSchema": {}}
LIST = {"jsonrpc": "2.0", "id": 1, "result": {"tools": [SEARCH, DELETE], "nextCursor": "n"}}
ASK = {"jsonrpc": "2.0", "id": "s-1", "method": "elicitation/create", "params": {"message": "PIN?"}}


def listing(
    media: str = "application/json", hide: tuple[str, ...] = ("delete_*",), allowed: tuple[str, ...] = ()
) -> Listing:
    return Listing(media, Hidden(hide), allowed)


def whole(one: Listing, *pieces: bytes) -> bytes:
    return b"".join([one.feed(piece) for piece in pieces] + [one.finish()])


def told(message: Any, **options: Any) -> Any:
    one = listing(**options)
    assert one.feed(json.dumps(message).encode()) == b""
    return json.loads(one.finish())


def events(*messages: Any) -> bytes:
    return b"".join(
        f"event: message\nid: {at}\ndata: {json.dumps(each)}\n\n".encode() for at, each in enumerate(messages)
    )


def test_hidden_tools_leave_the_list() -> None:
    one = listing()
    one.feed(json.dumps(LIST).encode())
    found = json.loads(one.finish())
    assert found["result"] == {"tools": [SEARCH], "nextCursor": "n"}
    seen = one.take()
    assert seen.hidden == ["delete_ticket"]
    assert seen.definitions == {"search": digest(SEARCH)}
    assert one.take().hidden == []


def test_what_nothing_changes_leaves_byte_for_byte() -> None:
    text = b'{ "jsonrpc":"2.0", "id": 1.50,\n "result": {"tools": [ {"name":"search"} ]} }'
    one = listing()
    one.feed(text[:20])
    one.feed(text[20:])
    assert one.finish() == text
    stream = listing("text/event-stream")
    whole = b": hi\r\n\r\n" + events({"jsonrpc": "2.0", "method": "notifications/message", "params": {"x": 1}})
    assert stream.feed(whole) + stream.finish() == whole


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_a_list_in_an_event_stream_at_any_cut(size: int) -> None:
    one = listing("text/event-stream")
    data = events({"jsonrpc": "2.0", "method": "notifications/progress"}, LIST)
    out = b"".join(one.feed(data[at : at + size]) for at in range(0, len(data), size)) + one.finish()
    assert b"delete_ticket" not in out
    assert b"id: 1\n" in out
    last = json.loads(out.split(b"data: ")[-1])
    assert [tool["name"] for tool in last["result"]["tools"]] == ["search"]


def test_a_list_in_a_batch() -> None:
    found = told([{"jsonrpc": "2.0", "id": 0, "result": {}}, LIST])
    assert [tool["name"] for tool in found[1]["result"]["tools"]] == ["search"]


def test_a_request_of_the_server_goes_on_only_where_it_is_allowed() -> None:
    assert told(ASK, allowed=("elicitation/create",)) == ASK
    assert told(ASK) == {"jsonrpc": "2.0", "id": "s-1", "method": REFUSED_METHOD}
    assert told(ASK, allowed=("sampling/createMessage",))["method"] == REFUSED_METHOD
    hidden = told(ASK, allowed=("elicitation/create",), hide=("elicitation/*",))
    assert hidden["method"] == REFUSED_METHOD
    ping = {"jsonrpc": "2.0", "id": 7, "method": "ping"}
    assert told(ping) == ping


def test_requests_of_the_server_are_noticed() -> None:
    one = listing("text/event-stream", allowed=("roots/list",))
    one.feed(
        events(ASK, {"jsonrpc": "2.0", "id": 2, "method": "roots/list"}, {"jsonrpc": "2.0", "id": 3, "method": "ping"})
    )
    assert one.take().requests == [("elicitation/create", False), ("roots/list", True)]


def test_a_request_in_a_result_makes_it_an_error_unless_allowed() -> None:
    """Specification 2026-07-28: `inputRequests` of an `input_required` result."""
    asked = {"pin": {"method": "elicitation/create", "params": {}}}
    message = {"jsonrpc": "2.0", "id": 4, "result": {"resultType": "input_required", "inputRequests": asked}}
    assert told(message, allowed=("elicitation/create",)) == message
    refused = told(message)
    assert refused["id"] == 4
    assert refused["error"]["code"] == -32000
    for odd in ([], {"pin": "x"}, {"pin": {"method": 1}}):
        changed = {**message, "result": {**message["result"], "inputRequests": odd}}  # type: ignore[dict-item]
        assert "error" in told(changed, allowed=("elicitation/create",))


@pytest.mark.parametrize(
    "data",
    [
        b"no json",
        b'"text"',
        b"[1]",
        b'{"jsonrpc":"2.0","id":1,"result":{"tools":[]},"result":{"tools":[]}}',
        b'{"jsonrpc":"2.0","id":1,"Result":{"tools":[]}}',
        b'{"jsonrpc":"2.0","id":1,"result":{"Tools":[]}}',
        b'{"jsonrpc":"2.0","id":1,"result":{"inputrequests":{}}}',
        b'{"jsonrpc":"2.0","id":1,"result":{"tools":[{"title":"no name"}]}}',
        b'{"jsonrpc":"2.0","id":1,"result":{"tools":["search"]}}',
        b'{"a":' * 200 + b"1" + b"}" * 200,
        b"\xff{}",
    ],
)
@pytest.mark.parametrize("media", ["application/json", "text/event-stream"])
def test_what_a_client_might_read_otherwise_is_refused(data: bytes, media: str) -> None:
    with pytest.raises(Uninspectable):
        whole(listing(media), data if media == "application/json" else b"data: " + data + b"\n\n")


def test_an_answer_that_is_too_large_is_refused() -> None:
    with pytest.raises(Uninspectable):
        whole(listing(), *[b"x" * (MAX_JSON // 16)] * 20)


def test_what_is_no_event_yet_at_the_end_goes_nowhere() -> None:
    one = listing("text/event-stream")
    assert one.feed(b"data: " + json.dumps(LIST).encode()) == b""
    assert one.finish() == b""


def test_the_endpoint_event_of_the_older_transport_passes() -> None:
    event = b"event: endpoint\ndata: /messages?session=1\n\n"
    assert listing("text/event-stream").feed(event) == event


def test_an_empty_answer_is_one() -> None:
    assert listing().finish() == b""


def test_a_digest_is_of_all_that_a_model_is_told() -> None:
    assert digest(SEARCH) == digest(dict(reversed(SEARCH.items()))) == digest({**SEARCH, "_meta": {"at": 1}})
    for change in ({"description": "Searches!"}, {"annotations": {"readOnlyHint": True}}, {"title": "S"}):
        assert digest({**SEARCH, **change}) != digest(SEARCH)
