"""JSON that has one meaning: what we read is what any other reader would read, or we do not read it.

Refused, beyond what RFC 8259 forbids: duplicate names in an object (§4 leaves their meaning open, and readers differ),
NaN, Infinity and what overflows to it, lone surrogates (RFC 7493 §2.1), a byte order mark, and nesting deeper than
the caller allows.
"""

import json
import re
from math import isinf
from typing import Any, NoReturn

SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class NotStrict(ValueError):
    """Not JSON of one meaning. The message names the rule and quotes nothing."""


def loads(data: bytes, *, max_depth: int) -> Any:
    """The value of `data`, UTF-8; `max_depth` counts nested objects and arrays. Raises NotStrict."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise NotStrict("not UTF-8") from None
    try:
        value = json.loads(text, object_pairs_hook=_distinct, parse_constant=_no_constant, parse_float=_finite)
    except NotStrict:
        raise
    except RecursionError:
        raise NotStrict("nested too deeply") from None
    except ValueError:  # also integers of more digits than Python converts (4300)
        raise NotStrict("not JSON") from None
    # each level costs an opening byte, so most bodies need no walk
    if data.count(b"{") + data.count(b"[") > max_depth and deeper_than(value, max_depth):
        raise NotStrict("nested too deeply")
    if SURROGATE.search(data):
        _no_lone_surrogates(value)
    return value


def deeper_than(value: Any, limit: int) -> bool:
    """Whether objects and arrays nest deeper than `limit`; level by level, so it needs no stack."""
    level = [value]
    for _ in range(limit + 1):
        level = [item for item in level if isinstance(item, dict | list)]
        if not level:
            return False
        level = [child for item in level for child in (item.values() if isinstance(item, dict) else item)]
    return True


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotStrict("an object names a member twice")
    return members


def _no_constant(_: str) -> NoReturn:
    raise NotStrict("NaN and Infinity are not JSON")


def _finite(text: str) -> float:
    """Python reads 1e999 as infinity, which no JSON can say."""
    value = float(text)
    if isinf(value):
        raise NotStrict("a number is too large")
    return value


def _no_lone_surrogates(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise NotStrict("a string holds half of a surrogate pair") from None
