"""docs/quickstart.md, run as it stands, in a shell, against a running gateway. The agent SDKs: tests/agents."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit import pages
from tests.kit.gateway import Gateway

pytestmark = pytest.mark.envoy
SAID = "Ada Lovell, card [CARD], SSN [US_SSN], IBAN [IBAN], [EMAIL]."


@pytest.mark.parametrize(("title", "times"), [("curl", 1), ("The Anthropic and OpenAI libraries", 2)])
def test_as_it_stands(gateway: Gateway, tmp_path: Path, title: str, times: int) -> None:
    script = pages.program("quickstart.md", title, tmp_path)
    environment = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "GATEWAY": gateway.url,
        "EXEAT_CONFIG": str(gateway.house.config),
    }
    said = subprocess.run(
        ["sh", str(script)], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=100, check=False
    )
    assert said.returncode == 0, said.stderr[-2000:]
    assert said.stdout.count(SAID) == times
    for secret in ("4111", "536-22-1234"):
        assert secret not in said.stdout


def test_what_the_page_says_they_print_is_what_they_print() -> None:
    assert SAID in pages.section("quickstart.md", "")
