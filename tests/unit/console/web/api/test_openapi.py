"""The document says what there is."""

import re

from console.web.api.openapi import document
from console.web.api.operation import PREFIX
from console.web.api.operations import OPERATIONS

DOCUMENT = document(OPERATIONS, "1")


def test_every_operation_is_in_it_once() -> None:
    found = [told["operationId"] for methods in DOCUMENT["paths"].values() for told in methods.values()]
    assert sorted(found) == sorted({each.name for each in OPERATIONS})
    assert all(path.startswith(PREFIX) for path in DOCUMENT["paths"])


def test_every_reference_leads_somewhere() -> None:
    text = repr(DOCUMENT)
    for name in re.findall(r"'#/components/schemas/(\w+)'", text):
        assert name in DOCUMENT["components"]["schemas"]


def test_inputs_are_closed() -> None:
    for each in OPERATIONS:
        if each.body:
            assert DOCUMENT["components"]["schemas"][each.body.__name__]["additionalProperties"] is False, each.name


def test_what_changes_something_is_a_post() -> None:
    assert {each.method for each in OPERATIONS if each.name in ("grant", "refuse", "verify", "backtest")} == {"POST"}
