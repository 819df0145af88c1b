"""Answers of an MCP server: hidden tools leave its lists, and it may ask of its client only what is allowed. Pure.

Runs before masking, on what the server said; the digest of a definition is of that, so that it is the same for
everybody. An event or a document that nothing changes leaves as it came. What is no JSON-RPC is refused: a client might
read in it what nobody here did.

A request that is not allowed is let through under a method that no client has, with its id: the client answers the
server that it does not know it, and nobody waits. A result that embeds such a request (`inputRequests`, specification
2026-07-28) becomes an error.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from extproc.hiding.names import Hidden
from masking import Uninspectable
from masking.frames import Event, Framer
from runtime import strict_json

MAX_JSON = 16 << 20  # bytes of an answer that is one document; it is kept whole
MAX_DEPTH = 128
ALWAYS = "ping"  # says nothing and asks nothing
REFUSED_METHOD = "exeat/refused"
REFUSED_CODE = -32000
MEMBERS = frozenset({"jsonrpc", "id", "method", "params", "result", "error"})
SPELT = {"tools": "tools", "inputrequests": "inputRequests"}  # a client in Go reads them in any case
Body = dict[str, Any]


@dataclass
class Seen:
    """What passed since the last time: digests by tool, names taken out, (method, whether it was let through)."""

    definitions: dict[str, str] = field(default_factory=dict)
    hidden: list[str] = field(default_factory=list)
    requests: list[tuple[str, bool]] = field(default_factory=list)


class Listing:
    """`allowed`: methods that the server may call on its client."""

    def __init__(self, media: str, hidden: Hidden, allowed: Sequence[str]) -> None:
        self._hidden, self._allowed = hidden, frozenset(allowed) | {ALWAYS}
        self._framer = Framer() if media == "text/event-stream" else None
        self._parts: list[bytes] = []
        self._size = 0
        self._seen = Seen()

    def feed(self, data: bytes) -> bytes:
        """What may go on now. Raises Uninspectable."""
        if self._framer is not None:
            return b"".join(self._event(event) for event in self._framer.feed(data))
        self._parts.append(data)
        self._size += len(data)
        if self._size > MAX_JSON:
            raise Uninspectable("an MCP answer is too large to be looked into")
        return b""

    def finish(self) -> bytes:
        """The document; of a stream nothing: what never became an event nobody reads."""
        whole = b"".join(self._parts)
        return self._document(whole) if self._framer is None and whole.strip() else b""

    def take(self) -> Seen:
        taken, self._seen = self._seen, Seen()
        return taken

    def _event(self, event: Event) -> bytes:
        if not event.data or event.name == b"endpoint":  # a URL, in the transport of 2024-11-05
            return event.raw
        changed = self._document(event.data)
        return event.raw if changed == event.data else event.with_data(changed)

    def _document(self, data: bytes) -> bytes:
        try:
            document = strict_json.loads(data, max_depth=MAX_DEPTH)
        except strict_json.NotStrict:
            raise Uninspectable("an MCP message has no one meaning") from None
        messages = document if isinstance(document, list) else [document]
        if not all(isinstance(message, dict) for message in messages):
            raise Uninspectable("an MCP message is no object")
        changed = [self._message(message) for message in messages]
        if changed == messages:
            return data
        told = changed if isinstance(document, list) else changed[0]
        return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")

    def _message(self, message: Body) -> Body:
        if not MEMBERS.issuperset(message):
            raise Uninspectable("an MCP message has a member that JSON-RPC does not have")
        if "method" in message:
            return self._asked(message) if "id" in message else message
        result = message.get("result")
        if not isinstance(result, dict):
            return message
        if any(key.lower() in SPELT and key not in SPELT.values() for key in result):
            raise Uninspectable("a member of an MCP result is spelt in another case")
        asked = result.get("inputRequests")
        if asked is not None and not self._all_allowed(asked):
            return _error(message, "The server asks for something that this gateway does not let it ask for.")
        if isinstance(result.get("tools"), list):
            return {**message, "result": {**result, "tools": self._tools(result["tools"])}}
        return message

    def _asked(self, message: Body) -> Body:
        passes = self._note(message["method"])
        return message if passes else {"jsonrpc": "2.0", "id": message["id"], "method": REFUSED_METHOD}

    def _all_allowed(self, asked: Any) -> bool:
        if not isinstance(asked, Mapping):
            return False
        noted = [self._note(each.get("method") if isinstance(each, dict) else None) for each in asked.values()]
        return all(noted)

    def _note(self, method: Any) -> bool:
        passes = isinstance(method, str) and method in self._allowed and not self._hidden(method)
        if method != ALWAYS:
            self._seen.requests.append((str(method), passes))
        return passes

    def _tools(self, tools: list[Any]) -> list[Any]:
        kept = []
        for tool in tools:
            name = tool.get("name") if isinstance(tool, dict) else None
            if not isinstance(name, str):
                raise Uninspectable("a tool of an MCP server has no name")
            if self._hidden(name):
                self._seen.hidden.append(name)
            else:
                kept.append(tool)
                self._seen.definitions[name] = digest(tool)
        return kept


def digest(tool: Mapping[str, Any]) -> str:
    """Hex SHA-256 of a definition: its sorted, compact JSON. `_meta` is the transport's, no model reads it."""
    told = {key: value for key, value in tool.items() if key != "_meta"}
    text = json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _error(message: Body, sentence: str) -> Body:
    return {"jsonrpc": "2.0", "id": message.get("id"), "error": {"code": REFUSED_CODE, "message": sentence}}
