"""The words of `llm.generate`, the same for every provider, and what they are made from. Pure."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from authz.errors import BodyMalformed

CHARACTERS_PER_TOKEN = 4  # OpenAI's and Anthropic's own rule of thumb for English text
IMAGE_TOKENS = 1600  # Anthropic's most for one image; OpenAI's high detail is of the same size
MAX_TOOLS = 512
MAX_NAME = 256
IMAGES = frozenset({"image", "image_url", "input_image"})
FILES = frozenset({"document", "file", "input_file", "container_upload", "input_audio", "audio", "video", "video_url"})
RESULTS = frozenset(
    {"tool_result", "mcp_tool_result", "function_call_output", "custom_tool_call_output", "computer_call_output",
     "shell_call_output", "apply_patch_call_output"}
)  # fmt: skip
Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Tool:
    """What a model may call: its name, and all that it is told of it."""

    name: str
    definition: Any


@dataclass(frozen=True, slots=True)
class Survey:
    """What a prompt is made of. `numbers`: tokens that the caller has made of the text himself."""

    characters: int = 0
    images: int = 0
    files: int = 0
    tool_results: bool = False
    numbers: int = 0

    def with_results(self, more: bool) -> "Survey":
        return Survey(self.characters, self.images, self.files, self.tool_results or more, self.numbers)

    @property
    def tokens(self) -> int:
        return -(-self.characters // CHARACTERS_PER_TOKEN) + self.images * IMAGE_TOKENS + self.numbers


def survey(*parts: object, numbers: bool = False) -> Survey:
    """Walks everything that a model would read; the data of images and files does not count as text.

    `numbers`: whether numbers in lists are tokens, as they are in a prompt that may be given so.
    """
    characters = images = files = counted = 0
    results = False
    stack: list[object] = list(parts)
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            characters += len(item)
        elif isinstance(item, list):
            stack.extend(item)
            counted += sum(type(one) is int for one in item) if numbers else 0
        elif isinstance(item, Mapping):
            kind = item.get("type")
            images += is_in(kind, IMAGES)
            files += is_in(kind, FILES)
            results = results or is_in(kind, RESULTS)
            if not is_in(kind, IMAGES) and not is_in(kind, FILES):
                stack.extend(item.values())
    return Survey(characters, images, files, results, counted)


def is_in(kind: object, kinds: frozenset[str]) -> bool:
    return isinstance(kind, str) and kind in kinds


def generation(
    *,
    api: str,
    model: str,
    found: Survey,
    stream: bool = False,
    max_tokens: int = 0,
    n: int = 1,
    tools: Sequence[Tool] = (),
    choice: Mapping[str, str] | None = None,
    system: Iterable[str] = (),
    servers: Sequence[str] = (),
    stored: bool = False,
) -> dict[str, Any]:
    """The attributes of the action, in one place so that every provider has all of them."""
    return {
        "api": api,
        "model": model,
        "stream": stream,
        "max_tokens": max_tokens,
        "n": n,
        "tools": [tool.name for tool in tools],
        "tool_digests": tool_digests(tools),
        "tool_choice": dict(choice or chosen(None)),
        "tool_results": found.tool_results,
        "images": found.images,
        "files": found.files,
        "mcp_servers": list(servers),
        "stored_context": stored,
        "system_digest": system_digest(system),
        "tokenized": found.numbers > 0,
        "prompt_tokens_estimate": found.tokens,
    }


def digest(value: Any) -> str:
    """Hex SHA-256 of the compact, sorted JSON of a value."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def tool_digests(tools: Sequence[Tool]) -> dict[str, str]:
    """By name, of everything that the model is told of the tool; of a name given twice, of the list of both."""
    told: dict[str, list[Any]] = {}
    for tool in tools:
        told.setdefault(tool.name, []).append(tool.definition)
    return {name: digest(each[0] if len(each) == 1 else each) for name, each in told.items()}


def system_digest(texts: Iterable[str]) -> str:
    """Hex SHA-256 of the system prompt's texts, one line feed between two; "" where there is none.

    Of a prompt that is one text it is what `sha256sum` says of that text.
    """
    parts = list(texts)
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest() if parts else ""


def texts(value: Any) -> list[str]:
    """The texts of a prompt that is one, or a list of blocks; a block of another kind counts as its JSON."""
    if value is None:
        return []
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [text for item in value for text in texts(item)]
    if isinstance(value, Mapping) and isinstance(value.get("text"), str):
        return [value["text"]]
    return [json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))]


def chosen(kind: object, tool: object = None) -> dict[str, str]:
    """{type: auto | any | none | tool | the provider's own word, name}."""
    found = {"type": "auto" if kind is None else name(kind, "tool_choice"), "name": ""}
    if tool is not None:
        found["name"] = name(tool, "tool_choice")
    return found


# how fields are read: what would make the description untrue ends the request


def objects(body: Document, field: str, where: str = "") -> list[Document]:
    """A list of objects; absent and null are an empty one."""
    value, where = body.get(field), where or field
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        raise BodyMalformed(f"{where} is not a list of objects.")
    if field not in ("messages", "contents", "requests") and len(value) > MAX_TOOLS:
        raise BodyMalformed(f"{where} has more than {MAX_TOOLS} entries.")
    return value


def name(value: object, where: str) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_NAME:
        raise BodyMalformed(f"{where} holds a name that is missing, or no text of at most {MAX_NAME} characters.")
    return value


def whole(body: Document, field: str) -> int:
    value = body.get(field)
    if value is None:
        return 0
    if type(value) is not int or not 0 <= value < 1 << 53:
        raise BodyMalformed(f"{field} is not a whole number.")
    return value


def flag(body: Document, field: str) -> bool:
    value = body.get(field)
    if value is not None and not isinstance(value, bool):
        raise BodyMalformed(f"{field} is not true or false.")
    return bool(value)
