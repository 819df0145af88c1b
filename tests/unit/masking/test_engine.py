import pytest

from masking.engine import Regex, RegexSet
from masking.errors import PatternRefused


def test_offsets_are_bytes() -> None:
    assert Regex("b+").find("ébb".encode()) == (2, 4)
    assert Regex("b+").find(b"abb", 2) == (2, 3)
    assert Regex("x").find(b"abb") == (-1, -1)


def test_a_match_at_a_place_sees_the_byte_before() -> None:
    regex = Regex(r"\bb+")
    assert regex.end(b"abb", 1) == -1
    assert regex.end(b" bb", 1) == 3


def test_longest_takes_the_longest_arm() -> None:
    assert Regex("a|ab").find(b"ab") == (0, 1)
    assert Regex("a|ab", longest=True).find(b"ab") == (0, 2)


def test_refusals_carry_the_engine_s_reason() -> None:
    with pytest.raises(PatternRefused, match=r"RE2 refuses it: .*repetition"):
        Regex("a{2000}")


def test_a_set_names_the_patterns_that_match() -> None:
    patterns = RegexSet(["ab", "bc", "x"])
    assert sorted(patterns.matching(b"abc")) == [0, 1]
    assert list(patterns.matching(b"nothing")) == [0, 1, 2]  # the caller knows that one does: ask them all
