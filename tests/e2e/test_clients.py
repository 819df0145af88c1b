"""Real SDK clients through the whole gateway; only their base URL and token are set."""

import json
import subprocess
import sys
import time
from typing import Any

import anthropic
import openai
import pytest

from tests.kit.gateway import Gateway, eventually

MODEL, GPT = "claude-sonnet-5", "gpt-5"
CARD, SSN, IBAN, EMAIL = "4111", "536-22-1234", "GB82WEST12345698765432", "ada.lovell@customer.example"


def said(text: str) -> Any:
    return [{"role": "user", "content": text}]


@pytest.fixture
def claude(gateway: Gateway) -> anthropic.Anthropic:
    key = gateway.issuer.agent_token("research-agent")
    return anthropic.Anthropic(base_url=f"{gateway.url}/anthropic", api_key=key, max_retries=0)


@pytest.fixture
def gpt(gateway: Gateway) -> openai.OpenAI:
    key = gateway.issuer.agent_token("research-agent")
    return openai.OpenAI(base_url=f"{gateway.url}/openai/v1", api_key=key, max_retries=0)


def assert_masked(text: str) -> None:
    for secret in (CARD, SSN, IBAN, EMAIL, "536"):
        assert secret not in text, text


def test_anthropic_message(claude: anthropic.Anthropic, gateway: Gateway) -> None:
    raw = claude.messages.with_raw_response.create(model=MODEL, max_tokens=50, messages=said("hello"))
    assert raw.parse().content[0].text.startswith("Hello")  # type: ignore[union-attr]
    exchange = raw.headers["x-exeat-decision"]
    events = eventually(lambda: gateway.events(exchange), lambda found: "exchange.end" in found)
    assert events[0] == "decision.allow"
    received = gateway.upstream.received[-1]
    assert received["headers"]["x-api-key"].startswith("sk-ant-")
    assert "authorization" not in received["headers"]
    assert not [name for name in received["headers"] if name.startswith("x-exeat")]


def test_anthropic_json_is_masked(claude: anthropic.Anthropic) -> None:
    message = claude.messages.create(model=MODEL, max_tokens=50, messages=said("play: customer"))
    text = message.content[0].text  # type: ignore[union-attr]
    assert_masked(text)
    assert "Ada Lovell" in text


def test_anthropic_stream_is_masked_across_deltas(claude: anthropic.Anthropic) -> None:
    with claude.messages.stream(model=MODEL, max_tokens=50, messages=said("play: split")) as stream:
        pieces = list(stream.text_stream)
        final = stream.get_final_message()
    text = final.content[0].text  # type: ignore[union-attr]
    assert "".join(pieces) == text
    assert_masked(text)
    assert "as asked." in text
    whole = claude.messages.create(model=MODEL, max_tokens=50, messages=said("play: split"))
    assert whole.content[0].text == text  # type: ignore[union-attr]


def test_anthropic_tool_arguments_are_masked_in_a_stream(claude: anthropic.Anthropic) -> None:
    with claude.messages.stream(model=MODEL, max_tokens=50, messages=said("play: tool")) as stream:
        final = stream.get_final_message()
    call = final.content[1]
    assert call.type == "tool_use"
    assert_masked(json.dumps(call.input))
    assert call.input["limit"] == 3
    assert final.stop_reason == "tool_use"


def test_anthropic_tool_loop(claude: anthropic.Anthropic) -> None:
    tools: Any = [{"name": "lookup_customer", "description": "looks up", "input_schema": {"type": "object"}}]
    first = claude.messages.create(model=MODEL, max_tokens=50, tools=tools, messages=said("play: tool"))
    call = first.content[1]
    result = [{"type": "tool_result", "tool_use_id": call.id, "content": "none found"}]  # type: ignore[union-attr]
    messages: Any = [
        *said("play: tool"),
        {"role": "assistant", "content": first.content},
        {"role": "user", "content": result},
    ]
    second = claude.messages.create(model=MODEL, max_tokens=50, tools=tools, messages=messages)
    assert second.content[0].text.startswith("Hello")  # type: ignore[union-attr]


@pytest.mark.parametrize("play", ["customer", "split", "key"])
def test_chat_json_and_stream_agree(gpt: openai.OpenAI, play: str) -> None:
    whole = gpt.chat.completions.create(model=GPT, messages=said(f"play: {play}")).choices[0].message.content
    parts = gpt.chat.completions.create(model=GPT, messages=said(f"play: {play}"), stream=True)
    streamed = "".join(chunk.choices[0].delta.content or "" for chunk in parts if chunk.choices)
    assert streamed == whole
    assert_masked(streamed)
    assert "sk-ant-api03" not in streamed


