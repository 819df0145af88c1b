"""Run by the agents' environment: the MCP SDK's client talks to a server through the gateway. Prints what it saw."""

import asyncio
import json
import os
import sys
from typing import Any

import httpx2
from mcp.client.client import Client
from mcp.client.context import ClientRequestContext
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import ElicitRequestParams, ElicitResult

seen: dict[str, Any] = {"asked": []}


async def elicited(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
    """Would give away anything."""
    seen["asked"].append(params.message)
    return ElicitResult(action="accept", content={"pin": "1234"})


async def main() -> None:
    headers = {"authorization": f"Bearer {os.environ['MCP_TOKEN']}"}
    async with httpx2.AsyncClient(headers=headers, timeout=20) as http:
        transport = streamable_http_client(os.environ["MCP_URL"], http_client=http)
        async with Client(transport, mode="legacy", elicitation_callback=elicited) as client:
            seen["tools"] = [tool.name for tool in (await client.list_tools()).tools]
            found = await client.call_tool("search", {"text": "Ada"})
            seen["search"] = found.content[0].text
            found = await client.call_tool("ask", {})
            seen["ask"] = found.content[0].text
            try:
                await client.call_tool("delete_ticket", {})
            except MCPError as error:
                seen["refused"] = str(error)
    json.dump(seen, sys.stdout)


asyncio.run(main())
