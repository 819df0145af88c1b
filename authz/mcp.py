"""`mcp.call`: JSON-RPC messages that a client sends to an MCP server over streamable HTTP. Pure.

    mcp {messages: [{kind: request | notification | answer, method, tool, arguments, uri, name, params, failed, empty,
                     result}]}

One entry a message, also where there is one only, so that no rule looks at the first of a batch alone. `tool`,
`arguments` are those of `tools/call`, with `definition` {digest, first}: what its server last and first said of it,
where a list with it ever passed; `uri` of `resources/…`, `name` of `prompts/get`, `params` of all others. An
`answer` is what the client says to a request of the server (`sampling/createMessage`, `elicitation/create`): `failed`,
or with its `result`.

    mcp.listen     GET, the stream on which a server speaks unasked
    mcp.end        DELETE, the end of a session

Sources: MCP specification 2025-11-25 (batches: 2025-03-26), JSON-RPC 2.0. Members that JSON-RPC does not have end the
request: a server in Go reads `Method` as `method`, and the last one counts.
"""

from collections.abc import Callable, Mapping
from typing import Any

from authz.errors import BodyMalformed
from usage.definitions import Definition

MAX_MESSAGES = 100
MAX_METHOD = 128
MAX_TEXT = 2048  # a name or a URI
MEMBERS = frozenset({"jsonrpc", "id", "method", "params", "result", "error"})
TEXTS = {"tools/call": ("tool", "name"), "prompts/get": ("name", "name")}
URIS = frozenset({"resources/read", "resources/subscribe", "resources/unsubscribe"})
CONTENTS = frozenset({"arguments", "params", "result"})
Message = dict[str, Any]


def calls(document: Any, *, shown: bool = True) -> dict[str, Any]:
    """The attributes of the action; not `shown`, a large body leaves its contents out and says `omitted`.

    Raises BodyMalformed for what is no JSON-RPC.
    """
    given = document if isinstance(document, list) else [document]
    if not 0 < len(given) <= MAX_MESSAGES:
        raise BodyMalformed(f"A batch has between 1 and {MAX_MESSAGES} messages.")
    found = [_message(each) for each in given]
    return {"mcp": {"messages": found if shown else [_without_contents(each) for each in found]}}


def defined(attributes: dict[str, Any], of: Callable[[str], Definition | None]) -> dict[str, Any]:
    """The same with what is known of the definition of each tool that is called: `{digest, first}`."""
    told = [_defined(message, of) for message in attributes["mcp"]["messages"]]
    return {**attributes, "mcp": {**attributes["mcp"], "messages": told}}


def _defined(message: Message, of: Callable[[str], Definition | None]) -> Message:
    known = of(message["tool"]) if "tool" in message else None
    return {**message, "definition": {"digest": known.last, "first": known.first}} if known else message


def _without_contents(message: Message) -> Message:
    kept = {word: value for word, value in message.items() if word not in CONTENTS}
    return kept if len(kept) == len(message) else {**kept, "omitted": True}


def _message(message: Any) -> Message:
    if not isinstance(message, Mapping) or message.get("jsonrpc") != "2.0":
        raise BodyMalformed("The body is not JSON-RPC 2.0.")
    if not MEMBERS.issuperset(message):
        raise BodyMalformed("A message has a member that JSON-RPC 2.0 does not have.")
    if "id" in message and (isinstance(message["id"], bool) or not isinstance(message["id"], str | int)):
        raise BodyMalformed("The id of a message is neither a text nor a whole number.")
    if "method" in message:
        return _asked(message)
    if ("result" in message) == ("error" in message) or "params" in message:
        raise BodyMalformed("A message is neither a request nor an answer.")
    failed = "error" in message
    result = message.get("result")
    found: Message = {"kind": "answer", "method": "", "failed": failed, "empty": failed or result == {}}
    return found if failed else {**found, "result": result}


def _asked(message: Mapping[str, Any]) -> Message:
    if "result" in message or "error" in message:
        raise BodyMalformed("A message is both a request and an answer.")
    method, params = message["method"], message.get("params", {})
    _check_text(method, "method", MAX_METHOD)
    if params is None or not isinstance(params, Mapping):
        raise BodyMalformed("The params of a message are not an object.")
    found: Message = {"kind": "request" if "id" in message else "notification", "method": method}
    if method in TEXTS:
        word, key = TEXTS[method]
        found[word] = _given(params, key, "name", "arguments")
    if method == "tools/call":
        arguments = params.get("arguments")
        if arguments is not None and not isinstance(arguments, Mapping):
            raise BodyMalformed("The arguments of a call are not an object.")
        found["arguments"] = arguments or {}
    elif method in URIS:
        found["uri"] = _given(params, "uri", "uri")
    else:
        found["params"] = params
    return found


def _given(params: Mapping[str, Any], key: str, *spelt: str) -> str:
    """The text of a param; none of those that count may be there in another case."""
    for other in params:
        if other.lower() in spelt and other not in spelt:
            raise BodyMalformed(f"The param {other.lower()} is spelt in another case.")
    value = params.get(key)
    _check_text(value, key, MAX_TEXT)
    return str(value)


def _check_text(value: Any, where: str, most: int) -> None:
    if not isinstance(value, str) or not 0 < len(value) <= most or not value.isprintable():
        raise BodyMalformed(f"{where} is missing, or no printable text of at most {most} characters.")
