"""`exeat --server URL`: the nouns over the console's API, with a token and without any settings."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_holds import asking
from tests.kit.approver import Approver
from tests.kit.gateway import Gateway, eventually


def exeat(gateway: Gateway, name: str, *arguments: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """In a folder without settings."""
    url = f"http://127.0.0.1:{gateway.house.ports['console']}"
    token = ["--token", gateway.issuer.person_token(name)] if name else []
    command = [sys.executable, "-m", "console.cli", "--server", url, *arguments, *token]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=folder)


def test_what_waits_is_shown_and_granted(gateway: Gateway, tmp_path: Path) -> None:
    with asking(gateway, "81.00") as future:
        (card,) = Approver(gateway).expect(future)
        listed = exeat(gateway, "alice", "approvals", "list", folder=tmp_path)
        assert (listed.returncode, listed.stderr) == (0, "")
        assert card.id in listed.stdout
        shown = exeat(gateway, "alice", "approvals", "show", card.id, folder=tmp_path).stdout
        assert "pays invoice 4711" in shown
        assert "[IBAN]" in shown
        why = ("--justification", "checked")
        refused = exeat(gateway, "carol", "approvals", "grant", card.id, *why, folder=tmp_path)
        assert (refused.returncode, "members of" in refused.stderr) == (2, True)
        less = ("--masking", "pci", "--standing", "--uses", "1", "--for", "5m")
        granted = exeat(gateway, "alice", "approvals", "grant", card.id, *why, *less, folder=tmp_path)
        assert granted.stdout == f"{card.id} is granted.\n"
        assert future.result(30).status_code == 201
    standing = json.loads(exeat(gateway, "alice", "approvals", "standing", "--json", folder=tmp_path).stdout)
    (one,) = [each for each in standing if each["approval"] == card.id]
    ended = exeat(gateway, "alice", "approvals", "revoke", one["id"], "--justification", "over", folder=tmp_path)
    assert "revoked" in ended.stdout


def test_the_record_is_read(gateway: Gateway, tmp_path: Path) -> None:
    with gateway.client() as client:
        body = {"model": "gpt-5", "messages": [{"role": "user", "content": "play: customer"}]}
        exchange = client.post("/openai/v1/chat/completions", json=body).headers["x-exeat-decision"]
    eventually(lambda: gateway.events(exchange), {"exchange.end"}.issubset)

    def rows(*arguments: str) -> Any:
        return json.loads(exeat(gateway, "carol", *arguments, "--json", folder=tmp_path).stdout)

    decided = rows("decisions", "list", "--agent", "research-agent", "--limit", "5")
    assert exchange in [row["exchange"] for row in decided]
    explained = exeat(gateway, "carol", "decisions", "explain", exchange, folder=tmp_path).stdout
    assert "decides the same again" in explained
    session = next(row["session"] for row in decided if row["exchange"] == exchange)
    assert session in [row["session"] for row in rows("sessions", "list", "--agent", "research-agent")]
    assert exchange in [row["exchange"] for row in rows("sessions", "show", session)["exchanges"]]
    played = exeat(gateway, "carol", "sessions", "replay", session, folder=tmp_path).stdout
    assert "Ada Lovell, card [CARD]" in played


@pytest.mark.parametrize(
    ("before", "arguments", "says"),
    [
        (["--server", "http://console.example"], ["approvals", "list", "--token", "x"], "https://host"),
        (["--server", "http://127.0.0.1:9"], ["approvals", "list", "--token", "x"], "gives no answer"),
        (["--server", "http://127.0.0.1:9"], ["approvals", "list"], "token is needed"),
        (["--server", "http://127.0.0.1:9"], ["up"], "over --server there are"),
    ],
)
def test_what_is_wrong_is_a_sentence(before: list[str], arguments: list[str], says: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "console.cli", *before, *arguments]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path)
    assert said.returncode in (1, 2)
    assert says in said.stderr
    assert "Traceback" not in said.stderr
