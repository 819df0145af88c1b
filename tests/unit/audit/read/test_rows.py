"""The first rows of an answer."""

from collections.abc import Generator

import pytest

from audit.read.reader import QueryRefused, Question
from audit.read.rows import MOST_BYTES, first


class Answering:
    """A reader whose store answers these blocks."""

    def __init__(self, *blocks: bytes) -> None:
        self.blocks, self.closed = blocks, False

    def raw(self, question: Question, output: str) -> Generator[bytes, None, None]:
        try:
            yield from self.blocks
        finally:
            self.closed = True


def test_it_stops_after_the_first_ones_and_says_that_there_are_more() -> None:
    reader = Answering(b'["n"]\n["UIn', b't8"]\n[1]\n[2]', b"\n[3]\n", b"never")
    found = first(reader, Question("q", "…"), 2)  # type: ignore[arg-type]
    assert (found.columns, found.types, found.rows, found.more) == (("n",), ("UInt8",), ((1,), (2,)), True)
    assert reader.closed


def test_an_answer_without_rows() -> None:
    assert first(Answering(b'["n"]\n["UInt8"]\n'), Question("q", "…"), 2).rows == ()  # type: ignore[arg-type]
    assert first(Answering(), Question("q", "…"), 2).columns == ()  # type: ignore[arg-type]


def test_what_is_not_rows_is_said() -> None:
    with pytest.raises(QueryRefused, match="FORMAT"):
        first(Answering(b"n\n1\n"), Question("q", "…"), 2)  # type: ignore[arg-type]
    with pytest.raises(QueryRefused, match="larger"):
        first(Answering(b"x" * (MOST_BYTES + 1)), Question("q", "…"), 2)  # type: ignore[arg-type]
