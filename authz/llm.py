"""`llm.generate`: what is asked of a model, the same words for every provider. Pure.

    model, stream, max_tokens (0: not said), n, tools (names), tool_choice {type, name}, tool_results, images, files,
    mcp_servers (addresses that the provider itself would call), stored_context (the provider adds text we do not see),
    prompt_tokens_estimate

Sources: Anthropic Messages API; OpenAI Chat Completions and Responses API references. What the upstream would refuse
anyway is not checked here; what would make the description untrue (a model that is no text) ends the request.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from authz.errors import BodyMalformed

CHARACTERS_PER_TOKEN = 4  # OpenAI's and Anthropic's own rule of thumb for English text
IMAGE_TOKENS = 1600  # Anthropic's most for one image; OpenAI's high detail is of the same size
MAX_TOOLS = 512
MAX_NAME = 256
IMAGES = frozenset({"image", "image_url", "input_image"})
FILES = frozenset({"document", "file", "input_file", "container_upload"})
RESULTS = frozenset({"tool_result", "function_call_output", "custom_tool_call_output", "computer_call_output"})
Document = Mapping[str, Any]


def anthropic_messages(body: Document) -> dict[str, Any]:
    found = survey(body.get("messages"), body.get("system"), body.get("tools"))
    servers = [_name(item.get("url"), "mcp_servers") for item in _objects(body, "mcp_servers")]
    choice = body.get("tool_choice")
    return _action(
        body,
        max_tokens=_whole(body, "max_tokens"),
        tools=[_anthropic_tool(tool) for tool in _objects(body, "tools")],
        tool_choice=_choice(choice.get("type"), choice.get("name")) if isinstance(choice, Mapping) else _choice(choice),
        servers=servers,
        stored=body.get("container") is not None,
        found=found,
    )


def openai_chat(body: Document) -> dict[str, Any]:
    found = survey(body.get("messages"), body.get("tools"), body.get("functions"))
    legacy = [_name(item.get("name"), "functions") for item in _objects(body, "functions")]
    choice = body.get("tool_choice", body.get("function_call"))
    results = any(item.get("role") in ("tool", "function") for item in _objects(body, "messages"))
    return _action(
        body,
        max_tokens=_whole(body, "max_completion_tokens") or _whole(body, "max_tokens"),
        tools=[_openai_tool(tool) for tool in _objects(body, "tools")] + legacy,
        tool_choice=_openai_choice(choice),
        servers=[],
        stored=False,
        found=found.with_results(results),
    )


def openai_responses(body: Document) -> dict[str, Any]:
    found = survey(body.get("input"), body.get("instructions"), body.get("tools"))
    tools = _objects(body, "tools")
    servers = [
        _name(tool.get("server_url", tool.get("connector_id")), "tools") for tool in tools if tool.get("type") == "mcp"
    ]
    stored = any(body.get(name) is not None for name in ("previous_response_id", "conversation", "prompt"))
    return _action(
        body,
        max_tokens=_whole(body, "max_output_tokens"),
        tools=[_openai_tool(tool) for tool in tools],
        tool_choice=_openai_choice(body.get("tool_choice")),
        servers=servers,
        stored=stored,
        found=found,
    )


@dataclass(frozen=True, slots=True)
class Survey:
    """What a prompt is made of."""

    characters: int = 0
    images: int = 0
    files: int = 0
    tool_results: bool = False

    def with_results(self, more: bool) -> "Survey":
        return Survey(self.characters, self.images, self.files, self.tool_results or more)

    @property
    def tokens(self) -> int:
        return -(-self.characters // CHARACTERS_PER_TOKEN) + self.images * IMAGE_TOKENS


def survey(*parts: object) -> Survey:
    """Walks everything that a model would read; the data of images and files does not count as text."""
    characters = images = files = 0
    results = False
    stack: list[object] = list(parts)
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            characters += len(item)
        elif isinstance(item, list):
            stack.extend(item)
        elif isinstance(item, Mapping):
            kind = item.get("type")
            images += _is(kind, IMAGES)
            files += _is(kind, FILES)
            results = results or _is(kind, RESULTS)
            if not _is(kind, IMAGES) and not _is(kind, FILES):
                stack.extend(item.values())
    return Survey(characters, images, files, results)


def _is(kind: object, kinds: frozenset[str]) -> bool:
    return isinstance(kind, str) and kind in kinds


def _action(
    body: Document,
    *,
    max_tokens: int,
    tools: list[str],
    tool_choice: dict[str, str],
    servers: list[str],
    stored: bool,
    found: Survey,
) -> dict[str, Any]:
    stream = body.get("stream", False)
    if stream is not None and not isinstance(stream, bool):
        raise BodyMalformed("stream is not true or false.")
    return {
        "model": _name(body.get("model"), "model"),
        "stream": bool(stream),
        "max_tokens": max_tokens,
        "n": _whole(body, "n") or 1,
        "tools": tools,
        "tool_choice": tool_choice,
        "tool_results": found.tool_results,
        "images": found.images,
        "files": found.files,
        "mcp_servers": servers,
        "stored_context": stored,
        "prompt_tokens_estimate": found.tokens,
    }


def _anthropic_tool(tool: Document) -> str:
    """A toolset of an MCP server has the server's name only."""
    return _name(tool.get("name", tool.get("mcp_server_name", tool.get("type"))), "tools")


def _openai_tool(tool: Document) -> str:
    """The name of a function or custom tool; of the provider's own tools, their type."""
    kind = tool.get("type")
    nested = tool.get(kind) if kind in ("function", "custom") else None
    if isinstance(nested, Mapping):
        return _name(nested.get("name"), "tools")
    if kind == "mcp":
        return _name(tool.get("server_label"), "tools")
    return _name(tool.get("name", kind), "tools")


def _openai_choice(choice: object) -> dict[str, str]:
    if not isinstance(choice, Mapping):
        return _choice({"required": "any"}.get(choice, choice) if isinstance(choice, str) else choice)
    nested = choice.get("function", choice.get("custom"))
    name = nested.get("name") if isinstance(nested, Mapping) else choice.get("name")
    return _choice("tool" if name is not None else choice.get("type", "tool"), name)


def _choice(kind: object, name: object = None) -> dict[str, str]:
    """{type: auto | any | none | tool | the provider's own word, name}."""
    chosen = {"type": "auto" if kind is None else _name(kind, "tool_choice"), "name": ""}
    if name is not None:
        chosen["name"] = _name(name, "tool_choice")
    return chosen


def _objects(body: Document, name: str) -> list[Document]:
    """A list of objects; absent and null are an empty one."""
    value = body.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        raise BodyMalformed(f"{name} is not a list of objects.")
    if name != "messages" and len(value) > MAX_TOOLS:
        raise BodyMalformed(f"{name} has more than {MAX_TOOLS} entries.")
    return value


def _name(value: object, where: str) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_NAME:
        raise BodyMalformed(f"{where} holds a name that is missing, or no text of at most {MAX_NAME} characters.")
    return value


def _whole(body: Document, name: str) -> int:
    value = body.get(name)
    if value is None:
        return 0
    if type(value) is not int or not 0 <= value < 1 << 53:
        raise BodyMalformed(f"{name} is not a whole number.")
    return value
