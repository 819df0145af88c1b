"""A connection that is only watched, and what `exeat decisions explain` says of its decisions."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from console.cli import main
from tests.kit import gateway as kit
from tests.kit.gateway import Gateway, eventually


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """The starter repository with `mode: shadow` on the ledger."""
    folder = tmp_path_factory.mktemp("watched") / "policies"
    shutil.copytree(kit.POLICIES, folder)
    path: Path = folder / "data" / "connections.yaml"
    connections = yaml.safe_load(path.read_text())
    connections["ledger"]["mode"] = "shadow"
    path.write_text(yaml.safe_dump(connections))
    with kit.running(folder) as running:
        yield running


def explain(gateway: Gateway, exchange: str, *options: str) -> str:
    command = ["-c", str(gateway.house.config), "decisions", "explain", exchange, *options]
    found = CliRunner().invoke(main, command)
    assert found.exit_code == 0, found.output
    return found.stdout


def test_a_watched_connection_lets_out_masks_and_says_what_would_have_been(watched: Gateway) -> None:
    with watched.client("research-agent") as client:
        booked = client.post("/ledger/transfers", json={"amount": 5})
        assert booked.status_code == 201
        read = client.get("/ledger/accounts")
    assert "536-22-1234" not in read.text
    exchange = booked.headers["x-exeat-decision"]
    eventually(lambda: watched.events(exchange), lambda found: "exchange.end" in found)
    told: dict[str, Any] = json.loads(explain(watched, exchange, "--json"))
    assert told["effect"] == "allow"
    assert told["rules"] == ["shadow"]
    assert told["shadow"]["effect"] == "deny"
    assert {reason["rule"] for reason in told["shadow"]["reasons"]} == {"no_role"}
    assert "would be    deny (" in explain(watched, exchange)
    question = ["-c", str(watched.house.config), "audit", "sql", "--question", "watched", "--json"]
    asked = CliRunner().invoke(main, question)
    assert asked.exit_code == 0, asked.output
    rows = {(row["connection"], row["would_be"], row["rule"]) for row in json.loads(asked.stdout)}
    assert ("ledger", "deny", "no_role") in rows


def test_explain_decides_again_and_shows_what_each_rule_read(watched: Gateway) -> None:
    with watched.client("intern-agent") as client:
        denied = client.post("/openai/v1/chat/completions", json={"model": "gpt-5", "messages": []})
    assert denied.status_code == 403
    exchange = denied.headers["x-exeat-decision"]
    eventually(lambda: watched.events(exchange), bool)
    told: dict[str, Any] = json.loads(explain(watched, exchange, "--json"))
    assert told["input_matches_hash"] is True
    assert told["again"]["how"] == "same"
    read = told["again"]["read"]["no_role"]
    assert read["input.connection.name"] == '"openai"'
    assert read["input.identity.groups"] == json.dumps(told["groups"], separators=(",", ":"))
    assert "data.roles" in read
    assert 'no_role read input.connection.name = "openai"' in explain(watched, exchange)
