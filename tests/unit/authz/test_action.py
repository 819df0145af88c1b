"""What a request asks for: the cases are data, in cases/*.yaml (description, connection, request, want or refused)."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from authz.action import ADDRESSABLE_BYTES, Asked, describe
from authz.errors import BodyMalformed
from snapshot.connections import Connection

CASES = [
    pytest.param(case, id=f"{path.stem}: {case['description']}")
    for path in sorted((Path(__file__).parent / "cases").glob("*.yaml"))
    if path.stem != "sql"  # test_sql.py
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
    method, query = case["input"].get("method", "POST"), case["input"].get("query", {})
    asked = (connection, Asked(method, case["input"]["path"], case["input"].get("body"), 10, query))
    if "refused" in case:
        with pytest.raises(BodyMalformed, match=case["refused"]):
            describe(*asked)
        return
    found = describe(*asked).to_input()
    want = case["want"]
    assert only(found, want) == want


def only(found: Any, want: Any) -> Any:
    """Of what was found, the parts that a case names."""
    if isinstance(want, dict) and isinstance(found, dict):
        return {key: only(found.get(key), want[key]) for key in want}
    if isinstance(want, list) and isinstance(found, list) and len(want) == len(found):
        return [only(one, other) for one, other in zip(found, want, strict=True)]
    return found


def test_large_documents_are_not_laid_before_the_policy() -> None:
    connection = Connection("c", "http", "https://upstream.example")
    assert describe(connection, Asked("POST", "/x", {"a": 1}, ADDRESSABLE_BYTES)).to_input()["body"] == {"a": 1}
    found = describe(connection, Asked("POST", "/x", {"a": 1}, ADDRESSABLE_BYTES + 1)).to_input()
    assert found == {"kind": "http.request", "body_omitted": True}


def test_contents_of_large_mcp_messages_are_not_laid_before_the_policy() -> None:
    connection = Connection("c", "mcp", "https://upstream.example")
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "t", "arguments": {"a": 1}}}
    found = describe(connection, Asked("POST", "/", call, ADDRESSABLE_BYTES + 1)).to_input()
    assert found["mcp"]["messages"] == [{"kind": "request", "method": "tools/call", "tool": "t", "omitted": True}]


def test_the_model_is_a_text_or_nothing() -> None:
    connection = Connection("c", "http", "https://upstream.example")
    assert describe(connection, Asked("POST", "/x", {"model": "m"}, 1)).model == ""
