"""A full disk is said: the engine itself would answer an insert by its streaming interface as done."""

from typing import Any

import pytest

from audit.store.engine import SPARE_BYTES, Handle
from audit.store.faults import Fault

DATA = b"x" * 1000


class Raw:
    """As chDB 4.4 answers: rows written, whatever became of them."""

    def __init__(self) -> None:
        self.inserted: list[bytes] = []

    def send_insert(self, head: str, form: str) -> "Raw":
        return self

    def insert_append(self, inserter: "Raw", data: bytes) -> None:
        self.inserted.append(data)

    def insert_done(self, inserter: "Raw") -> Any:
        return self

    def rows_written(self) -> int:
        return 1


def handle(*free: int) -> tuple[Raw, Handle]:
    raw, left = Raw(), iter(free)
    return raw, Handle(raw, "audit", lambda: next(left))


def test_with_room_it_is_written() -> None:
    raw, store = handle(SPARE_BYTES + 2000, SPARE_BYTES)
    assert store.insert("INSERT INTO t", "TSV", DATA) == 1
    assert raw.inserted == [DATA]


def test_without_room_nothing_is_asked_of_the_engine() -> None:
    raw, store = handle(SPARE_BYTES + 1999)
    with pytest.raises(Fault) as refused:
        store.insert("INSERT INTO t", "TSV", DATA)
    assert (refused.value.code, refused.value.name, raw.inserted) == (243, "NOT_ENOUGH_SPACE", [])


def test_room_that_went_away_meanwhile_is_a_doubt() -> None:
    _, store = handle(SPARE_BYTES + 2000, 1000)
    with pytest.raises(Fault, match="1000 bytes left"):
        store.insert("INSERT INTO t", "TSV", DATA)