def test_chat_tool_arguments_are_masked_in_a_stream(gpt: openai.OpenAI) -> None:
    arguments = ""
    for chunk in gpt.chat.completions.create(model=GPT, messages=said("play: tool"), stream=True):
        for call in (chunk.choices[0].delta.tool_calls or []) if chunk.choices else []:
            arguments += (call.function.arguments if call.function else "") or ""
    assert_masked(arguments)
    assert json.loads(arguments)["limit"] == 3


@pytest.mark.parametrize("play", ["customer", "split", "tool"])
def test_responses_json_and_stream_agree(gpt: openai.OpenAI, play: str) -> None:
    whole = gpt.responses.create(model=GPT, input=f"play: {play}")
    with gpt.responses.stream(model=GPT, input=f"play: {play}") as stream:
        deltas = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        final = stream.get_final_response()
    assert final.output_text == whole.output_text == deltas
    assert_masked(final.to_json())
    assert_masked(whole.to_json())


def test_their_own_exceptions_carry_our_message_and_decision(gateway: Gateway) -> None:
    key = gateway.issuer.agent_token("intern-agent")
    claude = anthropic.Anthropic(base_url=f"{gateway.url}/anthropic", api_key=key, max_retries=0)
    with pytest.raises(anthropic.PermissionDeniedError) as denied:
        claude.messages.create(model=MODEL, max_tokens=50, messages=said("hello"))
    exchange = denied.value.response.headers["x-exeat-decision"]
    assert exchange in str(denied.value)
    gpt = openai.OpenAI(base_url=f"{gateway.url}/openai/v1", api_key=key, max_retries=0)
    with pytest.raises(openai.PermissionDeniedError) as refused:
        gpt.chat.completions.create(model=GPT, messages=said("hello"))
    assert refused.value.response.headers["x-exeat-decision"] in str(refused.value)
    assert refused.value.response.headers["x-should-retry"] == "false"


@pytest.mark.parametrize("path", ["/nowhere/v1", "/", "/anthropic"])
def test_a_path_of_no_connection(gateway: Gateway, path: str) -> None:
    with gateway.client() as client:
        known = client.get(path)
        assert (known.status_code, known.json()["code"]) == (404, "unknown_connection")
        del client.headers["authorization"]
        assert client.get(path).json()["code"] == "token_missing"
    assert "decision.refused" in eventually(lambda: gateway.events(known.json()["decision"]), bool)


@pytest.mark.parametrize("stream", [False, True])
def test_a_bad_token_is_their_authentication_error(gateway: Gateway, stream: bool) -> None:
    for key in ("sk-ant-real-looking-key", gateway.issuer.agent_token("research-agent", lifetime_s=-600)):
        claude = anthropic.Anthropic(base_url=f"{gateway.url}/anthropic", api_key=key, max_retries=0)
        with pytest.raises(anthropic.AuthenticationError):
            claude.messages.create(model=MODEL, max_tokens=50, messages=said("hello"), stream=stream)  # type: ignore[call-overload]
        gpt = openai.OpenAI(base_url=f"{gateway.url}/openai/v1", api_key=key, max_retries=0)
        with pytest.raises(openai.AuthenticationError):
            gpt.chat.completions.create(model=GPT, messages=said("hello"))


def test_a_persons_token_is_refused_on_the_data_path(gateway: Gateway) -> None:
    claude = anthropic.Anthropic(
        base_url=f"{gateway.url}/anthropic", api_key=gateway.issuer.person_token("alice"), max_retries=0
    )
    with pytest.raises(anthropic.AuthenticationError):
        claude.messages.create(model=MODEL, max_tokens=50, messages=said("hello"))


def test_a_call_across_a_token_expiry_with_exeat_token_as_the_provider(gateway: Gateway) -> None:
    """The client asks `exeat token` anew for each call, as apiKeyHelper and callables do."""
    command = [sys.executable, "-m", "console.cli", "-c", str(gateway.house.config), "token", "--as", "research-agent"]

    def fresh() -> str:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.strip()

    old = gateway.issuer.agent_token("research-agent", lifetime_s=1)
    tokens = iter([old, fresh(), fresh()])
    gpt = openai.OpenAI(base_url=f"{gateway.url}/openai/v1", api_key=lambda: next(tokens), max_retries=0)
    assert gpt.chat.completions.create(model=GPT, messages=said("hello")).choices[0].message.content
    time.sleep(1)
    skew = gateway.settings.issuers[0].skew_seconds
    expired = gateway.issuer.agent_token("research-agent", lifetime_s=-skew - 5)
    stale = openai.OpenAI(base_url=f"{gateway.url}/openai/v1", api_key=expired, max_retries=0)
    with pytest.raises(openai.AuthenticationError, match="expired"):
        stale.chat.completions.create(model=GPT, messages=said("hello"))
    assert gpt.chat.completions.create(model=GPT, messages=said("hello")).choices[0].message.content


def test_an_upstreams_own_error_passes_in_its_own_shape(claude: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.BadRequestError, match="messages"):
        claude.post("/v1/messages", cast_to=object, body={"model": MODEL, "max_tokens": 5})
