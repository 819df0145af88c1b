"""What stands at a declared path."""

from authz import places


def test_paths() -> None:
    document = {"a": [{"b": 1}, {"b": [2]}, 3], "c-d": {"_e": None}}
    assert list(places.at(document, "$.a[*].b")) == [1, [2]]
    assert list(places.at(document, "$.a[2]")) == [3]
    assert list(places.at(document, "$.c-d._e")) == [None]
    assert list(places.at(document, "$.a.b")) == list(places.at(document, "$.a[9]")) == []
