"""A call as people see it."""

from extproc.tools import Call
from tests.kit.held_tools import SQL


def test_a_call_shows_no_arguments_in_a_repr() -> None:
    assert "DROP" not in repr(Call("0", "execute_sql", SQL))
