"""Gemini, Azure OpenAI and Kubernetes through the whole gateway: described, decided, masked, refused in their shape."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.kit import gateway as kit
from tests.kit.gateway import Gateway, eventually

SECRETS = ("536-22", "4111", "22-1234")
SAID = {"contents": [{"role": "user", "parts": [{"text": "play: split"}]}]}


def change(path: Path, by: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **by}))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("kinds") / "policies"
    shutil.copytree(kit.POLICIES, folder)
    kinds = {"gemini": "gemini", "azure": "azure_openai", "cluster": "kubernetes"}
    declared = {name: {"kind": kind, "upstream": "http://127.0.0.1:1"} for name, kind in kinds.items()}
    change(folder / "data/connections.yaml", declared | {"cluster": {**declared["cluster"], "risk": "high"}})
    role = {"groups": ["research"], "connections": list(kinds), "models": ["house"]}
    change(folder / "data/roles.yaml", {"kinds": role})
    change(folder / "data/models.yaml", {"house": ["gemini-*", "gpt-house"]})
    reviewed = {"owner": "x@bank.example", "review_due": "2099-12-31"}
    change(folder / "packs/ffiec/data/inventory.yaml", {"gemini": reviewed, "azure": dict(reviewed)})
    with kit.running(folder) as running:
        yield running


@pytest.fixture
def client(house: Gateway) -> Iterator[httpx.Client]:
    with house.client("research-agent") as opened:
        yield opened


def described(house: Gateway, answer: httpx.Response) -> tuple[str, str]:
    """(action_kind, model) of the decision."""
    query = "SELECT action_kind, model FROM audit.decisions WHERE exchange = {exchange:String}"
    exchange = answer.headers["x-exeat-decision"]
    kind, model = eventually(lambda: house.sql(query, exchange=exchange), bool)[0]
    return str(kind), str(model)


def assert_masked(text: str) -> None:
    assert [secret for secret in SECRETS if secret in text] == []


@pytest.mark.parametrize("form", ["generateContent", "streamGenerateContent?alt=sse", "streamGenerateContent"])
def test_gemini(client: httpx.Client, house: Gateway, form: str) -> None:
    answer = client.post(f"/gemini/v1beta/models/gemini-flash:{form}", json=SAID)
    assert answer.status_code == 200, answer.text
    assert_masked(answer.text)
    if "sse" in form:
        lines = [line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith("data: ")]
        chunks = [json.loads(line) for line in lines]
    else:
        chunks = answer.json() if form.startswith("stream") else [answer.json()]
    parts = [part["text"] for chunk in chunks for part in chunk["candidates"][0]["content"]["parts"]]
    assert "".join(parts) == "The number on file is [US_SSN] and the card is [CARD], as asked."
    assert described(house, answer) == ("llm.generate", "gemini-flash")


def test_gemini_takes_the_token_where_its_clients_put_a_key_and_refuses_in_its_shape(house: Gateway) -> None:
    token = house.headers()["authorization"].removeprefix("Bearer ")
    with httpx.Client(base_url=house.url, headers={"x-goog-api-key": token}, timeout=30) as client:
        refused = client.post("/gemini/v1beta/models/other:generateContent", json=SAID)
        assert (refused.status_code, refused.json()["error"]["status"]) == (403, "PERMISSION_DENIED")
        in_query = client.post(f"/gemini/v1beta/models/gemini-flash:generateContent?key={token[:40]}", json=SAID)
        assert in_query.status_code == 400
        allowed = client.post("/gemini/v1beta/models/gemini-flash:generateContent", json=SAID)
        assert allowed.status_code == 200
    sent = house.upstream.received[-1]["headers"]
    assert token not in json.dumps(sent)


@pytest.mark.parametrize("stream", [False, True])
def test_azure(client: httpx.Client, house: Gateway, stream: bool) -> None:
    body = {"messages": [{"role": "user", "content": "play: split"}], "stream": stream, "model": "not-read"}
    path = "/azure/openai/deployments/gpt-house/chat/completions?api-version=2026-01-01"
    answer = client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    assert_masked(answer.text)
    assert described(house, answer) == ("llm.generate", "gpt-house")
    other = client.post(path.replace("gpt-house", "gpt-other"), json={**body, "model": "gpt-house"})
    assert (other.status_code, other.json()["error"]["code"]) == (403, "denied")


def test_kubernetes(client: httpx.Client, house: Gateway) -> None:
    """Reading is let out, masked, also while it is watched; a way in is a write, and held here (high risk)."""
    listed = client.get("/cluster/api/v1/namespaces/n/pods", headers={"impersonate-user": "admin"})
    assert listed.status_code == 200, listed.text
    assert_masked(listed.text)
    assert "impersonate-user" not in house.upstream.received[-1]["headers"]
    assert described(house, listed)[0] == "kubernetes.list"
    watched = client.get("/cluster/api/v1/namespaces/n/pods?watch=1")
    assert_masked(watched.text)
    assert [json.loads(line)["type"] for line in watched.text.splitlines()] == ["ADDED", "MODIFIED"]
    with pytest.raises(httpx.TimeoutException):
        client.get("/cluster/api/v1/namespaces/n/pods/p/exec?command=sh", timeout=2)
    query = "SELECT action_kind FROM audit.decisions WHERE connection = 'cluster' AND effect = 'hold'"
    assert eventually(lambda: house.sql(query), bool)[0][0] == "kubernetes.exec"
    with house.client("intern-agent") as intern:
        refused = intern.get("/cluster/api/v1/pods")
    assert (refused.json()["kind"], refused.json()["reason"]) == ("Status", "Forbidden")
