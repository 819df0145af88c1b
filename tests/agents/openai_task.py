"""Run by the agents' environment: the OpenAI Agents SDK does a tool-using task. Prints what they saw."""

import asyncio
import json
import os
import sys
from typing import Any

from agents import Agent, OpenAIChatCompletionsModel, OpenAIResponsesModel, Runner, function_tool, set_tracing_disabled
from openai import AsyncOpenAI

seen: dict[str, Any] = {"tool": [], "text": []}


@function_tool
def lookup_customer(card: str, limit: int) -> str:
    """Looks a customer up."""
    seen["tool"].append({"card": card, "limit": limit})
    return "no such customer"


async def main() -> None:
    # its traces would go to the provider's own host, past the gateway
    set_tracing_disabled(True)
    client = AsyncOpenAI(base_url=os.environ["OPENAI_BASE_URL"], api_key=os.environ["OPENAI_API_KEY"])
    for kind in (OpenAIChatCompletionsModel, OpenAIResponsesModel):
        model = kind(model="gpt-5", openai_client=client)
        agent = Agent(name="teller", instructions="Help.", model=model, tools=[lookup_customer])
        result = Runner.run_streamed(agent, "play: tool", max_turns=4)
        async for _ in result.stream_events():
            pass
        seen["text"].append(result.final_output)
    json.dump(seen, sys.stdout)


asyncio.run(main())
