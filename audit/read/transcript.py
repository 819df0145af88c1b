"""What a recorded stream said, for people: text out of Anthropic, OpenAI Chat and OpenAI Responses bodies. Pure.

A frame may end anywhere, so events are put together across frames. What is not understood is shown as it was recorded.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from audit.read.timeline import Frame


class Transcript:
    """`feed(frame)` → pieces of text, in order. One object per exchange and direction."""

    def __init__(self) -> None:
        self._pending = b""
        self._document = b""

    def feed(self, frame: Frame) -> str:
        """What this frame adds; empty while an event or a JSON document is still incomplete."""
        if frame.media.startswith("text/event-stream"):
            self._pending += frame.content
            *lines, self._pending = self._pending.replace(b"\r\n", b"\n").split(b"\n")
            return "".join(_event_text(line) for line in lines)
        if "json" in frame.media:
            return self._json(frame.content)
        return frame.content.decode("utf-8", "replace")

    def finish(self) -> str:
        """What never became complete, as it was recorded."""
        rest, self._pending, self._document = self._document + self._pending, b"", b""
        return rest.decode("utf-8", "replace")

    def _json(self, content: bytes) -> str:
        """A document may lie in several frames: shown once it parses."""
        self._document += content
        try:
            text = document_text(json.loads(self._document))
        except (ValueError, RecursionError):  # not whole yet, or nested beyond sense: `finish` shows it as it is
            return ""
        self._document = b""
        return text


def document_text(value: Any) -> str:
    """The conversation of a request or answer that we know, else the document, indented."""
    said = list(_said(value)) if isinstance(value, dict) else []
    return "\n".join(said) if said else json.dumps(value, ensure_ascii=False, indent=2)


def _said(document: dict[str, Any]) -> Iterator[str]:
    if document.get("system"):
        yield f"system: {_content(document['system'])}"
    if document.get("instructions"):
        yield f"system: {_content(document['instructions'])}"
    for message in map(_dict, _list(document.get("messages")) or _list(document.get("input"))):
        yield f"{message.get('role', message.get('type', '?'))}: {_content(message)}"
    if isinstance(document.get("input"), str):
        yield f"user: {document['input']}"
    for choice in map(_dict, _list(document.get("choices"))):
        yield _content(choice.get("message"))
    if document.get("type") == "message" and "content" in document:
        yield _content(document)
    for item in _list(document.get("output")):
        yield _content(item)


def _content(value: Any) -> str:
    """Text of a message, a content block or a list of them; tool use as `[name arguments]`."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n".join(filter(None, (_content(item) for item in value)))
    if not isinstance(value, dict):
        return ""
    called = "".join(_call(_dict(call.get("function"))) for call in map(_dict, _list(value.get("tool_calls"))))
    if value.get("type") in ("tool_use", "function_call"):
        return _call(value)
    return _content(value.get("content", value.get("text", ""))) + called


def _call(call: dict[str, Any]) -> str:
    arguments = call.get("input", call.get("arguments", ""))
    shown = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return f"[{call.get('name', 'tool')} {shown}]"


def _event_text(line: bytes) -> str:
    """What one line of a server-sent-event stream adds to the text; nothing for lines that carry no text."""
    if not line.startswith(b"data:"):
        return ""
    try:
        event = json.loads(line[5:])
    except (ValueError, RecursionError):
        return ""
    return "".join(_delta(_dict(event)))


def _delta(event: dict[str, Any]) -> Iterable[str]:
    delta = event.get("delta")
    if isinstance(delta, str):  # OpenAI Responses: response.output_text.delta and its like
        yield delta
    elif isinstance(delta, dict):  # Anthropic: content_block_delta
        yield str(delta.get("text") or delta.get("thinking") or delta.get("partial_json") or "")
    block = _dict(event.get("content_block"))
    if block.get("type") == "tool_use":
        yield f"\n[{block.get('name', 'tool')} "
    for choice in map(_dict, _list(event.get("choices"))):  # OpenAI Chat
        part = _dict(choice.get("delta"))
        yield str(part.get("content") or "")
        for call in map(_dict, _list(part.get("tool_calls"))):
            function = _dict(call.get("function"))
            yield f"\n[{function['name']} " if function.get("name") else ""
            yield str(function.get("arguments") or "")
    if error := _dict(event.get("error")):
        yield f"\n[error: {error.get('message', error.get('type', ''))}]"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
