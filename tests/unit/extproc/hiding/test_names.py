"""Which names are hidden."""

import pytest

from extproc.hiding.names import Hidden


@pytest.mark.parametrize(
    ("patterns", "hidden", "shown"),
    [
        ([], [], ["a", "", None]),
        (["delete_*"], ["delete_", "delete_x", "delete_a\nb"], ["undelete_x", "Delete_x", "delete"]),
        (["drop.table"], ["drop.table"], ["dropxtable"]),
        (["*"], ["a", "", "a/b"], []),
        (["*", "!search", "!get_*"], ["close", "search2", "xget_"], ["search", "get_", "get_ticket"]),
        (["a*b*c"], ["abc", "aXbYc"], ["ab", "abcd"]),
        (["[a]"], ["[a]"], ["a"]),
    ],
)
def test_patterns(patterns: list[str], hidden: list[str], shown: list[object]) -> None:
    hides = Hidden(patterns)
    assert bool(hides) == bool(patterns)
    assert [name for name in hidden if not hides(name)] == []
    assert [name for name in shown if hides(name)] == []


def test_what_is_no_name_is_hidden_where_anything_is() -> None:
    assert Hidden(["x"])(None)
    assert Hidden(["x"])({"name": "y"})
