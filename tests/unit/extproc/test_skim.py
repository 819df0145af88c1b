"""A few places of a document, in whatever pieces it comes."""

import json
from typing import Any

import pytest

from extproc import skim as module
from extproc.skim import Skim, want


def skim(document: bytes, *paths: str, count: tuple[str, ...] = (), size: int = 3) -> Skim:
    found = Skim([*(want(path) for path in paths), *(want(path, count=True) for path in count)])
    for at in range(0, len(document), size):
        found.feed(document[at : at + size])
    found.finish()
    return found


DOCUMENT = {"id": "x", "items": [{"a": [1, 2]}, {"a": []}, None, "]"], "usage": {"n": 1.5}, "more": {"items": [1]}}


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
@pytest.mark.parametrize(("path", "length"), [("$.items", 4), ("$.more.items", 1),
                                              ("$.items[*].a", 2), ("$.items[0].a", 2),
                                              ("$.nowhere", 0), ("$.id", 0), ("$", 0), ("$[*]", 0)])  # fmt: skip
def test_lengths(path: str, length: int, size: int) -> None:
    for text in (json.dumps(DOCUMENT), json.dumps(DOCUMENT, indent=3)):
        found = skim(text.encode(), count=(path,), size=size)
        assert (found.counted, found.failed) == (length, False)


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_values(size: int) -> None:
    found = skim(json.dumps(DOCUMENT).encode(), "$.usage", "$.nowhere", count=("$.items",), size=size)
    assert found.taken == [{"n": 1.5}]
    assert found.counted == 4


def test_the_document_itself_may_be_the_list() -> None:
    assert skim(b'[1, {"a": [2]}, "\xc3\xa9"]', count=("$",), size=1).counted == 3
    assert skim(b'[{"u": 1}, {"u": 2}]', "$[*].u", size=1).taken == [1, 2]


def test_several_documents() -> None:
    assert skim(b'{"items": [1]}\n{"items": [2, 3]}\n', count=("$.items",), size=1).counted == 3


@pytest.mark.parametrize("text", [b'{"items": [1, 2', b"<html>", b'{"items": [1, nonsense]}', b'{"items" [1]}',
                                  b"[" * 100_000, b'{1: 2}', b'{"items": [1,'])  # fmt: skip
def test_what_is_no_whole_json_says_so(text: bytes) -> None:
    assert skim(text, count=("$.items",), size=4096).failed


def test_a_cut_list_has_what_had_begun() -> None:
    assert skim(b'{"items": [{"a": 1}, {"a": 2}, {"a"', count=("$.items",)).counted == 3


def test_a_name_twice_counts_twice() -> None:
    assert skim(b'{"items": [1], "items": [2, 3]}', count=("$.items",)).counted == 3


def test_no_value_is_held_without_end(monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "MOST_HELD", 10_000)
    endless = Skim([want("$.items", count=True)])
    for _ in range(100):
        endless.feed(b'{"skipped": "' if _ == 0 else b"x" * 1000)
    assert endless.failed
    assert len(endless._text) + endless._waiting < 30_000


def test_a_long_list_costs_one_record_of_memory() -> None:
    found = Skim([want("$.items", count=True)])
    found.feed(b'{"items": [')
    for _ in range(200):
        found.feed(b'{"name": "x", "values": [1, 2, 3]},' * 100)
        assert len(found._text) < 10_000
    found.feed(b"0]}")
    found.finish()
    assert found.counted == 20_001
