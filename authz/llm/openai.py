"""OpenAI's API: chat completions, responses, embeddings, and the old completions. Pure.

Azure's form of it has the model in the path, as the name of a deployment: `/openai/deployments/NAME/chat/completions`.
What the body says of a model there is not read by Azure, and not by us.
"""

from collections.abc import Mapping
from typing import Any

from authz.llm.words import Document, Tool, chosen, flag, generation, name, objects, survey, texts, whole

INSTRUCTING = ("system", "developer")


def chat(body: Document, deployment: str = "") -> dict[str, Any]:
    said = objects(body, "messages")
    tools = [Tool(_tool(tool), tool) for tool in objects(body, "tools")]
    tools += [Tool(name(item.get("name"), "functions"), item) for item in objects(body, "functions")]
    if body.get("web_search_options") is not None:
        tools.append(Tool("web_search", body["web_search_options"]))
    found = survey(body.get("messages"), body.get("tools"), body.get("functions"))
    return generation(
        api="chat",
        model=deployment or name(body.get("model"), "model"),
        stream=flag(body, "stream"),
        max_tokens=whole(body, "max_completion_tokens") or whole(body, "max_tokens"),
        n=whole(body, "n") or 1,
        tools=tools,
        choice=_choice(body.get("tool_choice", body.get("function_call"))),
        system=_instructions(said),
        stored=body.get("data_sources") is not None,  # Azure reads an index of its own into the prompt
        found=found.with_results(any(item.get("role") in ("tool", "function") for item in said)),
    )


def responses(body: Document, deployment: str = "") -> dict[str, Any]:
    given, tools = body.get("input"), objects(body, "tools")
    said = [item for item in given if isinstance(item, Mapping)] if isinstance(given, list) else []
    remote = [tool for tool in tools if tool.get("type") == "mcp"]
    return generation(
        api="responses",
        model=deployment or name(body.get("model"), "model"),
        stream=flag(body, "stream"),
        max_tokens=whole(body, "max_output_tokens"),
        tools=[Tool(_tool(tool), tool) for tool in tools],
        choice=_choice(body.get("tool_choice")),
        system=texts(body.get("instructions")) + _instructions(said),
        servers=[name(tool.get("server_url", tool.get("connector_id")), "tools") for tool in remote],
        stored=any(body.get(field) is not None for field in ("previous_response_id", "conversation", "prompt")),
        found=survey(given, body.get("instructions"), body.get("tools")),
    )


def embeddings(body: Document, deployment: str = "") -> dict[str, Any]:
    """The input may be tokens instead of text, in which nobody finds anything: `tokenized` says so."""
    model = deployment or name(body.get("model"), "model")
    return generation(api="embeddings", model=model, found=survey(body.get("input"), numbers=True))


def completions(body: Document, deployment: str = "") -> dict[str, Any]:
    return generation(
        api="completions",
        model=deployment or name(body.get("model"), "model"),
        stream=flag(body, "stream"),
        max_tokens=whole(body, "max_tokens"),
        n=max(whole(body, "n"), whole(body, "best_of"), 1),
        found=survey(body.get("prompt"), body.get("suffix"), numbers=True),
    )


def _instructions(said: list[Document]) -> list[str]:
    return [text for item in said if item.get("role") in INSTRUCTING for text in texts(item.get("content"))]


def _tool(tool: Document) -> str:
    """The name of a function or custom tool; of the provider's own tools, their type."""
    kind = tool.get("type")
    nested = tool.get(kind) if kind in ("function", "custom") else None
    if isinstance(nested, Mapping):
        return name(nested.get("name"), "tools")
    if kind == "mcp":
        return name(tool.get("server_label"), "tools")
    return name(tool.get("name", kind), "tools")


def _choice(choice: object) -> dict[str, str]:
    if not isinstance(choice, Mapping):
        return chosen({"required": "any"}.get(choice, choice) if isinstance(choice, str) else choice)
    nested = choice.get("function", choice.get("custom"))
    tool = nested.get("name") if isinstance(nested, Mapping) else choice.get("name")
    return chosen("tool" if tool is not None else choice.get("type", "tool"), tool)
