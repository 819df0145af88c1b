"""What asking costs: `python -m bench.authz [rounds]`. One run, interleaved, so that the ratios mean something.

CPU of the authz process per check with a remembered token (2 KB JSON, starter policy, durable record), without the
engine's own process, beside the floor: a grpc.aio server that answers a constant. `bench.gateway` has the whole line
beside Envoy alone.
"""

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
from envoy.service.auth.v3.external_auth_pb2_grpc import AuthorizationStub, add_AuthorizationServicer_to_server

from runtime.serve import GRPC_OPTIONS
from tests.kit import stubs
from tests.kit.authz import house
from tests.kit.checks import check, message

CHECKS, AT_ONCE = 500, 16
TEXT = "The branch asks what changed in the quarterly report, and whom to tell about it. " * 24
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far (proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * TICK_S


async def checks(socket: Path, request: Any) -> float:
    """Seconds for CHECKS of them."""
    async with grpc.aio.insecure_channel(f"unix:{socket}") as channel:
        stub = AuthorizationStub(channel)
        before, left = time.perf_counter(), iter(range(CHECKS))

        async def one() -> None:
            for _ in left:
                await stub.Check(request)

        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(one())
        return time.perf_counter() - before


def floor(socket: str) -> None:
    """Serves the constant until killed."""
    import uvloop

    async def serve() -> None:
        server = grpc.aio.server(options=list(GRPC_OPTIONS))
        add_AuthorizationServicer_to_server(Constant(), server)
        server.add_insecure_port(f"unix:{socket}")
        await server.start()
        print("ready", flush=True)
        await server.wait_for_termination()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve())


class Constant(stubs.Authz):
    def __init__(self) -> None:
        super().__init__(stubs.allow)

    async def Check(self, request: Any, context: Any) -> Any:
        return stubs.allow(request)


@contextlib.contextmanager
def floor_process(socket: Path) -> Iterator[int]:
    command = [sys.executable, "-m", "bench.authz", "--floor", str(socket)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield process.pid
        finally:
            process.terminate()


def measure_cpu(rounds: int) -> None:
    with house() as (authz, _), floor_process(authz.settings.gateway.run_dir / "floor.sock") as floor_pid:
        token = authz.issuer.agent_token("research-agent")
        request = check("/anthropic/v1/messages", method="POST", token=token, body=message(text=TEXT))
        places = {
            "grpc.aio, a constant": (authz.settings.gateway.run_dir / "floor.sock", floor_pid),
            "authz": (authz.settings.socket("authz"), authz.process.pid),
        }
        used: dict[str, list[tuple[float, float]]] = {name: [] for name in places}
        for number in range(rounds + 1):
            for name, (socket, pid) in places.items():
                before = cpu_seconds(pid)
                took = asyncio.run(checks(socket, request))
                if number:  # the first warms up
                    used[name].append(((cpu_seconds(pid) - before) / CHECKS * 1e6, CHECKS / took))
    print("| | CPU µs per check | × floor | checks/s |\n|---|---|---|---|")
    base = sorted(cpu for cpu, _ in used["grpc.aio, a constant"])[rounds // 2]
    for name, samples in used.items():
        cpu, rate = (sorted(column)[rounds // 2] for column in zip(*samples, strict=True))
        print(f"| {name} | {cpu:.0f} | {cpu / base:.1f} | {rate:.0f} |")


def main() -> None:
    if sys.argv[1:2] == ["--floor"]:
        floor(sys.argv[2])
        return
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    measure_cpu(rounds)


if __name__ == "__main__":
    main()
