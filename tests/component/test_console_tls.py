"""The console as a process of its own, over TLS."""

import os
import ssl
import subprocess
import sys

import httpx
import pytest

from tests.kit.certificates import Authority
from tests.kit.envoy import short_folder
from tests.kit.gateway import eventually
from tests.kit.serving import free_port


@pytest.mark.parametrize("good", [True, False])
def test_it_speaks_tls_or_says_why_not(good: bool) -> None:
    with short_folder() as folder:
        authority, port = Authority(folder), free_port()
        issued = authority.issue("console", "127.0.0.1")
        key = issued.key if good else authority.issue("another").key
        config = folder / "exeat.toml"
        config.write_text(
            f'[gateway]\nrun_dir = "run"\n[metrics]\nlisten = "127.0.0.1:{free_port()}"\n'
            f'[console]\nlisten = "127.0.0.1:{port}"\n'
            f'certificate = "{issued.certificate.name}"\nkey = "{key.name}"\n'
        )
        environment = {**os.environ, "EXEAT_CONFIG": str(config)}  # noqa: TID251
        command = [sys.executable, "-m", "console.web"]
        with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
            try:
                if not good:
                    _, said = process.communicate(timeout=30)
                    assert process.returncode == 1
                    assert "are no certificate and its key" in said
                    assert "Traceback" not in said
                    return
                trusting = ssl.create_default_context(cafile=str(authority.file))
                answer = eventually(
                    lambda: ask(f"https://127.0.0.1:{port}/health", trusting), lambda found: found == 200
                )
                assert answer == 200
                assert ask(f"http://127.0.0.1:{port}/health", trusting) == 0
            finally:
                process.terminate()


def ask(url: str, trusting: ssl.SSLContext) -> int:
    try:
        return httpx.get(url, verify=trusting, timeout=5, trust_env=False).status_code
    except httpx.HTTPError:
        return 0
