"""The list of builtins a policy may call."""

import pytest

from snapshot.builtins import ALLOWED, REASONS, refusal


@pytest.mark.parametrize("name", sorted(REASONS))
def test_what_has_a_reason_is_refused_with_it(name: str) -> None:
    assert name not in ALLOWED
    assert REASONS[name] in (refusal(name, in_tests=False) or "")


def test_what_nobody_listed_is_refused() -> None:
    assert refusal("a.builtin.of.next.year", in_tests=True) is not None
    assert refusal("glob.match", in_tests=False) is None


def test_only_tests_print() -> None:
    assert refusal("print", in_tests=True) is None
    assert refusal("print", in_tests=False) is not None
