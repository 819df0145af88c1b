"""Gemini's API: `/v1beta/models/NAME:generateContent`, streamed, counted, and embeddings. Pure.

Its JSON is protobuf's: every field has two spellings, `systemInstruction` and `system_instruction`, and the server
takes both (protobuf.dev, "ProtoJSON Format"). Of a field that is there twice only the server knows which one counts.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from authz.errors import BodyMalformed
from authz.llm.words import Document, Survey, Tool, chosen, generation, name, objects, survey, texts, whole

MODES = {"MODE_UNSPECIFIED": "auto", "AUTO": "auto", "ANY": "any", "NONE": "none"}


def generate_content(body: Document, model: str) -> dict[str, Any]:
    return _content(body, model, "generate_content", stream=False)


def stream_generate_content(body: Document, model: str) -> dict[str, Any]:
    return _content(body, model, "generate_content", stream=True)


def count_tokens(body: Document, model: str) -> dict[str, Any]:
    inner = _one(body, "generateContentRequest")
    if inner is not None and not isinstance(inner, Mapping):
        raise BodyMalformed("generateContentRequest is not an object.")
    return _content({**body, **inner} if inner else body, model, "count_tokens", stream=False)


def embed_content(body: Document, model: str) -> dict[str, Any]:
    _check_model(body, model)
    return generation(api="embeddings", model=model, found=_survey(body.get("content")))


def batch_embed_contents(body: Document, model: str) -> dict[str, Any]:
    requests = objects(body, "requests")
    for request in requests:
        _check_model(request, model)
    return generation(api="embeddings", model=model, found=_survey([item.get("content") for item in requests]))


def _content(body: Document, model: str, api: str, *, stream: bool) -> dict[str, Any]:
    _check_model(body, model)
    system, config = _one(body, "systemInstruction"), _one(body, "generationConfig")
    given = objects(body, "tools")
    settings = config if isinstance(config, Mapping) else {}
    return generation(
        api=api,
        model=model,
        stream=stream,
        max_tokens=_whole(settings, "maxOutputTokens"),
        n=_whole(settings, "candidateCount") or 1,
        tools=list(_tools(given)),
        choice=_choice(_one(body, "toolConfig")),
        system=texts(system.get("parts")) if isinstance(system, Mapping) else texts(system),
        servers=list(_servers(given)),
        stored=_one(body, "cachedContent") is not None,
        found=_survey(body.get("contents"), system, body.get("tools")),
    )


def _check_model(body: Document, model: str) -> None:
    """The path names the model; a body that names another has no one meaning."""
    said = body.get("model")
    if said is not None and (not isinstance(said, str) or said.removeprefix("models/") != model):
        raise BodyMalformed("model is not the one of the path.")


def _tools(given: list[Document]) -> Iterator[Tool]:
    """Functions by their names, the provider's own tools by theirs (`googleSearch`)."""
    for tool in given:
        functions = _one(tool, "functionDeclarations")
        for item in objects({"functionDeclarations": functions}, "functionDeclarations"):
            yield Tool(name(item.get("name"), "functionDeclarations"), item)
        for key, value in tool.items():
            if _camel(key) != "functionDeclarations":
                yield Tool(name(_camel(key), "tools"), value)


def _servers(given: list[Document]) -> Iterator[str]:
    for tool in given:
        for server in objects({"mcpServers": _one(tool, "mcpServers")}, "mcpServers"):
            transport = _one(server, "streamableHttpTransport")
            yield name(transport.get("url") if isinstance(transport, Mapping) else server.get("url"), "mcpServers")


def _choice(config: object) -> dict[str, str]:
    calling = _one(config, "functionCallingConfig") if isinstance(config, Mapping) else None
    if not isinstance(calling, Mapping):
        return chosen(None)
    mode = calling.get("mode")
    allowed = _one(calling, "allowedFunctionNames")
    if isinstance(allowed, list) and len(allowed) == 1:
        return chosen("tool", allowed[0])
    return chosen(MODES.get(mode, mode) if isinstance(mode, str) else mode)


def _survey(*parts: object) -> Survey:
    """Parts carry no type: what they hold says what they are."""
    found = survey(_without_data(list(parts)))
    images = files = 0
    results = False
    for part in _parts(list(parts)):
        data = _one(part, "inlineData") or _one(part, "fileData")
        if isinstance(data, Mapping):
            media = _one(data, "mimeType")
            image = isinstance(media, str) and media.lower().startswith("image/")
            images, files = images + image, files + (not image)
        results = results or _one(part, "functionResponse") is not None
    return Survey(found.characters, found.images + images, found.files + files, found.tool_results or results)


def _parts(value: Any) -> Iterator[Document]:
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, list):
            stack.extend(item)
        elif isinstance(item, Mapping):
            yield item
            stack.extend(item.values())


def _without_data(value: Any) -> list[Any]:
    """Texts of everything but the bytes of inline data."""
    kept: list[Any] = []
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, list):
            stack.extend(item)
        elif isinstance(item, Mapping):
            stack.extend(inner for key, inner in item.items() if _camel(key) not in ("inlineData", "fileData"))
        elif isinstance(item, str):
            kept.append(item)
    return kept


def _one(body: Any, field: str) -> Any:
    """A field in either spelling. Raises BodyMalformed where it is there in both."""
    if not isinstance(body, Mapping):
        return None
    snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in field)
    if field in body and snake in body and field != snake:
        raise BodyMalformed(f"{field} is there in both of its spellings.")
    return body.get(field, body.get(snake))


def _whole(body: Document, field: str) -> int:
    return whole({field: _one(body, field)}, field)


def _camel(key: str) -> str:
    head, *rest = key.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)
