"""`python -m authz [N]`: serves Envoy's external authorization on `<run_dir>/authz.sock`, or `authz-N.sock`.

Of several processes (`gateway.authz_processes`) the first one tidies the counters and tells what is one story for all.
"""

import asyncio

from approvals.follower import Follower
from audit.write import open_spool
from authz import turned_away
from authz.idle import Idle
from authz.service import Authz
from identity import Verifier
from runtime import metrics, tracing
from runtime.clock import SystemClock
from runtime.serve import main, process_index, serve_grpc
from runtime.settings import Settings, load, process_name
from snapshot.current import Current
from snapshot.engine_client import AT_ONCE, OpaEngine
from snapshot.masking_keys import masking_keys
from usage import open_counters
from usage.definitions import Definitions

GRACE_S = 5.0  # a check takes less, whatever hangs: keys 3 s, the engine's deadline, the commit
FIRST_WORD_S = 3.0
MARGIN_BYTES = 4 << 20  # headers and framing beside the largest body


async def run(settings: Settings) -> None:
    names = settings.processes("authz")
    index = process_index(names)
    state = settings.gateway.state_dir
    with Definitions(state) as definitions, Idle(state) as idle, tracing.exporting(settings, names[index]):
        await _serve(settings, index, definitions, idle)


async def _serve(settings: Settings, index: int, definitions: Definitions, idle: Idle) -> None:
    clock = SystemClock()
    role = f"authz-{index}"
    follower = Follower(settings.socket("holds"), clock)
    async with (
        open_spool(settings, role, clock) as spool,
        Verifier(settings.issuers, clock, foreign=[settings.people.audience]) as verifier,
        OpaEngine(
            settings.engine.url,
            settings.engine.deadline_ms,
            at_once=max(AT_ONCE, 2 * settings.engine.workers),
            server=settings.engine,
        ) as engine,
        open_counters(settings, clock, keeper=index == 0) as usage,
        Authz(
            settings,
            snapshots=Current(settings.gateway.state_dir, settings.secrets),
            verifier=verifier,
            engine=engine,
            recorder=spool,
            revocations=follower,
            usage=usage,
            keys=masking_keys(settings),
            clock=clock,
            definitions=definitions,
            first=index == 0,
            idle=idle,
        ) as service,
        metrics.exposed(settings, role, spool.metrics),
    ):
        message_bytes = settings.gateway.max_request_bytes + MARGIN_BYTES
        sockets = [(settings.socket(process_name("authz", index)), service.register)]
        async with asyncio.TaskGroup() as group:
            beside = [group.create_task(follower.run())]
            await _until_fresh(follower)
            if index == 0:
                admin = settings.socket("envoy-admin")
                beside.append(group.create_task(turned_away.watch(admin, spool, clock)))
            await serve_grpc(sockets, grace_seconds=GRACE_S, message_bytes=message_bytes)
            for task in beside:
                task.cancel()


async def _until_fresh(follower: Follower) -> None:
    """A moment for the first word of approvals; without it every request would be answered 503 anyway."""
    deadline = asyncio.get_running_loop().time() + FIRST_WORD_S
    while not follower.fresh and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(0.02)


if __name__ == "__main__":
    main(lambda: run(load()))
