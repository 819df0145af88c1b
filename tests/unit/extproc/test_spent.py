"""What an exchange is charged for, by how it ended."""

import json
from dataclasses import replace

import pytest

from extproc.meter import Meter
from extproc.record import Exchange, Outcome
from extproc.spent import Spent, spent
from tests.kit.playbook import verdict
from usage import Amounts


def ended(
    outcome: Outcome = Outcome.ANSWERED,
    *,
    sent: bool = True,
    status: int = 200,
    body: object = None,
    action: str = "llm.generate",
) -> Spent:
    exchange = Exchange(replace(verdict(), action=action, prompt_tokens=50))
    exchange.sent, exchange.upstream_status = sent, status
    exchange.request_bytes, exchange.response_bytes = 13, 17
    exchange.tokens = {"t1", "t2"}
    meter = None
    if body is not None:
        meter = Meter(action.startswith("llm."), ("$.items",))
        meter.begin("application/json")
        meter.feed(json.dumps(body).encode())
        meter.finish()
    return spent(exchange, meter, outcome)


def test_what_the_provider_says() -> None:
    found = ended(body={"usage": {"input_tokens": 40, "output_tokens": 6}, "items": [1]})
    assert found == Spent(
        Amounts(requests=1, input_tokens=40, output_tokens=6, request_bytes=13, response_bytes=17, rows=1, values=2)
    )


def test_nothing_left() -> None:
    for outcome in (Outcome.REFUSED, Outcome.CLIENT_GONE):
        assert ended(outcome, sent=False) == Spent(Amounts())


def test_what_it_does_not_say_is_estimated_and_marked() -> None:
    found = ended(body={"text": "x" * 30})
    assert (found.amounts.input_tokens, found.amounts.output_tokens, found.estimated) == (50, 11, True)


def test_an_answer_cut_short_is_at_least_what_came() -> None:
    for outcome in (Outcome.CUT, Outcome.CLIENT_GONE):
        found = ended(outcome, body={"usage": {"input_tokens": 40, "output_tokens": 1}, "text": "x" * 100})
        assert (found.amounts.input_tokens, found.estimated) == (40, True)
        assert found.amounts.output_tokens > 25


def test_a_caller_who_leaves_before_the_answer_has_asked() -> None:
    found = ended(Outcome.CLIENT_GONE, status=0)
    assert (found.amounts.requests, found.amounts.input_tokens, found.estimated) == (1, 50, True)


@pytest.mark.parametrize(("outcome", "status"), [(Outcome.LOCAL_REPLY, 503), (Outcome.ANSWERED, 429)])
def test_an_error_that_says_nothing_costs_no_tokens(outcome: Outcome, status: int) -> None:
    found = ended(outcome, status=status, body={"error": "x" * 100})
    assert (found.amounts.requests, found.amounts.input_tokens, found.amounts.output_tokens) == (1, 0, 0)
    assert not found.estimated


def test_what_is_no_model_has_no_tokens() -> None:
    found = ended(body={"items": [1, 2], "usage": {"input_tokens": 9}}, action="http.request")
    assert (found.amounts.rows, found.amounts.input_tokens, found.estimated) == (2, 0, False)


def test_the_record_says_what_the_counters_have() -> None:
    assert ended(body={"usage": {"input_tokens": 40, "output_tokens": 6}}).to_facts() == {
        "requests": 1, "input_tokens": 40, "output_tokens": 6, "rows": 0, "values": 2, "estimated": False,
    }  # fmt: skip
