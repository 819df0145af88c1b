import re

import pytest

from masking.boundaries import possible
from masking.closure import bound
from masking.pattern import WORD, parse

NEVER = (
    r"a\bb",
    r"a\B-",
    r"-\b-",
    r"\b\Ba",
    r"\ba\b[0-9]+",
    r"(?:a\b){2}",
    r"(?:ab|c)\b_",
    r"(?:-\b){1,3}[./]",
    r"a(?:\b|\b\b)b",
)
EVER = (
    r"a\b-",
    r"\ba\b",
    r"a\bb|c",
    r"a\b[-b]",
    r"(?:a\b-?){2}",
    r"(?:a\b){0,2}b",
    r"(?:-\b){1,3}[.a]",
    r"(?:a-?\b){3}",
    r"\Ba\B",
    r"[^a]\b\b[0-9]{4}",
)


@pytest.mark.parametrize("pattern", NEVER)
def test_patterns_that_contradict_themselves(pattern: str) -> None:
    assert not possible(bound(parse(pattern)))


@pytest.mark.parametrize("pattern", EVER)
def test_patterns_that_match_something(pattern: str) -> None:
    assert possible(bound(parse(pattern)))


def test_what_is_said_agrees_with_trying_texts() -> None:
    texts = [f"{a}{b}{c}{d}" for a in "a- " for b in ("", "a", "-") for c in ("", "b", ".") for d in ("", "b", "4")]
    for pattern in ("a{}b", "-{}b", "a{}-", "-{}[.]", "[-a]{}b", "(?:a{}|-)b", "(?:[a-]{}){{2}}b?"):
        for sign in (r"\b", r"\B"):
            tried = pattern.format(sign)
            assert possible(bound(parse(tried))) == any(re.search(tried, text) for text in texts), tried


def test_the_byte_before_counts() -> None:
    tree = bound(parse(r"\b4"))
    assert possible(tree)
    assert not possible(tree, WORD)
