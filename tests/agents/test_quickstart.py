"""docs/quickstart.md's sections on agent SDKs, as they stand, in the agents' environment; they contact nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.agents.test_agents import PYTHON, fake_world
from tests.kit import pages
from tests.kit.gateway import Gateway

pytestmark = [pytest.mark.agents, pytest.mark.timeout(300)]
SAID = "Ada Lovell, card [CARD], SSN [US_SSN], IBAN [IBAN], [EMAIL]."
SECTIONS = {"Claude Agent SDK": (SAID,), "OpenAI Agents SDK": (SAID,), "LangChain": (SAID, SAID), "MCP clients": ()}


@pytest.mark.parametrize("title", SECTIONS)
def test_as_it_stands(gateway: Gateway, tmp_path: Path, title: str) -> None:
    script = pages.program("quickstart.md", title, tmp_path)
    programs = tmp_path / "bin"  # `exeat` of this environment, `python` of the agents'
    programs.mkdir()
    (programs / "exeat").symlink_to(Path(sys.executable).parent / "exeat")
    (programs / "python").write_text(f'#!/bin/sh\nexec {PYTHON} "$@"\n')
    (programs / "python").chmod(0o700)
    with fake_world() as (proxy, asked):
        world = {"HTTPS_PROXY": proxy, "HTTP_PROXY": proxy, "ALL_PROXY": proxy, "NO_PROXY": "127.0.0.1,localhost"}
        house = {"GATEWAY": gateway.url, "EXEAT_CONFIG": str(gateway.house.config)}
        clean = {"PATH": f"{programs}:/usr/bin:/bin", "HOME": str(tmp_path), "IS_SANDBOX": "1", **world, **house}
        said = subprocess.run(
            ["sh", str(script)], env=clean, cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False
        )
        assert said.returncode == 0, said.stderr[-2000:]
        assert asked == [], "something beside the gateway was contacted"
    assert said.stdout.count(SAID) == len(SECTIONS[title])
    assert "Ada Lovell" in said.stdout
    for secret in ("4111", "536-22-1234"):
        assert secret not in said.stdout


def test_every_client_of_the_page_is_run() -> None:
    """These, and the two of tests/e2e/test_quickstart.py."""
    for title in SECTIONS:
        assert pages.blocks(pages.section("quickstart.md", title), "python")
