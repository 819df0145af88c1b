"""JSON of one meaning."""

import pytest

from runtime.strict_json import NotStrict, deeper_than, loads


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":2}', '{"x":{"a":1,"\\u0061":2}}', "NaN", "[Infinity]", "[-Infinity]", '"\\ud800"', '{"\\udc00":1}',
        "", "{", "[1,]", "{'a':1}", "01", "\ufeff{}", "[" * 200_000, '{"a":' * 3 + "1" + "}" * 3 + " x",
    ],
)  # fmt: skip
def test_what_has_no_one_meaning_is_refused(text: str) -> None:
    with pytest.raises(NotStrict):
        loads(text.encode("utf-8", "surrogatepass"), max_depth=100)


@pytest.mark.parametrize("data", [b"\xff", b'"\xed\xa0\x80"', b'"\xc0\xaf"', "{}".encode("utf-16")])
def test_what_is_not_utf8_is_refused(data: bytes) -> None:
    with pytest.raises(NotStrict):
        loads(data, max_depth=10)


@pytest.mark.parametrize(("text", "depth"), [("1", 0), ("[]", 1), ('{"a":[{}]}', 3), ("[[],[],[[]]]", 3)])
def test_depth_counts_objects_and_arrays(text: str, depth: int) -> None:
    value = loads(text.encode(), max_depth=depth)
    assert not deeper_than(value, depth)
    if depth:
        assert deeper_than(value, depth - 1)
        with pytest.raises(NotStrict, match="deep"):
            loads(text.encode() + b" ", max_depth=depth - 1)


def test_a_whole_surrogate_pair_is_a_character() -> None:
    assert loads(b'"\\ud83d\\ude00"', max_depth=1) == "😀"


def test_braces_in_strings_do_not_count() -> None:
    assert loads(b'{"a":"[[[[{{{{"}', max_depth=1) == {"a": "[[[[{{{{"}


def test_the_message_quotes_nothing() -> None:
    with pytest.raises(NotStrict) as caught:
        loads(b'{"planted-secret":1,"planted-secret":2}', max_depth=3)
    assert "planted" not in str(caught.value)
