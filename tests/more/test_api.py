"""The JSON API against its own document: schemathesis sends what the document allows and what it does not."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit import gateway as kit
from tests.kit import more
from tests.kit.gateway import Gateway

pytestmark = [pytest.mark.more, pytest.mark.timeout(600)]
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,"
    "negative_data_rejection,unsupported_method,ignored_auth"
)
REFUSED = [400, 403, 404, 409, 413, 415]  # what a bad input may be answered with
SLOW = "^(verify|backtest|try_policy)$"  # each starts engines or reads everything: a few examples are enough


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    with kit.running() as running:
        with running.client() as client:
            client.get("/openai/v1/models")
            body = {"model": "gpt-5", "messages": [{"role": "user", "content": "play: customer"}]}
            client.post("/openai/v1/chat/completions", json=body)
        running.settled()
        yield running


def schemathesis(gateway: Gateway, folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    program = more.environment("schemathesis") / "bin" / "schemathesis"
    url = f"http://127.0.0.1:{gateway.house.ports['console']}/api/v1/openapi.json"
    token = gateway.issuer.person_token("carol", lifetime_s=3600)
    options = ["-H", f"Authorization: Bearer {token}", "--checks", CHECKS, "--seed", "1", "--no-color"]
    options += ["--request-timeout", "120"]  # seconds: a busy machine is no finding
    digest = gateway.settings.gateway.state_dir.joinpath("current").readlink().name
    config = (
        f'[parameters]\n"path.digest" = "{digest}"\n[checks.negative_data_rejection]\nexpected-statuses = {REFUSED}\n'
    )
    (folder / "schemathesis.toml").write_text(config)
    command = [str(program), "run", url, *options, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=540, cwd=folder, check=False)


def test_every_operation_is_what_the_document_says(gateway: Gateway, tmp_path: Path) -> None:
    said = schemathesis(
        gateway, tmp_path, "--phases", "coverage,fuzzing", "-n", "8", "--exclude-operation-id-regex", SLOW
    )
    assert said.returncode == 0, said.stdout[-6000:] + said.stderr[-2000:]


def test_the_slow_ones_too(gateway: Gateway, tmp_path: Path) -> None:
    said = schemathesis(gateway, tmp_path, "--phases", "fuzzing", "-n", "3", "--include-operation-id-regex", SLOW)
    assert said.returncode == 0, said.stdout[-6000:] + said.stderr[-2000:]
