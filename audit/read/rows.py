"""The first rows of any question, as they come: what a page can show of an answer whose size nobody knows."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from audit.read.reader import QueryRefused, Question, Reader

OUTPUT = "JSONCompactEachRowWithNamesAndTypes"
MOST_BYTES = 8 << 20  # of one answer; a row may be large


@dataclass(frozen=True, slots=True)
class Rows:
    columns: tuple[str, ...]
    types: tuple[str, ...]  # ClickHouse's
    rows: tuple[tuple[Any, ...], ...]
    more: bool  # there are others


def first(reader: Reader, question: Question, most: int) -> Rows:
    """Stops reading after `most` rows. Raises QueryRefused, StoreSilent."""
    with contextlib.closing(reader.raw(question, OUTPUT)) as blocks:
        lines = list(islice(_lines(blocks), most + 3))
    try:
        values = [json.loads(line) for line in lines]
    except ValueError:
        raise QueryRefused("the answer is not rows; leave FORMAT out of the question") from None
    if len(values) < 2 or not all(isinstance(value, list) for value in values):
        return Rows((), (), (), False)
    names, types, *rows = (tuple(value) for value in values)
    return Rows(names, types, tuple(rows[:most]), len(rows) > most)


def _lines(blocks: Iterator[bytes]) -> Iterator[bytes]:
    pending, read = b"", 0
    for block in blocks:
        read += len(block)
        if read > MOST_BYTES:
            raise QueryRefused(f"the answer is larger than {MOST_BYTES >> 20} MB; choose fewer rows or columns")
        *lines, pending = (pending + block).split(b"\n")
        yield from lines
    if pending:
        yield pending
