"""What of the samples a client could read in what it received, in order, also if only for a moment. Pure."""

import base64
import contextlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import unquote_plus

from bench.leak.samples import CUT, Sample

_ESCAPE = re.compile(r'\\(?:u([0-9a-fA-F]{4})|(["\\/bfnrt]))')
_BASE64 = re.compile(r"[A-Za-z0-9+/]{24,}")
_SHORT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_INDEXES = ("type", "event", "index", "output_index", "content_index", "id")


def leaked(received: bytes, wanted: Sequence[Sample]) -> dict[str, int]:
    """Sample → how many of its bytes stand in the received bytes in pieces of six or more, in any readable form."""
    shown = list(forms(received))
    return {sample.name: size for sample in wanted if (size := _covered(sample.pieces, shown))}


def _covered(pieces: Sequence[str], shown: Sequence[str]) -> int:
    hit: set[int] = set()
    for at, piece in enumerate(pieces):
        if any(piece in form for form in shown):
            hit.update(range(at, at + CUT))
    return len(hit)


def forms(received: bytes) -> Iterator[str]:
    """The bytes as they came; with JSON escapes read, twice; and each string of the events joined over all events."""
    raw = received.decode("utf-8", "replace")
    yield from _read(raw)
    for joined in channels(received).values():
        yield from _read(joined)


def _read(text: str) -> Iterator[str]:
    yield text
    if "%" in text or "+" in text:
        yield unquote_plus(text)
    for run in _BASE64.findall(text):
        yield from (_decoded(run[at:]) for at in range(4))  # wherever it began
    for _ in range(2):
        if "\\" not in text:
            return
        text = unescaped(text)
        yield text


def _decoded(run: str) -> str:
    whole = run[:-1] if len(run) % 4 == 1 else run
    return base64.b64decode(whole + "=" * (-len(whole) % 4)).decode("latin-1")


def unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda m: chr(int(m[1], 16)) if m[1] else _SHORT.get(m[2], m[2]), text)


def channels(received: bytes) -> dict[tuple[Any, ...], str]:
    """Every place in the events of a body (SSE, NDJSON, JSON) → its texts of all events, joined in order."""
    found: dict[tuple[Any, ...], list[str]] = {}
    for document in documents(received):
        if isinstance(document, str):
            found.setdefault(("bare",), []).append(document)
            continue
        kind = tuple(str(document.get(name)) for name in _INDEXES) if isinstance(document, dict) else ()
        for path, leaf in leaves(document):
            found.setdefault((*kind, *path), []).append(leaf)
    return {place: "".join(texts) for place, texts in found.items()}


def documents(received: bytes) -> Iterator[Any]:
    """The JSON values of a body, or its texts where they are none."""
    body = received.partition(b"\r\n\r\n")[2]
    with contextlib.suppress(ValueError):
        yield json.loads(body)
        return
    for line in re.split(r"\r\n|\r|\n", body.decode("utf-8", "replace")):
        if line.startswith("data:"):
            line = line[5:].removeprefix(" ")
        elif ":" in line and not line.startswith(("{", "[")):
            continue
        if not line:
            continue
        try:
            yield json.loads(line)
        except ValueError:
            yield line


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], str]]:
    if isinstance(value, dict | list):
        inner: Iterable[tuple[Any, Any]] = value.items() if isinstance(value, dict) else enumerate(value)
        for key, each in inner:
            yield from leaves(each, (*path, key))
    elif isinstance(value, str):
        yield path, value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path, str(value)
