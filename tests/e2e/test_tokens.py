"""What a model is not to learn goes out as tokens and comes back as itself, through the whole gateway and real SDKs."""

import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from tests.kit import gateway as kit
from tests.kit.gateway import POLICIES, Gateway, eventually

CARD, IBAN, MAIL = "4111 1111 1111 1111", "GB82WEST12345698765432", "ada.lovell@customer.example"
ASKED = f"echo: Write to {MAIL} about card {CARD} and account {IBAN}, please."
SAID = ASKED.removeprefix("echo: ")
TOKEN = re.compile(r"rev_[a-z_]+_[A-Z2-7]{26,}")
WHO = """
anthropic: {masking: [entrusted], restore: true}
openai: {masking: [entrusted]}
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    policies = tmp_path_factory.mktemp("policies") / "policies"
    shutil.copytree(POLICIES, policies)
    Path(policies / "packs/tokens/data/connections.yaml").write_text(WHO)
    with kit.running(policies) as running:
        yield running


def claude(house: Gateway, session: str = "s-1", agent: str = "research-agent") -> anthropic.Anthropic:
    return anthropic.Anthropic(
        base_url=f"{house.url}/anthropic",
        api_key=house.issuer.agent_token(agent, groups=["research"]),
        default_headers={"x-exeat-session": session},
        max_retries=0,
    )


def ask(client: anthropic.Anthropic, text: str) -> Any:
    said: Any = [{"role": "user", "content": text}]
    return client.messages.with_raw_response.create(model="claude-sonnet-5", max_tokens=50, messages=said)


def received(house: Gateway) -> str:
    """The body that the upstream got last."""
    return str(house.upstream.received[-1]["body"])


def test_the_model_sees_tokens_and_the_caller_originals(house: Gateway) -> None:
    answer = ask(claude(house), ASKED)
    assert answer.parse().content[0].text == SAID
    sent = received(house)
    assert len(TOKEN.findall(sent)) == 3
    for secret in (CARD, IBAN, MAIL):
        assert secret not in sent


def test_also_in_a_stream(house: Gateway) -> None:
    said: Any = [{"role": "user", "content": ASKED}]
    with claude(house).messages.stream(model="claude-sonnet-5", max_tokens=50, messages=said) as stream:
        assert "".join(stream.text_stream) == SAID
        assert stream.get_final_message().content[0].text == SAID  # type: ignore[union-attr]
    assert CARD not in received(house)


def test_both_digests_and_no_original_are_in_the_evidence(house: Gateway) -> None:
    exchange = ask(claude(house), ASKED).headers["x-exeat-decision"]
    eventually(lambda: house.events(exchange), lambda found: "exchange.end" in found)
    rows = house.sql("SELECT type, body FROM audit.events WHERE exchange = {e:String} ORDER BY log_index", e=exchange)
    data = {str(kind): json.loads(str(text))["data"] for kind, text in rows}
    forwarded = data["masking.forwarded"]
    assert forwarded["received_digest"] == data["decision.allow"]["request_digest"]
    assert forwarded["forwarded_digest"] == hashlib.sha256(received(house).encode()).hexdigest()
    assert forwarded["forwarded_digest"] != forwarded["received_digest"]
    assert data["exchange.end"]["restored"] == 3
    kept = house.sql("SELECT content FROM audit.frames WHERE exchange = {e:String}", e=exchange)
    told = json.dumps([str(row) for row in (*rows, *kept)])
    for secret in (CARD, IBAN, MAIL):
        assert secret not in told


def test_nobody_else_gets_originals_for_a_token(house: Gateway) -> None:
    ask(claude(house), ASKED)
    token = TOKEN.findall(received(house))[1]
    same = ask(claude(house), f"echo: the number {token}.")
    assert same.parse().content[0].text == f"the number {CARD}."
    for other in (claude(house, "s-2"), claude(house, "s-1", "ledger-agent")):
        answer = ask(other, f"echo: the number {token}.").parse().content[0].text
        assert CARD not in answer
        assert token in answer


def test_without_restore_tokens_stay(house: Gateway) -> None:
    client = openai.OpenAI(
        base_url=f"{house.url}/openai/v1", api_key=house.issuer.agent_token("research-agent"), max_retries=0
    )
    said: Any = [{"role": "user", "content": ASKED}]
    answer = client.chat.completions.create(model="gpt-5", messages=said).choices[0].message.content
    assert answer is not None
    assert len(TOKEN.findall(answer)) == 3
    assert CARD not in answer
