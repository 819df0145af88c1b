"""Every code has its sentence; none that is forgotten opens anything."""

import json

import pytest

from extproc.refusals import REFUSALS, answer, reason


@pytest.mark.parametrize("code", sorted(REFUSALS))
@pytest.mark.parametrize("kind", ["anthropic", "openai", "http", ""])
def test_each_refusal_in_each_shape(code: str, kind: str) -> None:
    made = answer(kind, code, "e-1")
    assert made.status == REFUSALS[code][0] >= 400
    assert code in json.dumps(json.loads(made.body))


def test_codes_that_nobody_listed_are_503() -> None:
    assert answer("anthropic", "something_new", "").status == 503
    assert reason("something_new")[1].startswith("A part of the gateway")


def test_a_message_of_ones_own() -> None:
    assert b"Not today." in answer("openai", "approval_refused", "e-1", "Not today.").body
