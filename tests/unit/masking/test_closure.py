"""The prefix closure matches every beginning of every match, and nothing that no match begins with."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masking import closure
from masking.engine import Regex
from masking.errors import PatternRefused
from masking.pattern import Byte, Repeat, Seq, emit, mask_of, parse

PATTERNS = [
    "abc",
    "a(?:b|cd)e{0,2}f",
    r"[0-9](?:[ -]?[0-9]){3,5}",
    "(?:ab){2,3}c",
    "x[yz]{2,4}(?:w|vu)",
    "(?:a|b(?:c|d)e)f?",
    "[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,3}",
]


def matches(pattern: str, text: str) -> bool:
    return Regex(f"(?:{pattern})\\z").end(text.encode(), 0) == len(text)


@pytest.mark.parametrize("pattern", PATTERNS)
@given(data=st.data())
def test_every_beginning_of_a_match_is_in_the_closure(pattern: str, data: st.DataObject) -> None:
    text = data.draw(st.from_regex(f"\\A(?:{pattern})\\Z", fullmatch=True))
    tree = parse(pattern)
    for cut in range(len(text) + 1):
        assert matches(closure.prefixes(tree), text[:cut])
        assert matches(closure.prefixes(closure.loosened(tree)), text[:cut])
        assert cut == 0 or matches(closure.begun(tree), text[:cut])


@pytest.mark.parametrize("pattern", PATTERNS)
@given(text=st.text("abcdefvwxyz019 -AZ", min_size=1, max_size=6))
def test_what_cannot_go_on_to_a_match_is_not(pattern: str, text: str) -> None:
    """Without inner assertions the closure is exact: what it takes can be completed, which `after` finds out."""
    left = [parse(pattern)]
    for byte in text.encode():
        left = [rest for node in left for rest in closure.after(node, 1 << byte)]
    assert matches(closure.prefixes(parse(pattern)), text) == bool(left)


def test_begun_does_not_take_the_empty_text() -> None:
    assert Regex(f"(?:{closure.begun(parse('abc'))})\\z").find(b"xyz") == (-1, -1)
    assert Regex(f"(?:{closure.begun(parse('(?:a|bc)d'))})\\z").find(b"xb") == (1, 2)


def test_a_leading_boundary_is_kept_and_inner_ones_are_not() -> None:
    text = closure.prefixes(parse(r"\bab\b c"))
    regex = Regex(rf"(?:{text})\z")
    assert regex.find(b"xab")[0] == -1 or regex.find(b"xab")[0] == 3
    assert regex.find(b"x ab")[0] == 2


def test_widths() -> None:
    assert closure.width(parse(r"\ba{2,3}(?:bc|d)")) == (3, 5)
    assert closure.width(closure.bound(parse("a+"))) == (1, 256)


def test_a_run_at_the_end_is_swallowed() -> None:
    tree, mask = closure.split_tail(parse(r"sk-[a-z]{4,}\b"), shown=6)
    assert mask == mask_of(b"abcdefghijklmnopqrstuvwxyz")
    assert closure.width(tree) == (7, 9)
    assert closure.split_tail(parse("a{2,5}"), 9) == (parse("a{2,5}"), 0)
    assert closure.split_tail(parse("(?:ab)+"), 9)[1] == 0


@pytest.mark.parametrize(("pattern", "words"), [("a*", "empty"), ("a{0,2}b?", "empty"), (r"[a-z]{1000}" * 3, "3000")])
def test_patterns_that_cannot_be_rules(pattern: str, words: str) -> None:
    with pytest.raises(PatternRefused, match=words):
        closure.checked(parse(pattern))


def test_first_and_last_bytes() -> None:
    assert closure.first(parse("a?(?:b|c)d")) == (mask_of(b"abc"), False)
    assert closure.first(parse("a*")) == (mask_of(b"a"), True)
    assert closure.last(parse("a(?:b|c)d?")) == (mask_of(b"bcd"), False)


def test_runs_after_a_beginning_share_one_thread() -> None:
    pairs = [closure.run_after(closure.loosened(parse(p))) for p in (r"\bsk-[a-z]{20,84}", r"\bghp_[A-Z]{36,99}")]
    assert all(pairs)
    shared = Regex(f"(?:{closure.shared_prefixes([pair for pair in pairs if pair])})\\z")
    for text in (b"x s", b"x sk-", b"x sk-abc", b"x ghp_ABC"):
        assert shared.find(text)[0] == 2
    assert shared.find(b"x tk-abc")[0] in (-1, 8)
    assert closure.run_after(parse("sk-[a-z]+")) is None
    assert closure.run_after(parse(r"\bab+")) is None


def test_swallowing_ends_at_the_first_foreign_byte() -> None:
    assert Regex(closure.swallowed(mask_of(b"abc"))).find(b"abcad") == (4, 5)


def test_the_tree_read_backwards() -> None:
    assert closure.mirrored(parse("ab{2}")) == Seq((Repeat(Byte(mask_of(b"b")), 2, 2), Byte(mask_of(b"a"))))
    assert emit(closure.bare(parse(r"a\bb"))) == "ab"
