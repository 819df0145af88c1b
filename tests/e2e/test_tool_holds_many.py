"""Held calls side by side, more behind them than is kept, and ends by an error: through Envoy, as the SDKs see it."""

from collections.abc import Callable
from typing import Any

import anthropic
import openai
import pytest

from approvals.revocations import Scope
from tests.e2e.test_clients import GPT, MODEL
from tests.e2e.test_clients import said as messages
from tests.e2e.test_tool_holds import Said, _choice, _message, _response
from tests.kit.approver import Approver, held
from tests.kit.gateway import Gateway, eventually

DRAFTS, NOTES = {"query": "DELETE FROM drafts"}, {"query": "DELETE FROM notes"}
NAMES = ("execute_sql", "lookup_customer")
CLAUDE: Any = [{"name": name, "input_schema": {"type": "object"}} for name in NAMES]
FUNCTIONS: Any = [{"name": name, "parameters": {"type": "object"}} for name in NAMES]
CHAT: Any = [{"type": "function", "function": function} for function in FUNCTIONS]
RESPONSES: Any = [{"type": "function", "strict": False, **function} for function in FUNCTIONS]
Ask = Callable[[Gateway, str], Said]


def claude(gateway: Gateway, **claims: Any) -> anthropic.Anthropic:
    key = gateway.issuer.agent_token("research-agent", **claims)
    return anthropic.Anthropic(base_url=f"{gateway.url}/anthropic", api_key=key, max_retries=0)


def gpt(gateway: Gateway) -> openai.OpenAI:
    key = gateway.issuer.agent_token("research-agent")
    return openai.OpenAI(base_url=f"{gateway.url}/openai/v1", api_key=key, max_retries=0)


def messages_stream(gateway: Gateway, play: str) -> Said:
    asked = messages(f"play: {play}")
    with claude(gateway).messages.stream(model=MODEL, max_tokens=50, tools=CLAUDE, messages=asked) as stream:
        return _message(stream.get_final_message())


def messages_whole(gateway: Gateway, play: str) -> Said:
    asked = messages(f"play: {play}")
    return _message(claude(gateway).messages.create(model=MODEL, max_tokens=50, tools=CLAUDE, messages=asked))


def chat_stream(gateway: Gateway, play: str) -> Said:
    asked = messages(f"play: {play}")
    with gpt(gateway).chat.completions.stream(model=GPT, tools=CHAT, messages=asked) as stream:
        return _choice(stream.get_final_completion())


def chat_whole(gateway: Gateway, play: str) -> Said:
    return _choice(gpt(gateway).chat.completions.create(model=GPT, tools=CHAT, messages=messages(f"play: {play}")))


def responses_stream(gateway: Gateway, play: str) -> Said:
    with gpt(gateway).responses.stream(model=GPT, tools=RESPONSES, input=f"play: {play}") as stream:
        return _response(stream.get_final_response())


def responses_whole(gateway: Gateway, play: str) -> Said:
    return _response(gpt(gateway).responses.create(model=GPT, tools=RESPONSES, input=f"play: {play}"))


ALL = (messages_stream, messages_whole, chat_stream, chat_whole, responses_stream, responses_whole)
STREAMED = (messages_stream, chat_stream, responses_stream)


@pytest.mark.parametrize("ask", ALL)
def test_each_of_several_calls_is_answered_for_itself(gateway: Gateway, ask: Ask) -> None:
    """Two of three are held; one is granted, one refused; the third, which nobody holds, comes with them."""
    bob = Approver(gateway, "bob")
    with held(gateway, lambda: ask(gateway, "sql_two")) as future:
        cards = bob.expect(future, 2)
        assert {card.card.tool for card in cards} == {"execute_sql"}
        (drafts,) = [card for card in cards if "drafts" in bob.view(card).content]
        (notes,) = [card for card in cards if card is not drafts]
        assert "notes" in bob.view(notes).content
        bob.grant(drafts)
        assert bob.expect(future) == [notes]  # the answer waits for the last of them
        bob.refuse(notes, "keep the notes")
        text, calls, reason = future.result(30)
    assert calls == [DRAFTS, {"limit": 3}]
    assert "The call of execute_sql was refused by an approver. keep the notes" in text
    assert reason in ("tool_use", "tool_calls", "completed")


def failed(ask: Callable[[], Any]) -> str:
    """What the SDK raises; a cut connection or half a JSON document would be another kind of error."""
    with pytest.raises((anthropic.APIStatusError, openai.APIError)) as error:
        ask()
    assert not isinstance(error.value, openai.APIConnectionError)
    return str(error.value)


@pytest.mark.parametrize("ask", STREAMED)
def test_more_than_is_kept_behind_a_call_ends_the_stream(gateway: Gateway, ask: Ask) -> None:
    bob = Approver(gateway, "bob")
    if ask is responses_stream:  # its helper hands on the error event instead of raising it
        with gpt(gateway).responses.stream(model=GPT, tools=RESPONSES, input="play: sql_flood") as stream:
            told = [event for event in stream if event.type == "error"]
        assert "More came behind a held tool call" in told[-1].message
    else:
        assert "More came behind a held tool call" in failed(lambda: ask(gateway, "sql_flood"))
    cards = eventually(bob.waiting, lambda found: not any(card.waiting for card in found))  # nobody waits any more
    assert all(bob.refuse(card).state == "refused" for card in cards)  # none in chat, whose calls end with the choice


def test_a_session_that_is_stopped_ends_with_an_error_event(gateway: Gateway) -> None:
    erin, jti = Approver(gateway, "erin"), "jti-of-a-held-call"
    client = claude(gateway, jti=jti)

    def ask() -> str:
        seen: list[str] = []

        def stream() -> None:
            asked = messages("play: sql")
            with client.messages.stream(model=MODEL, max_tokens=50, tools=CLAUDE, messages=asked) as events:
                seen.extend(event.type for event in events)

        message = failed(stream)
        assert "content_block_stop" in seen  # the text before the call had come
        return message

    with held(gateway, ask) as future:
        Approver(gateway).expect(future)
        erin.call(lambda desk: desk.revoke(Scope.JTI, jti, "stolen"))
        assert "revoked" in future.result(30)
