"""A live answer held at the call of a tool, through the whole gateway, as the vendors' SDKs see it."""

import json
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import anthropic
import openai
import pytest

from tests.e2e.test_clients import GPT, MODEL, said
from tests.e2e.test_evidence import exeat
from tests.kit.gateway import Gateway, eventually

ARGUMENTS = {"query": "DELETE FROM drafts"}
ANTHROPIC_TOOLS: Any = [{"name": "execute_sql", "input_schema": {"type": "object"}}]
CHAT_TOOLS: Any = [{"type": "function", "function": {"name": "execute_sql", "parameters": {"type": "object"}}}]
RESPONSES_TOOLS: Any = [{"type": "function", "name": "execute_sql", "parameters": {"type": "object"}, "strict": False}]
Said = tuple[str, list[dict[str, Any]], str]  # text, arguments of the calls, stop reason
Ask = Callable[[Gateway], Said]


def claude(gateway: Gateway) -> anthropic.Anthropic:
    key = gateway.issuer.agent_token("research-agent")
    return anthropic.Anthropic(base_url=f"{gateway.url}/anthropic", api_key=key, max_retries=0)


def gpt(gateway: Gateway) -> openai.OpenAI:
    key = gateway.issuer.agent_token("research-agent")
    return openai.OpenAI(base_url=f"{gateway.url}/openai/v1", api_key=key, max_retries=0)


def _message(message: Any) -> Said:
    text = "".join(block.text for block in message.content if block.type == "text")
    calls = [block.input for block in message.content if block.type == "tool_use"]
    return text, calls, str(message.stop_reason)


def _choice(completion: Any) -> Said:
    choice = completion.choices[0]
    calls = [json.loads(call.function.arguments) for call in choice.message.tool_calls or []]
    return choice.message.content or "", calls, str(choice.finish_reason)


def _response(response: Any) -> Said:
    calls = [json.loads(item.arguments) for item in response.output if item.type == "function_call"]
    return response.output_text, calls, str(response.status)


def messages_stream(gateway: Gateway) -> Said:
    with claude(gateway).messages.stream(
        model=MODEL, max_tokens=50, tools=ANTHROPIC_TOOLS, messages=said("play: sql")
    ) as stream:
        return _message(stream.get_final_message())


def messages_whole(gateway: Gateway) -> Said:
    return _message(
        claude(gateway).messages.create(model=MODEL, max_tokens=50, tools=ANTHROPIC_TOOLS, messages=said("play: sql"))
    )


def chat_stream(gateway: Gateway) -> Said:
    with gpt(gateway).chat.completions.stream(model=GPT, tools=CHAT_TOOLS, messages=said("play: sql")) as stream:
        return _choice(stream.get_final_completion())


def chat_whole(gateway: Gateway) -> Said:
    return _choice(gpt(gateway).chat.completions.create(model=GPT, tools=CHAT_TOOLS, messages=said("play: sql")))


def responses_stream(gateway: Gateway) -> Said:
    with gpt(gateway).responses.stream(model=GPT, tools=RESPONSES_TOOLS, input="play: sql") as stream:
        return _response(stream.get_final_response())


def responses_whole(gateway: Gateway) -> Said:
    return _response(gpt(gateway).responses.create(model=GPT, tools=RESPONSES_TOOLS, input="play: sql"))


CALLED, INSTEAD = ("tool_use", "tool_calls", "completed"), ("end_turn", "stop", "completed")
ALL = (messages_stream, messages_whole, chat_stream, chat_whole, responses_stream, responses_whole)


def held(gateway: Gateway, future: "Future[Said]") -> dict[str, Any]:
    def look() -> list[dict[str, Any]]:
        assert not future.done(), future.result()
        listed = exeat(gateway, "approvals", "list", "--as", "alice", "--json")
        return [card for card in json.loads(listed.stdout) if card["state"] == "requested" and card["tool"]]

    (card,) = eventually(look, lambda found: len(found) == 1)
    return card


@pytest.mark.parametrize("ask", ALL)
def test_granted_the_call_arrives_whole(gateway: Gateway, ask: Ask) -> None:
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(ask, gateway)
        card = held(gateway, future)
        assert (card["tool"], card["action"]) == ("execute_sql", "tool execute_sql")
        said = exeat(gateway, "approvals", "grant", card["id"], "--as", "bob")
        assert said.returncode == 0, said.stderr
        text, calls, reason = future.result(30)
    assert calls == [ARGUMENTS]
    assert "clean that up" in text
    assert reason in CALLED


@pytest.mark.parametrize("ask", ALL)
def test_refused_a_sentence_arrives_in_its_place(gateway: Gateway, ask: Ask) -> None:
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(ask, gateway)
        card = held(gateway, future)
        assert exeat(gateway, "approvals", "refuse", card["id"], "--as", "bob", "--justification", "no").returncode == 0
        text, calls, reason = future.result(30)
    assert calls == []
    assert "The call of execute_sql was refused by an approver. no" in text
    assert reason in INSTEAD


@pytest.mark.parametrize("ask", [messages_stream, chat_whole])
def test_people_may_take_longer_than_envoy_waits_for_a_message(gateway: Gateway, ask: Ask) -> None:
    """12 s: a sign of life goes to a stream after 10, and Envoy's 10 s for one message are over."""
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(ask, gateway)
        card = held(gateway, future)
        time.sleep(12)
        assert not future.done()
        assert exeat(gateway, "approvals", "grant", card["id"], "--as", "bob").returncode == 0
        assert future.result(30)[1] == [ARGUMENTS]


def test_what_was_held_is_in_the_record(gateway: Gateway) -> None:
    client = claude(gateway)
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(
            lambda: client.messages.with_raw_response.create(
                model=MODEL, max_tokens=50, tools=ANTHROPIC_TOOLS, messages=said("play: sql")
            )
        )
        card = held(gateway, future)  # type: ignore[arg-type]
        assert exeat(gateway, "approvals", "grant", card["id"], "--as", "bob").returncode == 0
        exchange = future.result(30).headers["x-exeat-decision"]
    assert card["exchange"] == exchange
    found = eventually(lambda: gateway.events(exchange), {"exchange.end", "approval.used"}.issubset)
    order = [event for event in found if event.startswith("approval")]
    assert order == ["approval.requested", "approval.granted", "approval.used"]
