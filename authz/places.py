"""What stands at a path of a document that a connection declares: `$.batch[*].sql`. Pure."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

STEP = re.compile(r"\.([A-Za-z_][A-Za-z0-9_-]*)|\[(\*|[0-9]+)\]")


def at(document: Any, path: str) -> Iterator[object]:
    """Anything may stand there; nothing where the path leads nowhere."""
    yield from _at(document, STEP.findall(path))


def _at(value: Any, steps: Sequence[tuple[str, str]]) -> Iterator[object]:
    if not steps:
        yield value
        return
    (name, index), rest = steps[0], steps[1:]
    if name and isinstance(value, dict) and name in value:
        yield from _at(value[name], rest)
    elif index and isinstance(value, list):
        chosen = value if index == "*" else value[int(index) : int(index) + 1]
        for item in chosen:
            yield from _at(item, rest)
