"""Anthropic's Messages API: `/v1/messages`, and counting its tokens, which sends the same prompt out. Pure."""

from collections.abc import Mapping
from typing import Any

from authz.llm.words import Document, Tool, chosen, flag, generation, name, objects, survey, texts, whole


def messages(body: Document) -> dict[str, Any]:
    return _described(body, "messages")


def count_tokens(body: Document) -> dict[str, Any]:
    return _described(body, "count_tokens")


def _described(body: Document, api: str) -> dict[str, Any]:
    choice = body.get("tool_choice")
    return generation(
        api=api,
        model=name(body.get("model"), "model"),
        stream=flag(body, "stream"),
        max_tokens=whole(body, "max_tokens"),
        tools=[Tool(_tool(tool), tool) for tool in objects(body, "tools")],
        choice=chosen(choice.get("type"), choice.get("name")) if isinstance(choice, Mapping) else chosen(choice),
        system=texts(body.get("system")),
        servers=[name(item.get("url"), "mcp_servers") for item in objects(body, "mcp_servers")],
        stored=body.get("container") is not None,
        found=survey(body.get("messages"), body.get("system"), body.get("tools")),
    )


def _tool(tool: Document) -> str:
    """A toolset of an MCP server has the server's name only."""
    return name(tool.get("name", tool.get("mcp_server_name", tool.get("type"))), "tools")
