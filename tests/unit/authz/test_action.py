"""What a request asks for: the cases are data, in cases/*.yaml (description, connection, request, want or refused)."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from authz.action import ADDRESSABLE_BYTES, describe
from authz.errors import BodyMalformed
from snapshot.connections import Connection

CASES = [
    pytest.param(case, id=f"{path.stem}: {case['description']}")
    for path in sorted((Path(__file__).parent / "cases").glob("*.yaml"))
    for case in yaml.safe_load(path.read_text("utf-8"))
]


@pytest.mark.parametrize("case", CASES)
def test_case(case: dict[str, Any]) -> None:
    connection = Connection(
        name="c",
        kind=case["input"]["kind"],
        upstream="https://upstream.example",
        sql_fields=tuple(case["input"].get("sql_fields", ())),
    )
    asked = (connection, case["input"].get("method", "POST"), case["input"]["path"], case["input"].get("body"), 10)
    if "refused" in case:
        with pytest.raises(BodyMalformed, match=case["refused"]):
            describe(*asked)
        return
    found = describe(*asked).to_input()
    want = case["want"]
    assert {key: found.get(key) for key in want} == want


def test_large_documents_are_not_laid_before_the_policy() -> None:
    connection = Connection("c", "http", "https://upstream.example")
    assert describe(connection, "POST", "/x", {"a": 1}, ADDRESSABLE_BYTES).to_input()["body"] == {"a": 1}
    found = describe(connection, "POST", "/x", {"a": 1}, ADDRESSABLE_BYTES + 1).to_input()
    assert found == {"kind": "http.request", "body_omitted": True}


def test_the_model_is_a_text_or_nothing() -> None:
    connection = Connection("c", "http", "https://upstream.example")
    assert describe(connection, "POST", "/x", {"model": "m"}, 1).model == ""
