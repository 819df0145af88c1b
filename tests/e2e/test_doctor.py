"""`exeat doctor` on a gateway that is well, and on one whose parts are not."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from console.doctor.canary import _card
from masking.validators import card
from tests.kit import gateway as kit
from tests.kit.gateway import Gateway

pytestmark = pytest.mark.envoy


def doctor(config: Path, *arguments: str, code: int) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "console.cli", "-c", str(config), "doctor", "--json", *arguments]
    said = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    assert said.returncode == code, said.stdout + said.stderr
    found: list[dict[str, Any]] = json.loads(said.stdout)
    return found


def failed(found: list[dict[str, Any]]) -> list[str]:
    return [f"{finding['check']}: {finding['what']}" for finding in found if finding["level"] == "fail"]


def test_well_then_not() -> None:
    with kit.running() as gateway:
        well = doctor(gateway.house.config, code=0)
        assert {finding["check"] for finding in well} == {
            "parts", "spool", "shipping", "envoy", "snapshot", "issuers", "clocks", "secrets", "keys", "store",
            "console", "canary",
        }  # fmt: skip
        assert not failed(well)
        assert "its refusal is recorded, its planted secrets are not" in [finding["what"] for finding in well]
        assert_sick(gateway)


def assert_sick(gateway: Gateway) -> None:
    secret = gateway.settings.secrets["anthropic"].file
    kept = secret.read_bytes()
    secret.write_bytes(b"")
    gateway.signal("extproc", signal.SIGSTOP)
    try:
        sick = failed(doctor(gateway.house.config, "--no-canary", code=1))
    finally:
        gateway.signal("extproc", signal.SIGCONT)
        secret.write_bytes(kept)
    assert sick == ["parts: extproc does not answer", "secrets: anthropic: empty"]


def test_nothing_runs(tmp_path: Path) -> None:
    (tmp_path / "exeat.toml").write_text(
        "[gateway]\nlisten = '127.0.0.1:1'\n[clickhouse]\nurl = 'http://127.0.0.1:1'\n"
    )
    sick = failed(doctor(tmp_path / "exeat.toml", code=1))
    assert "parts: nothing runs here" in sick
    assert "canary: the gateway does not answer at 127.0.0.1:1 (ConnectError)" in sick


def test_the_planted_number_is_a_card() -> None:
    for _ in range(100):
        assert card(_card().encode()) == 16
