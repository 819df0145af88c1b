"""What a format is, and the small parts that all formats are made of."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bench.leak.samples import Sample

SSE, JSON = "text/event-stream; charset=utf-8", "application/json"
Channels = list[list[str]]
"""Per place in which a client finds the text: its pieces, in order. The first are the deltas."""
# Where a request goes: (connection, method, path under it).
CLAUDE = ("anthropic", "POST", "/v1/messages")
CHAT = ("openai", "POST", "/v1/chat/completions")
RESPONSES = ("openai", "POST", "/v1/responses")
OTHER = ("played", "GET", "/play")
Route = tuple[str, str, str]


def same(text: str) -> str:
    return text


def quoted(text: str) -> str:
    """As it stands between the quotes of a JSON string."""
    return json.dumps(text)[1:-1]


def twice(text: str) -> str:
    return quoted(quoted(text))


def note(text: str) -> str:
    """A tool's arguments, or another small JSON document, with the text in it."""
    return json.dumps({"note": text, "limit": 3})


def of_note(text: str) -> str:
    """The text in such a document; what is no such document is shown as it is."""
    try:
        return str(json.loads(text)["note"])
    except (ValueError, LookupError, TypeError):
        return text


def everything(_: Sample) -> bool:
    return True


@dataclass(frozen=True)
class Format:
    """`carry` makes what is told of the text, `told` says how a sample stands in it, `wire` how in the bytes.

    `play`: pieces of what is told → the parts of a body. `read`: the received documents → a client's channels;
    `taken`: a channel's text → the text. `deltas`: told in pieces. `common`: its text is the one of all formats.
    `encoding`: it comes compressed, and the cuts of the wire are cuts of the compressed bytes.
    """

    name: str
    route: Route
    media: str
    play: Callable[[Sequence[str]], list[bytes]]
    read: Callable[[list[Any]], Channels]
    carry: Callable[[str], str] = same
    told: Callable[[str], str] = same
    wire: Callable[[str], str] = quoted
    taken: Callable[[str], str] = same
    wanted: Callable[[Sample], bool] = everything
    deltas: bool = True
    common: bool = True
    in_head: bool = False
    encoding: str = ""


def named(kind: str, **data: Any) -> bytes:
    return f"event: {kind}\n".encode() + plain({"type": kind, **data})


def plain(data: Any) -> bytes:
    return f"data: {json.dumps(data, separators=(',', ':'))}\n\n".encode()


def typed(documents: Sequence[Any], kind: str) -> list[dict[str, Any]]:
    return [each for each in documents if isinstance(each, dict) and each.get("type") == kind]
