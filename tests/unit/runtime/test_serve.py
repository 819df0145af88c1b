"""Services listen, say so, and end cleanly when told to."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

import grpc
import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from runtime import health
from runtime.serve import CannotListen, beside, bind_http, bind_unix, bind_unix_http, grpc_options, process_index
from tests.kit.envoy import short_folder
from tests.kit.serving import free_port

APP = """
import sys
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from runtime import serve
async def home(request): return PlainTextResponse("here")
serve.main(lambda: serve.serve_http(Starlette(routes=[Route("/", home)]), sys.argv[1]))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_http_service_ends_with_exit_code_0(number: signal.Signals) -> None:
    listen = f"127.0.0.1:{free_port()}"
    process = subprocess.Popen([sys.executable, "-c", APP, listen], stderr=subprocess.PIPE, text=True)
    assert process.stderr
    assert "listening" in process.stderr.readline()
    transport = httpx.HTTPTransport(retries=20)
    with httpx.Client(transport=transport) as client:
        assert client.get(f"http://{listen}/").text == "here"
    process.send_signal(number)
    assert process.wait(20) == 0
    process.stderr.close()


def test_a_taken_port_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with pytest.raises(CannotListen, match=str(port)):
            bind_http(f"127.0.0.1:{port}")


async def test_a_socket_is_private_and_a_dead_ones_place_is_taken() -> None:
    with short_folder() as folder:
        path = folder / "run" / "x.sock"
        path.parent.mkdir()
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(path))
        first = grpc.aio.server(options=grpc_options())
        bind_unix(first, path)
        await first.start()
        assert path.stat().st_mode & 0o777 == 0o600
        assert Path(path.parent).stat().st_mode & 0o777 == 0o700
        with pytest.raises(CannotListen, match="in use"):
            bind_unix(grpc.aio.server(), path)
        await first.stop(0)


def test_bursts_of_holds_and_pings_are_provided_for() -> None:
    options = dict(grpc_options())
    assert options["grpc.server.max_pending_requests"] == 100_000
    assert options["grpc.server.max_pending_requests_hard_limit"] == 200_000
    assert options["grpc.http2.max_ping_strikes"] == 0
    assert options["grpc.max_receive_message_length"] > 32 << 20


async def test_http_beside_a_process_main_job_ends_with_it(tmp_path: Path) -> None:
    async def home(request: Request) -> Response:
        return Response("yes")

    path = tmp_path / "beside.sock"
    async with beside(Starlette(routes=[Route("/", home)]), bind_unix_http(path)):
        assert path.stat().st_mode & 0o777 == 0o600
        assert await health.http_ask(path, "/") == (200, b"yes")
        with pytest.raises(CannotListen, match="in use"):
            bind_unix_http(path)
    assert await health.http_status(path, "/") == 0
    bind_unix_http(path).close()  # what a dead process leaves behind is in nobody's way


NESTED = """
import asyncio
from runtime import serve
from runtime.errors import GatewayError
async def fails(error): raise error
async def run():
    async with asyncio.TaskGroup() as outer:
        async with asyncio.TaskGroup() as inner:
            inner.create_task(fails({error}))
serve.main(run)
"""


@pytest.mark.parametrize(("error", "sentence"), [("GatewayError('the disk is full')", True), ("ValueError(7)", False)])
def test_what_ends_a_process_is_one_sentence_out_of_any_group(error: str, sentence: bool) -> None:
    command = [sys.executable, "-c", NESTED.format(error=error)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert (ended.stderr == "the disk is full\n") == sentence
    assert "Traceback" not in ended.stderr
    assert ('"event":"uncaught","error_type":"ValueError"' in ended.stderr) != sentence


def test_which_of_several_processes_it_is() -> None:
    assert [process_index(["a", "a-1"], given) for given in ([], ["0"], ["1"])] == [0, 0, 1]
    for wrong in (["2"], ["-1"], ["x"], ["0", "1"]):
        with pytest.raises(CannotListen, match="number of this process, 0 to 1"):
            process_index(["a", "a-1"], wrong)
