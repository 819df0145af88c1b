"""`exeat init` and `exeat up` from it: one's own upstream and issuer, tokens by client credentials."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from console.dev.issuer import DevIssuer
from console.dev.upstream.app import Upstream
from tests.kit.envoy import short_folder
from tests.kit.gateway import eventually
from tests.kit.serving import free_port, http

EXEAT = [sys.executable, "-m", "console.cli"]


def exeat(folder: Path, *arguments: str, code: int = 0, **environment: str) -> str:
    said = subprocess.run(
        [*EXEAT, *arguments], cwd=folder, env=os.environ | environment, capture_output=True, text=True, timeout=60
    )
    assert said.returncode == code, said.stdout + said.stderr
    return said.stdout + said.stderr


def configure(folder: Path, issuer: str, upstream: int) -> int:
    """What the reader of the second screen edits: issuer, upstream, and here the ports, to disturb nobody."""
    port = free_port()
    path = folder / "exeat.toml"
    text = path.read_text().replace('hosts = ["api.anthropic.com"]', 'hosts = ["127.0.0.1"]')
    text = text.replace("127.0.0.1:10000", f"127.0.0.1:{port}").replace(
        '"RS256", "ES256"]', '"RS256"]\nallow_http = true'
    )
    text = text.replace('audience = "exeat-people"', 'audience = "exeat-people"\nallow_http = true')
    text += f'[engine]\nurl = "http://127.0.0.1:{free_port()}"\n[clickhouse]\nurl = "http://127.0.0.1:{free_port()}"\n'
    path.write_text(
        text + f'[console]\nlisten = "127.0.0.1:{free_port()}"\n[metrics]\nlisten = "127.0.0.1:{free_port()}"\n'
    )
    connections = folder / "policies" / "data" / "connections.yaml"
    connections.write_text(connections.read_text().replace("https://api.anthropic.com", f"http://127.0.0.1:{upstream}"))
    return port


def test_init_check_up_token_and_a_call() -> None:
    upstream = Upstream()
    with short_folder() as place, DevIssuer.serving() as issuer, http(upstream.app()) as upstream_port:
        (place / "key").write_text("sk-ant-its-own-key-0123456789abcdef")
        folder = place / "gw"
        said = exeat(place, "init", str(folder), "--issuer", issuer.url, "--key-file", str(place / "key"))
        assert "exeat up" in said
        port = configure(folder, issuer.url, upstream_port)
        assert "What decides here" in exeat(folder, "check")
        process = subprocess.Popen(
            [*EXEAT, "up"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        try:
            assert process.stdout
            line = next((line for line in process.stdout if "ready: agents" in line or "Error" in line), "")
            assert "ready: agents at" in line, line
            secret = issuer.secrets["research-agent"]
            token = exeat(folder, "token", "--client-id", "research-agent", EXEAT_CLIENT_SECRET=secret).strip()
            body = {
                "model": "claude-sonnet-5",
                "max_tokens": 9,
                "messages": [{"role": "user", "content": "play: split"}],
            }
            url = f"http://127.0.0.1:{port}/anthropic/v1/messages"
            answer = httpx.post(url, json=body, headers={"x-api-key": token}, timeout=30)
            assert answer.status_code == 200, answer.text
            assert "536-22" not in answer.text
            assert upstream.received[-1]["headers"]["x-api-key"] == "sk-ant-its-own-key-0123456789abcdef"
            rows = eventually(lambda: exeat(folder, "decisions", "list", "--json"), lambda text: "allow" in text)
            assert "claude-sonnet-5" in rows
            assert "another `exeat up` runs from" in exeat(folder, "up", code=1)
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0


def test_init_writes_into_no_full_folder(tmp_path: Path) -> None:
    (tmp_path / "something").write_text("x")
    assert "not empty" in exeat(tmp_path, "init", str(tmp_path), code=2)


def test_up_says_in_a_sentence_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "exeat.toml").write_text("[gateway]\nlissten = 'x'\n")
    said = exeat(tmp_path, "up", code=1)
    assert "gateway.lissten" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("taken", ["listen", "clickhouse"])
def test_a_taken_port_is_one_sentence(taken: str) -> None:
    with short_folder() as place, DevIssuer.serving() as issuer, socket.create_server(("127.0.0.1", 0)) as holder:
        (place / "key").write_text("sk-ant-its-own-key-0123456789abcdef")
        folder = place / "gw"
        exeat(place, "init", str(folder), "--issuer", issuer.url, "--key-file", str(place / "key"))
        port = configure(folder, issuer.url, 9)
        path = folder / "exeat.toml"
        used = holder.getsockname()[1]
        text = path.read_text()
        if taken == "listen":
            path.write_text(text.replace(f"127.0.0.1:{port}", f"127.0.0.1:{used}"))
        else:
            path.write_text(re.sub(r'(\[clickhouse\]\nurl = "http://127.0.0.1:)\d+', rf"\g<1>{used}", text))
        said = exeat(folder, "up", code=1)
        assert str(used) in said
        assert "Traceback" not in said
