"""Run by the agents' environment: the Claude Agent SDK does a tool-using task. Prints what they saw."""

import asyncio
import json
import os
import sys
from typing import Any

from claude_agent_sdk import (
    AssistantMessage,
    ClaudeAgentOptions,
    ClaudeSDKClient,
    ResultMessage,
    TextBlock,
    create_sdk_mcp_server,
    tool,
)

seen: dict[str, Any] = {"tool": [], "text": [], "result": None}


@tool("lookup_customer", "Looks a customer up", {"card": str, "limit": int})
async def lookup_customer(arguments: dict[str, Any]) -> dict[str, Any]:
    seen["tool"].append(arguments)
    return {"content": [{"type": "text", "text": "no such customer"}]}


async def main() -> None:
    bank = create_sdk_mcp_server("bank", "1.0.0", [lookup_customer])
    options = ClaudeAgentOptions(
        model="claude-sonnet-5",
        mcp_servers={"bank": bank},
        tools=[],
        allowed_tools=["mcp__bank__lookup_customer"],
        setting_sources=[],
        max_turns=4,
        cwd=os.environ["HOME"],
    )
    async with ClaudeSDKClient(options) as client:
        await client.query("play: tool")
        async for message in client.receive_response():
            if isinstance(message, AssistantMessage):
                seen["text"] += [block.text for block in message.content if isinstance(block, TextBlock)]
            elif isinstance(message, ResultMessage):
                seen["result"] = {"error": message.is_error, "text": message.result}
    json.dump(seen, sys.stdout)


asyncio.run(main())
