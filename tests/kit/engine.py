"""The real engine in its real process, on a free port, over policies that a test writes.

With pytest's `--opa` it is a real OPA server: another program behind the URL, and nothing else in a test changes.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snapshot import layout
from snapshot.repository import Repository
from tests.kit.opa import opa_command
from tests.kit.serving import free_port

START_SECONDS = 30.0  # a busy machine; the usual start is half a second
STRICT = "?strict-builtin-errors=true"  # the embedded engine always is, OPA when it is asked to
# 9 million steps without memory: seconds on any machine, and OPA cannot see that it is in vain
SLOW = "count([1 | some i in numbers.range(1, 3000); some j in numbers.range(1, 3000); i * j < 0])"


@dataclass
class Choice:
    """Which program answers behind the URL: `opa` is the path of an OPA server, or "" for the embedded engine."""

    opa: str = ""


chosen = Choice()


@dataclass
class EngineProcess:
    url: str
    state_dir: Path
    process: subprocess.Popen[bytes]

    def publish(self, files: Mapping[str, str]) -> str:
        """Moves `current` to these files, unchecked, and waits until they serve."""
        digest = publish(self.state_dir, files)
        self._until(lambda: self.get("/v1/data/snapshot/digest")[1].get("result") == digest)
        return digest

    def get(self, path: str) -> tuple[int, Any]:
        return self._ask(urllib.request.Request(self.url + path))

    def post(self, path: str, body: object) -> tuple[int, Any]:
        """`body`: bytes as they are, else JSON."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self._ask(urllib.request.Request(self.url + path + STRICT, data=data, method="POST"))

    def value(self, path: str, given: object) -> Any:
        """The document for this input; None when it is undefined."""
        status, answer = self.post(f"/v1/data/{path}", {"input": given})
        assert status == 200, answer
        return answer.get("result")

    def workers(self) -> set[int]:
        """Process ids."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return {int(pid) for pid in children.split()}

    def until_ready(self) -> None:
        self._until(lambda: self.get("/health")[0] == 200)

    def _until(self, condition: Any) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self.process.poll() is None, "the engine ended"
            with contextlib.suppress(OSError):
                if condition():
                    return
            time.sleep(0.05)
        raise AssertionError("the engine did not get there")

    def _ask(self, request: urllib.request.Request) -> tuple[int, Any]:
        try:
            with urllib.request.urlopen(request, timeout=START_SECONDS) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                body = error.read()
            return error.code, json.loads(body) if body.startswith(b"{") else body


def publish(state_dir: Path, files: Mapping[str, str]) -> str:
    """A snapshot of these files without validation, and `current` on it."""
    revision = Repository({path: text.encode() for path, text in sorted(files.items())})
    layout.write(state_dir, revision, "")
    layout.move_current(state_dir, revision.digest)
    return revision.digest


@contextlib.contextmanager
def engine(
    state_dir: Path,
    files: Mapping[str, str] | None = None,
    *,
    deadline_ms: int = 3000,
    workers: int = 2,
    port: int = 0,
) -> Iterator[EngineProcess]:
    """`python -m snapshot.engine`; without `files` it has no snapshot yet.

    An OPA server knows neither deadline nor workers: who tests those is marked `embedded`.
    """
    if files is not None:
        publish(state_dir, files)
    url = f"http://127.0.0.1:{port or free_port()}"
    run = tempfile.mkdtemp(prefix="x")  # of its own: two engines in one folder would fight for a socket
    settings = {
        "EXEAT_CONFIG": "",
        "EXEAT_GATEWAY__RUN_DIR": run,
        "EXEAT_GATEWAY__STATE_DIR": str(state_dir),
        "EXEAT_ENGINE__URL": url,
        "EXEAT_ENGINE__DEADLINE_MS": str(deadline_ms),
        "EXEAT_ENGINE__WORKERS": str(workers),
    }
    command = [sys.executable, "-m", "snapshot.engine"]
    if chosen.opa:
        followed = str(state_dir / "opa" / "bundle.tar.gz")
        command = opa_command(chosen.opa, url.removeprefix("http://"), "--watch", "--bundle", followed)
    with (state_dir / "engine.log").open("wb") as log:
        environment = {**os.environ, **settings}  # noqa: TID251 - a child inherits it
        process = subprocess.Popen(command, env=environment, stderr=log, stdout=log)
    running = EngineProcess(url, state_dir, process)
    try:
        if files is None:
            running._until(lambda: running.get("/health")[0] in (200, 500))
        else:
            running.until_ready()
        yield running
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(run, ignore_errors=True)
