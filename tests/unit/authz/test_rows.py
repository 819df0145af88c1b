"""How many records a request asks for."""

from typing import Any

import pytest

from authz import rows


@pytest.mark.parametrize(("document", "query", "expected"), [
    ({"limit": 500}, {}, 500),
    ({"limit": "500"}, {}, 500),
    ({"limit": 500.0}, {}, 500),
    ({"limit": True}, {}, 0),
    ({"limit": -5}, {}, 0),
    ({"limit": None}, {"limit": ["7", "90", "x"]}, 90),
    ({"limit": 3}, {"limit": ["2"]}, 3),
    ({"limit": float("nan")}, {}, 0),
    ({"limit": 10**300}, {}, 2**53 - 1),
    (None, {"other": ["5"]}, 0),
    ([1], {"limit": ["１２"]}, 0),
])  # fmt: skip
def test_asked(document: Any, query: dict[str, list[str]], expected: int) -> None:
    assert rows.asked(("$.limit", "?limit"), document, query) == expected


def test_where_nothing_is_declared_nothing_is_read() -> None:
    assert rows.asked((), {"limit": 5}, {"limit": ["5"]}) == 0
