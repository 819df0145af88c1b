"""`python -m snapshot.envoy`: Envoy where nobody else supervises it. What is open may finish; then it ends."""

import contextlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from envoy.service.auth.v3 import external_auth_pb2_grpc as auth_grpc
from envoy.service.ext_proc.v3 import external_processor_pb2_grpc as proc_grpc

from runtime import alive
from runtime.settings import Settings
from snapshot.envoy import render
from tests.kit import envoy, serving, stubs

pytestmark = [pytest.mark.envoy, pytest.mark.timeout(400)]
PATIENCE_SECONDS = 120  # of a machine that has much else to do
DRAIN_SECONDS = 300


class Gate:
    """An upstream that answers when it is let."""

    def __init__(self) -> None:
        self.asked, self.let = threading.Event(), threading.Event()

    async def __call__(self, scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        import asyncio

        if scope["type"] != "http":
            return
        self.asked.set()
        await asyncio.to_thread(self.let.wait, DRAIN_SECONDS)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"late"})


def until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


@contextlib.contextmanager
def process(folder: Path, settings: Settings) -> Iterator[subprocess.Popen[str]]:
    config = folder / "exeat.toml"
    config.write_text(
        f'[gateway]\nlisten = "{settings.gateway.listen}"\nrun_dir = "run"\nstate_dir = "state"\n'
        f"[envoy]\nconcurrency = 1\ndrain_seconds = {DRAIN_SECONDS}\n"
    )
    environment = {"EXEAT_CONFIG": str(config)}
    started = subprocess.Popen(
        [sys.executable, "-m", "snapshot.envoy"], env=environment, stderr=subprocess.PIPE, text=True
    )
    try:
        assert until(lambda: alive.answers(str(settings.socket("envoy-admin")), "/ready"))
        yield started
    finally:
        started.kill()
        started.communicate(timeout=PATIENCE_SECONDS)


def test_what_is_open_finishes_and_then_it_ends() -> None:
    gate = Gate()
    with envoy.short_folder() as folder, contextlib.ExitStack() as stack:
        port = stack.enter_context(serving.http(gate))
        settings = envoy.settings_in(folder)
        for name, add, service in (
            ("authz", auth_grpc.add_AuthorizationServicer_to_server, stubs.Authz(stubs.allow)),
            ("extproc", proc_grpc.add_ExternalProcessorServicer_to_server, stubs.Extproc()),
        ):
            register = lambda server, add=add, service=service: add(service, server)  # noqa: E731
            stack.enter_context(stubs.grpc_service(settings.socket(name), register))
        render(settings, envoy.connections(f"plain: {{kind: http, upstream: 'http://127.0.0.1:{port}'}}"))
        running = stack.enter_context(process(folder, settings))
        pool = stack.enter_context(ThreadPoolExecutor(1))
        asked = pool.submit(httpx.get, f"http://{settings.gateway.listen}/plain/", timeout=DRAIN_SECONDS)
        assert gate.asked.wait(PATIENCE_SECONDS)
        running.send_signal(signal.SIGTERM)
        admin = str(settings.socket("envoy-admin"))
        assert running.stderr is not None
        assert "draining" in running.stderr.readline()
        assert running.poll() is None
        assert until(lambda: not alive.answers(admin, "/ready"))  # who asks whether it takes more is told no
        assert until(lambda: alive.answers(admin, "/server_info"))  # but it is still there
        gate.let.set()
        answer = asked.result(PATIENCE_SECONDS)
        assert (answer.status_code, answer.text) == (200, "late")
        assert running.wait(PATIENCE_SECONDS) == 0
        assert not alive.answers(admin, "/server_info")


def test_envoy_that_ends_by_itself_is_one_sentence() -> None:
    with envoy.short_folder() as folder:
        settings = envoy.settings_in(folder)
        with process(folder, settings) as running:
            with contextlib.suppress(httpx.HTTPError):  # it may be gone before it answers
                transport = httpx.HTTPTransport(uds=str(settings.socket("envoy-admin")))
                httpx.Client(transport=transport).post("http://envoy/quitquitquit")
            _, said = running.communicate(timeout=PATIENCE_SECONDS)
            assert running.returncode == 1
            assert "Envoy ended by itself, exit code 0" in said
            assert "Traceback" not in said
