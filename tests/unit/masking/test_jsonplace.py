"""Where a document is being read, after regions that were skipped."""

import pytest

from masking.jsonplace import MAX_SKIPPED, Place
from masking.scope import spell


def skipped(*parts: bytes) -> str:
    place = Place()
    for part in parts:
        place.skip(part)
    return spell(place.path())


@pytest.mark.parametrize(
    ("document", "where"),
    [
        (b'{"a": ', "$.a"),
        (b'[{"id":1,"tags":["x","{"],"amount":{"v":1}},{"id":2,"who" : ', "$[*].who"),
        (b'{"a":{"b":{"c":[1,2]},"d":[[{}],[', "$.a.d[*][*]"),
        (b'{"a":[{"b":1}, {"c":2}\n,{"d":', "$.a[*].d"),
        (b'{"a":{"b":1}}\n{"c":', "$.c"),
        (b'{"a":[[1],[2],[', "$.a[*][*]"),
        (b'{"a":{"x":[]},"b":{"y":{}},"c":{"z":', "$.c.z"),
        (b'}}]{"a":', "$.a"),
        (b"[1, 2, ", "$[*]"),
        (b'"text" ', "$"),
    ],
)
def test_the_place_after_what_was_skipped(document: bytes, where: str) -> None:
    assert skipped(document) == where


def test_pieces_add_up() -> None:
    assert skipped(b'{"a":', b'{"b":1,"c":{', b'"d":2},"e":[', b'{"f":1},{"g":') == "$.a.e[*].g"


def test_what_is_read_in_between_counts() -> None:
    place = Place()
    place.skip(b'{"a":{')
    place.key("b")
    assert place.path() == ("a", "b")
    place.close()
    place.key("c")
    place.open(True)
    place.element()
    assert place.path() == ("c", 1)


def test_after_a_very_long_region_only_the_last_key_is_told() -> None:
    assert skipped(b'{"a":[' + b"0," * MAX_SKIPPED + b'0],"last":') == "$..last"
