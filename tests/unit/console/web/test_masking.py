"""Trying a text."""

import datetime

import pytest

from console.web.site.masking import MOST, TooLong, WrongProfile, over_time, try_text
from masking import Ruleset
from tests.kit.gateway import POLICIES

RULES = Ruleset.parse((POLICIES / "data/masking.yaml").read_text(), "masking.yaml")


def test_text_and_json() -> None:
    assert try_text(RULES, "card 4111 1111 1111 1111", ["floor"])["masked"] == "card [CARD]"
    found = try_text(RULES, '{"a": {"mail": "ada@customer.example"}}', ["floor"])
    assert found["masked"] == '{"a": {"mail": "[EMAIL]"}}'
    assert [(hit["rule"], hit["where"]) for hit in found["findings"]] == [("email", "$.a.mail")]


def test_too_much() -> None:
    with pytest.raises(TooLong):
        try_text(RULES, "x" * (MOST + 1), ["floor"])


def test_a_profile_that_is_none() -> None:
    with pytest.raises(WrongProfile, match="'nobody'"):
        try_text(RULES, "x", ["floor", "nobody"])


def test_days_without_any_are_drawn_and_rare_rules_are_one_part() -> None:
    day = datetime.date
    rows = [
        {"day": day(2026, 11, 20), "rule": "card", "values": 3},
        {"day": day(2026, 11, 22), "rule": "iban", "values": 2},
        {"day": day(2026, 11, 22), "rule": "email", "values": 4},
    ]
    chart = over_time(rows, ["card"])
    assert "11-21" in chart
    assert "card 3" in chart
    assert "other rules 6" in chart
    assert over_time([], []) == ""
