"""Refusals in the shape of the API that the caller speaks."""

import json

import pytest

from snapshot.answers import error_event, refusal

ID = "01900000-0000-7000-8000-000000000000"


def test_anthropic() -> None:
    answer = refusal("anthropic", 403, "ledger_write", "Not without approval.", ID)
    body = json.loads(answer.body)
    assert body["error"]["type"] == "permission_error"
    assert ID in body["error"]["message"]
    assert dict(answer.headers)["x-exeat-decision"] == ID
    assert dict(answer.headers)["x-should-retry"] == "false"


def test_openai() -> None:
    body = json.loads(refusal("openai", 401, "token_expired", "The token has expired.").body)
    assert body["error"]["type"] == "authentication_error"
    assert body["error"]["code"] == "token_expired"


def test_plain_http_is_problem_details() -> None:
    answer = refusal("http", 403, "denied", "No.", ID)
    assert dict(answer.headers)["content-type"] == "application/problem+json"
    assert json.loads(answer.body)["status"] == 403


def test_mcp_answers_the_call_it_was_asked() -> None:
    assert json.loads(refusal("mcp", 403, "denied", "No.", ID, rpc_id=7).body)["id"] == 7


@pytest.mark.parametrize("status", [429, 503])
def test_what_passes_by_itself_may_be_tried_again(status: int) -> None:
    assert "x-should-retry" not in dict(refusal("openai", status, "x", "Later.").headers)


@pytest.mark.parametrize("dialect", ["anthropic", "openai_chat", "openai_responses", "unknown"])
def test_the_last_event_of_a_stream_is_one_sse_event(dialect: str) -> None:
    event = error_event(dialect, "cut", "The stream was ended.", ID, sequence=9)
    assert event.endswith(b"\n\n")
    assert event.count(b"\n\n") == 1
    data = next(line for line in event.splitlines() if line.startswith(b"data: "))
    assert ID in json.dumps(json.loads(data[6:]))
