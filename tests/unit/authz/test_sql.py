"""SQL: what is described, what is unparsable, and the tricks that try to hide one statement in another."""

import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from authz.sql import ANY, MAX_NESTING, MAX_SQL, MAX_STATEMENTS, described, statements
from authz.sql.tree import UNPARSABLE

CASES = yaml.safe_load((Path(__file__).parent / "cases" / "sql.yaml").read_text("utf-8"))


@pytest.mark.parametrize("case", CASES["described"], ids=lambda case: str(case["input"])[:60])
def test_described(case: dict[str, Any]) -> None:
    found = statements(case["input"], case.get("dialect", ""))
    want = case["want"] if isinstance(case["want"], list) else [case["want"]]
    assert [{name: each[name] for name in wanted} for each, wanted in zip(found, want, strict=True)] == want


@pytest.mark.parametrize("text", CASES["unparsable"], ids=lambda text: str(text)[:60])
def test_unparsable(text: str) -> None:
    assert "unparsable" in [each["verb"] for each in statements(text)]


@pytest.mark.parametrize("text", CASES["never_a_read"], ids=lambda text: str(text)[:60])
@pytest.mark.parametrize("dialect", ["", "postgres", "mysql", "tsql", "oracle", "sqlite", "snowflake", "bigquery"])
def test_a_trick_is_never_taken_for_a_read(text: str, dialect: str) -> None:
    found = statements(text, dialect)
    assert [each["verb"] for each in found if each["verb"] not in ("select", "explain", "describe", "transaction")]


@pytest.mark.parametrize("text", CASES["no_where"])
@pytest.mark.parametrize("dialect", ANY)
def test_a_where_that_is_true_of_every_row_is_none(text: str, dialect: str) -> None:
    assert [each["where"] for each in statements(f"delete from t where {text}", dialect)] == [False]


@pytest.mark.parametrize("value", [None, 1, ["select 1"], {"a": 1}, "x" * (MAX_SQL + 1), "select\u00a01", "select 1\0"])
def test_what_is_no_text_of_sql_is_unparsable(value: object) -> None:
    assert statements(value) == [UNPARSABLE]


def test_what_the_parser_cannot_read_is_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    statements("create user ada password 'hunter2'")
    assert not caplog.records


def test_the_number_of_statements_is_bounded() -> None:
    assert len(statements(";".join(["select 1"] * MAX_STATEMENTS))) == MAX_STATEMENTS
    assert statements(";".join(["select 1"] * (MAX_STATEMENTS + 1))) == [UNPARSABLE]


def test_all_fields_together_are_bounded() -> None:
    text = "select 1 -- " + "x" * (MAX_SQL // 2)
    found = described({"q": [text, text, "drop table a"]}, ["$.q[*]"])
    assert [each["verb"] for each in found] == ["select", "unparsable", "unparsable"]
    many = described({"q": ["select 1"] * 5000}, ["$.q[*]"])
    assert len(many) == MAX_STATEMENTS + 1
    assert many[-1] == UNPARSABLE


def test_nesting_is_bounded() -> None:
    deep = "(" * (MAX_NESTING + 1) + "1" + ")" * (MAX_NESTING + 1)
    assert statements(f"select {deep}") == [UNPARSABLE]
    for text in ("select " + "not " * 4900 + "1", "select " + "-(" * 50 + "1" + ")" * 50, "select " + "case " * 3000):
        assert statements(text)  # an answer, whatever it is, and no RecursionError


def test_the_worst_text_is_read_in_bounded_time() -> None:
    began = time.process_time()
    statements("select * from t where id in (" + ",".join(str(number) for number in range(3900)) + ")")
    assert time.process_time() - began < 20  # 0.5 s where it was written; no exponential blow-up
