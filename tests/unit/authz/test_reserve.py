"""What an exchange may take, and its place in line."""

from dataclasses import replace

from authz.action import Action
from authz.describe import Described
from authz.reserve import OUTPUT_TOKENS, Line, reservation
from authz.session import Session
from identity import Identity
from tests.kit.blot import known
from usage import Amounts
from usage.amounts import MOST

BOT = Identity("https://issuer", "bot", agent="runner")
PLAIN = Described("POST", "h", "/", {}, {}, 70, "d" * 64, Action("http.request"), rows_asked=500)


def asked(described: Described) -> Amounts:
    return reservation("e", BOT, Session("s", "jti"), known()["ledger"], described).reserved


def generating(**attributes: object) -> Described:
    return replace(PLAIN, rows_asked=0, action=Action("llm.generate", {"prompt_tokens_estimate": 9, **attributes}))


def test_a_request_and_the_rows_it_asks_for() -> None:
    assert asked(PLAIN) == Amounts(requests=1, request_bytes=70, rows=500)


def test_of_a_model_the_prompt_and_all_it_may_answer() -> None:
    assert asked(generating(max_tokens=100, n=3)) == Amounts(
        requests=1, input_tokens=9, output_tokens=300, request_bytes=70
    )
    assert asked(generating(max_tokens=0)).output_tokens == OUTPUT_TOKENS


def test_numbers_that_no_answer_reaches_do_not_fill_the_counters() -> None:
    largest = (1 << 53) - 1  # what may stand in a body
    assert asked(generating(max_tokens=largest, n=1024)).output_tokens == MOST
    assert asked(replace(PLAIN, rows_asked=largest)).rows == MOST


async def test_those_before_it_that_share_a_scope() -> None:
    line = Line()
    assert line.enter("e1", [b"a", b"x"]) == []
    assert line.enter("e2", [b"b", b"y"]) == []
    (ahead,) = line.enter("e3", [b"a", b"z"])
    assert not ahead.done()
    line.leave("e1")
    line.leave("e1")
    assert ahead.done()
    assert len(line.enter("e4", [b"a"])) == 1
