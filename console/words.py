"""Recorded text, and text of agents that wait, as people may safely see it on a terminal or in a file."""

import datetime
from typing import Any


def cell(value: Any) -> str:
    """One line, for people; control characters cannot move the cursor of who reads it."""
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ", timespec="milliseconds").removesuffix("+00:00")
    text = ", ".join(str(item) for item in value) if isinstance(value, (list, tuple)) else str(value)
    return clean(text).replace("\n", " ")


def clean(text: str) -> str:
    """Recorded text comes from agents and upstreams: escape sequences in it are shown, not obeyed."""
    return "".join(char if char.isprintable() or char in "\n\t" else f"\\x{ord(char):02x}" for char in text)


def printable(text: str, *, lines: bool = False) -> str:
    """Control characters become visible escapes: an agent's text must not move the cursor or rewrite the screen."""
    kept = "\n" if lines else ""
    return "".join(c if c.isprintable() or c in kept else c.encode("unicode_escape").decode() for c in text)


def when(at_us: int) -> str:
    """Of Unix microseconds."""
    moment = datetime.datetime.fromtimestamp(at_us // 1_000_000, datetime.UTC)
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")
