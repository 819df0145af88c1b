"""`exeat policy backtest` over what a real gateway recorded."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.kit.gateway import Gateway


def backtest(gateway: Gateway, policies: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "console.cli", "-c", str(gateway.house.config), "policy", "backtest"]
    command += ["--policies", str(policies), "--since", "1d", "--json", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_only_what_changes_is_listed(gateway: Gateway, tmp_path: Path) -> None:
    for agent in ("research-agent", "intern-agent"):
        with gateway.client(agent) as client:
            for _ in range(3):
                client.get("/openai/v1/models")
    gateway.settled()

    same = backtest(gateway, gateway.house.folder / "policies")
    assert same.returncode == 0, same.stderr
    found: dict[str, Any] = json.loads(same.stdout)
    assert found["decided"] >= 6
    assert found["changed"] == 0

    stricter = shutil.copytree(gateway.house.folder / "policies", tmp_path / "policies")
    roles = stricter / "data/roles.yaml"
    roles.write_text(roles.read_text().replace("connections: [anthropic, openai,", "connections: [anthropic,"))
    for test in stricter.rglob("*_test.rego"):
        test.unlink()
    shutil.rmtree(stricter / "cases")
    changed = json.loads(backtest(gateway, stricter, "--connection", "openai").stdout)
    assert changed["turns"] == {"allow → deny": changed["changed"]}
    assert changed["changed"] >= 3
    assert changed["by_rule"] == {"no_role": changed["changed"]}
    assert changed["by_identity"]["research-agent"] >= 3
    assert "intern-agent" not in changed["by_identity"], "denied before and after"
    row = changed["changes"][0]
    assert (row["was"]["effect"], row["now"]["effect"], row["connection"]) == ("allow", "deny", "openai")


def test_a_repository_that_would_be_refused_is_not_tried(gateway: Gateway, tmp_path: Path) -> None:
    broken = shutil.copytree(gateway.house.folder / "policies", tmp_path / "policies")
    (broken / "exeat/risk.rego").write_text("package exeat\n\nx := y\n")
    result = backtest(gateway, broken)
    assert result.returncode == 2
    assert "exeat/risk.rego:3: rego_unsafe_var_error" in result.stderr
