"""Reading patterns: what becomes of them, and what is refused with which words."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masking.engine import Regex
from masking.errors import PatternRefused
from masking.pattern import ALL, DIGITS, Alt, Byte, Repeat, Seq, emit, fold, mask_of, members, parse


def test_single_bytes_and_classes_become_sets() -> None:
    assert parse("a") == Byte(mask_of(b"a"))
    assert parse("[0-9]") == parse(r"\d") == Byte(DIGITS)
    assert parse("[^0-9]") == parse(r"\D") == Byte(ALL & ~DIGITS)
    assert parse("a|b") == Byte(mask_of(b"ab"))
    assert parse("(?i)a") == parse("a", ignore_case=True) == Byte(mask_of(b"aA"))
    assert parse("(?i:a)b") == Seq((Byte(mask_of(b"aA")), Byte(mask_of(b"b"))))
    assert parse("(?s:.)") == Byte(ALL)
    assert 10 not in members(parse(".").mask)  # type: ignore[union-attr]


def test_characters_beyond_ascii_are_their_bytes() -> None:
    assert parse("é") == Seq((Byte(mask_of(b"\xc3")), Byte(mask_of(b"\xa9"))))
    both = parse("[aé]")
    assert isinstance(both, Alt)
    assert Regex(emit(parse("é{2}"))).find("xéé".encode()) == (1, 5)


def test_fold_closes_over_case() -> None:
    assert set(members(fold(mask_of(b"aZ1")))) == set(b"aAzZ1")


def test_repeats_keep_their_bounds() -> None:
    assert parse("a{2,5}?") == Repeat(Byte(mask_of(b"a")), 2, 5, lazy=True)
    assert parse("a+") == Repeat(Byte(mask_of(b"a")), 1, None)


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("(?=a)b", "look-around"),
        ("(?<!a)b", "look-around"),
        (r"(a)\1", "back references"),
        ("^a", "anchors"),
        (r"a\Z", "anchors"),
        ("(?>a)", "atomic"),
        ("a++", "possessive"),
        ("[é-ü]", "ASCII"),
        ("[^é]", "ASCII"),
        ("(a", "not a valid pattern"),
        ("[", "not a valid pattern"),
        (r"[^\x00-\xff]", "ASCII"),
        ("[[:digit:]]{4}", "classes within classes"),
        ("[[({]x", r"nested set at position [01]: in a class, put a backslash before a bracket"),
        ("[0-9--a]", r"set difference at position 4: .*between doubled signs"),
    ],
)
def test_refusals_speak_to_the_author(pattern: str, words: str) -> None:
    with pytest.raises(PatternRefused, match=words):
        parse(pattern)


SOME = st.sampled_from(
    [r"a[bc]{1,3}d?", r"\b\d{2}(?:-\d){0,3}\b", r"(?:ab|a)c", r"x(?:y|zz){2}", r"[^ab]c*", r"\w+@\w+", r"\Ba."]
)


@given(SOME, st.text("abcdxyz019 -@", max_size=12))
def test_what_is_emitted_matches_as_the_standard_library_does(pattern: str, text: str) -> None:
    mine = Regex(emit(parse(pattern)).replace(",}", ",}")).find(text.encode())
    theirs = re.compile(pattern.encode()).search(text.encode())
    assert mine == (theirs.span() if theirs else (-1, -1))
