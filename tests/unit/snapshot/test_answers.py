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


def test_gemini() -> None:
    answer = refusal("gemini", 403, "model_tier", "Not this one.", ID)
    error = json.loads(answer.body)["error"]
    assert (error["code"], error["status"]) == (403, "PERMISSION_DENIED")
    assert error["details"][0]["reason"] == "model_tier"
    assert error["details"][0]["metadata"] == {"decision": ID}
    assert error_event("gemini", "x", "No.", ID).startswith(b'data: {"error":{"code":403')


def test_kubernetes() -> None:
    answer = refusal("kubernetes", 403, "no_role", "None of your groups may.", ID)
    status = json.loads(answer.body)
    assert (status["kind"], status["apiVersion"], status["code"], status["reason"]) == (
        "Status",
        "v1",
        403,
        "Forbidden",
    )
    assert status["details"]["causes"] == [{"reason": "no_role", "message": ID}]


def test_azure_speaks_as_openai() -> None:
    assert refusal("azure_openai", 429, "c", "m", ID) == refusal("openai", 429, "c", "m", ID)


def test_the_last_event_of_an_mcp_stream_is_no_result() -> None:
    name, data = error_event("mcp", "cut", "No.", ID).decode().split("\n")[:2]
    assert name == "event: message"
    message = json.loads(data.removeprefix("data: "))
    assert message["id"] is None
    assert message["error"]["data"]["code"] == "cut"
