"""How long callers wait, through the whole gateway: an SDK with a timeout of its own, and `wait: respond`."""

import json
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
import yaml

from tests.e2e.test_evidence import exeat
from tests.e2e.test_holds import cards
from tests.kit.gateway import POLICIES, Gateway, eventually, running


@pytest.fixture(scope="module")
def responding(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A house whose policy keeps nobody waiting for the ledger, and asks both sides why."""
    policies: Path = tmp_path_factory.mktemp("respond") / "policies"
    shutil.copytree(POLICIES, policies)
    path = policies / "data" / "risk.yaml"
    tiers = yaml.safe_load(path.read_text())
    tiers["high"] |= {"wait": "respond", "expires_in": "1h"}
    path.write_text(yaml.safe_dump(tiers))
    risk = policies / "exeat" / "risk.rego"
    asks = '"justification": "required",'
    assert asks in risk.read_text()
    risk.write_text(risk.read_text().replace(asks, f'{asks} "justification_from": ["requester", "approver"],'))
    for test in [policies / "exeat" / "risk_test.rego", *(policies / "cases").glob("*.yaml")]:
        test.unlink()  # they know the tiers as they are delivered
    with running(policies) as gateway:
        yield gateway


def transfer(gateway: Gateway, amount: str, **options: Any) -> httpx.Response:
    """With the openai SDK as a client of any HTTP API."""
    key = gateway.issuer.agent_token("ledger-agent")
    body = {"from": "GB82WEST12345698765432", "to": "DE89370400440532013000", "amount": amount}
    headers = {"x-exeat-session": "waiting", "x-exeat-justification": "pays invoice 4711"}
    with openai.OpenAI(base_url=f"{gateway.url}/ledger", api_key=key, default_headers=headers, **options) as client:
        return client.post("/transfers", body=body, cast_to=httpx.Response)


def test_an_sdk_with_a_timeout_is_told_before_it_gives_up(gateway: Gateway) -> None:
    began = time.monotonic()
    with pytest.raises(openai.PermissionDeniedError) as refused:  # not APITimeoutError, and not tried again
        transfer(gateway, "7.00", timeout=8.0, max_retries=2)
    assert 3 < time.monotonic() - began < 8
    (card,) = cards(gateway)
    assert card["id"] in refused.value.response.text
    assert refused.value.response.headers["x-should-retry"] == "false"
    assert exeat(gateway, "approvals", "grant", card["id"], "--as", "alice", "--justification", "ok").returncode == 0
    again = transfer(gateway, "7.00", timeout=8.0)  # finds its grant
    assert again.status_code == 201
    with ThreadPoolExecutor(1) as pool:  # and only once
        future = pool.submit(transfer, gateway, "7.00")
        (other,) = eventually(lambda: cards(gateway), lambda found: len(found) == 1)
        assert other["id"] != card["id"]
        said = exeat(gateway, "approvals", "refuse", other["id"], "--as", "alice", "--justification", "no")
        assert said.returncode == 0
        with pytest.raises(openai.PermissionDeniedError):
            future.result(30)


def test_where_nobody_waits_the_same_request_passes_once_after_the_grant(responding: Gateway) -> None:
    before = len(responding.upstream.bookings)
    with pytest.raises(openai.PermissionDeniedError) as first:
        transfer(responding, "8.00")
    (card,) = cards(responding)
    assert card["id"] in json.dumps(first.value.response.json())
    assert first.value.response.headers["x-should-retry"] == "false"
    with pytest.raises(openai.PermissionDeniedError):
        transfer(responding, "8.00")  # asking again is no second card
    assert [each["id"] for each in cards(responding)] == [card["id"]]
    with pytest.raises(openai.PermissionDeniedError):
        transfer(responding, "8.01")  # another amount is another request
    said = exeat(responding, "approvals", "grant", card["id"], "--as", "alice", "--justification", "ok")
    assert said.returncode == 0, said.stderr
    with pytest.raises(openai.PermissionDeniedError):
        transfer(responding, "8.02")
    assert transfer(responding, "8.00").status_code == 201
    assert len(responding.upstream.bookings) == before + 1
    with pytest.raises(openai.PermissionDeniedError) as second:
        transfer(responding, "8.00")
    assert card["id"] not in second.value.response.text


def test_an_agent_that_does_not_say_why_is_told_and_makes_no_card(responding: Gateway) -> None:
    before = [card["id"] for card in cards(responding)]
    key = responding.issuer.agent_token("ledger-agent")
    body = {"from": "a", "to": "b", "amount": "9.00"}
    client = openai.OpenAI(base_url=f"{responding.url}/ledger", api_key=key)
    with client, pytest.raises(openai.PermissionDeniedError) as refused:
        client.post("/transfers", body=body, cast_to=httpx.Response)
    assert "x-exeat-justification" in refused.value.response.text
    assert refused.value.response.headers["x-should-retry"] == "false"
    assert [card["id"] for card in cards(responding)] == before
