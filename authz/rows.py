"""How many records a request asks for, where its connection declares that it says so. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from authz import places

NUMBER = re.compile(r"[0-9]{1,15}")


def asked(declared: Sequence[str], document: Any, query: Mapping[str, Sequence[str]]) -> int:
    """The largest whole number at `declared` (`connections.rows_asked`); 0 where none says anything.

    Numbers that come as text count, as lenient upstreams read them.
    """
    return max((_whole(value) for place in declared for value in _at(place, document, query)), default=0)


def _at(place: str, document: Any, query: Mapping[str, Sequence[str]]) -> Iterator[object]:
    if place.startswith("?"):
        yield from query.get(place[1:], ())
    else:
        yield from places.at(document, place)


def _whole(value: object) -> int:
    if isinstance(value, str) and NUMBER.fullmatch(value.strip()):
        return int(value)
    if isinstance(value, float):
        value = int(value) if value == value and abs(value) < 1 << 53 else 0
    return max(0, min(value, (1 << 53) - 1)) if type(value) is int else 0
