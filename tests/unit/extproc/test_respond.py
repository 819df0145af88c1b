"""One answer by itself; the conversations stand in test_stream.py."""

import json
from typing import Any

import pytest

from extproc import commands as cmd
from extproc.record import Exchange
from extproc.respond import Response, dialect_of
from masking import Ruleset
from snapshot.verdict import Verdict
from tests.kit.masked_texts import KEYS
from tests.kit.masks import PlainRules
from tests.kit.playbook import response_headers, verdict


@pytest.mark.parametrize(
    ("kind", "path", "dialect"),
    [
        ("anthropic", "/anthropic/v1/messages", "anthropic"),
        ("openai", "/openai/v1/chat/completions", "openai_chat"),
        ("openai", "/openai/v1/responses?x=1", "openai_responses"),
        ("http", "/ledger/v1/responses", "http"),
    ],
)
def test_the_dialect_of_the_last_event(kind: str, path: str, dialect: str) -> None:
    assert dialect_of(kind, path) == dialect


def streaming(path: str, kind: str, *chunks: bytes) -> Response:
    exchange = Exchange(verdict(kind=kind), "POST", path)
    response = Response(exchange, PlainRules(), 0)
    headers = response_headers("text/event-stream")
    response.begin(headers.headers, False)
    for data in chunks:
        response.body(data, False, 1)
        response.recorded()
    return response


def test_the_last_event_of_responses_goes_on_counting() -> None:
    first = b'event: response.created\ndata: {"type":"response.created","sequence_number":41}\n\n'
    (sent,) = streaming("/openai/v1/responses", "openai", first).error_end("spool_full")
    assert isinstance(sent, cmd.SendBody)
    assert sent.end
    data = json.loads(sent.data.split(b"data: ")[1])
    assert (data["type"], data["sequence_number"], data["code"]) == ("error", 42, "spool_full")


def test_a_failure_of_ours_is_not_told_as_a_denial() -> None:
    (sent,) = streaming("/anthropic/v1/messages", "anthropic", b"data: 1\n\n").error_end("spool_full")
    assert isinstance(sent, cmd.SendBody)
    assert json.loads(sent.data.split(b"data: ")[1])["error"]["type"] == "overloaded_error"


@pytest.mark.parametrize("ending", [b"\n\n", b"\r\n\r\n", b"\r\r"])
def test_between_two_events_there_is_room_for_a_last_one(ending: bytes) -> None:
    assert streaming("/x", "anthropic", b"data: 1" + ending).error_end("x")


def test_in_the_middle_of_one_there_is_not() -> None:
    assert not streaming("/x", "anthropic", b"data: 1\n").error_end("x")


def test_before_the_headers_there_is_a_better_answer() -> None:
    assert not streaming("/x", "anthropic").error_end("x")


class CardRules(PlainRules):
    """The real masking, of cards."""

    masker = Ruleset.parse("profiles: {floor: [{detect: card}]}", "masking.yaml").masker(["floor"], keys=KEYS)

    def response(self, verdict: Verdict) -> Any:
        return self.masker


@pytest.mark.parametrize(
    ("says", "lets_go"),
    [
        ({"content_length": "16"}, b"ref 411111111111"),
        ({"transfer_encoding": "chunked"}, b"ref 411111111111"),
        ({}, b"ref [CARD]"),  # until the connection closes: it may have broken
    ],
)
def test_an_answer_that_says_where_it_ends_was_not_cut_off(says: dict[str, str], lets_go: bytes) -> None:
    response = Response(Exchange(verdict(kind="http"), "GET", "/x"), CardRules(), 0)
    response.begin(response_headers("text/plain", **says).headers, False)
    said = [*response.body(b"ref 411111111111", True, 1), *response.recorded()]
    assert b"".join(each.data for each in said if isinstance(each, cmd.SendBody)) == lets_go
