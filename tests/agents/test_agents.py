"""The agent SDKs do a tool-using task through the gateway, and contact nothing beside it.

They run in an environment of their own with an empty HOME and no variable of this one. Every connection that is not to
this machine's loopback would go to a proxy that writes it down and refuses it.
"""

import contextlib
import json
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kit.gateway import Gateway, eventually

pytestmark = [pytest.mark.agents, pytest.mark.timeout(300)]
ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-agents" / "bin" / "python"
CARD = "4111111111111111"


@contextlib.contextmanager
def fake_world() -> Iterator[tuple[str, list[bytes]]]:
    """A proxy that refuses everything; yields its URL and the first line of each request it got."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    asked.append(connection.recv(4096).split(b"\r\n")[0])
                    connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", asked
        server.shutdown(socket.SHUT_RDWR)


def run_task(script: str, environment: dict[str, str]) -> dict[str, Any]:
    with fake_world() as (proxy, asked), tempfile.TemporaryDirectory() as home:
        world = {"HTTPS_PROXY": proxy, "HTTP_PROXY": proxy, "ALL_PROXY": proxy, "NO_PROXY": "127.0.0.1,localhost"}
        clean = {"PATH": "/usr/bin:/bin", "HOME": home, "IS_SANDBOX": "1", **world, **environment}
        command = [str(PYTHON), str(Path(__file__).with_name(script))]
        said = subprocess.run(command, env=clean, cwd=home, capture_output=True, text=True, timeout=240, check=False)
        assert said.returncode == 0, said.stderr[-2000:]
        assert asked == [], "something beside the gateway was contacted"
        found: dict[str, Any] = json.loads(said.stdout)
        return found


def test_claude_agent_sdk(gateway: Gateway) -> None:
    token = gateway.issuer.agent_token("research-agent", jti="claude-task")
    seen = run_task(
        "claude_task.py",
        {
            "ANTHROPIC_BASE_URL": f"{gateway.url}/anthropic",
            "ANTHROPIC_AUTH_TOKEN": token,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_TELEMETRY": "1",
        },
    )
    assert seen["result"]["error"] is False
    assert_tool_saw_no_card(seen, 1)
    assert_recorded(gateway, "claude-task")


def test_openai_agents_sdk(gateway: Gateway) -> None:
    token = gateway.issuer.agent_token("research-agent", jti="openai-task")
    seen = run_task("openai_task.py", {"OPENAI_BASE_URL": f"{gateway.url}/openai/v1", "OPENAI_API_KEY": token})
    assert_tool_saw_no_card(seen, 2)
    assert_recorded(gateway, "openai-task")


def test_mcp_sdk(gateway: Gateway) -> None:
    """Hidden tools are not there, answers are masked, a server asks for nothing, a no is an error of the call."""
    token = gateway.issuer.agent_token("research-agent", jti="mcp-task")
    seen = run_task("mcp_task.py", {"MCP_URL": f"{gateway.url}/tickets/mcp", "MCP_TOKEN": token})
    assert seen["tools"] == ["search", "ask", "redefine"]
    assert "Ada Lovell" in seen["search"]
    assert "4111" not in seen["search"]
    assert seen["ask"] == "refused"
    assert seen["asked"] == []
    assert "This tool is not there for you." in seen["refused"]
    assert_recorded(gateway, "mcp-task")


def assert_tool_saw_no_card(seen: dict[str, Any], calls: int) -> None:
    assert len(seen["tool"]) == calls
    assert CARD not in json.dumps(seen)
    assert all(arguments["limit"] == 3 for arguments in seen["tool"])
    assert seen["text"][-1].startswith("Hello")


def assert_recorded(gateway: Gateway, jti: str) -> None:
    """Every call of the agent is a decision under its token."""
    query = (
        "SELECT count() FROM audit.events WHERE type = 'decision.allow'"
        " AND JSONExtractString(body, 'data', 'identity', 'jti') = {jti:String}"
    )
    eventually(lambda: gateway.sql(query, jti=jti)[0][0], lambda count: count >= 2)
