"""`python -m extproc [N]`: what flows, on extproc.sock, or extproc-N.sock of several (`gateway.extproc_processes`)."""

import asyncio

from approvals.client import HoldsClient
from approvals.follower import Follower
from audit.write import open_spool
from extproc.flow import RELAXED_BYTES
from extproc.hold import Errands
from extproc.rules import SnapshotRules
from extproc.service import Service
from extproc.stream import Limits
from runtime import metrics, tracing
from runtime.clock import SystemClock
from runtime.serve import main, process_index, serve_grpc
from runtime.settings import Settings, load
from snapshot.current import Current
from snapshot.masking_keys import masking_keys
from usage import open_counters
from usage.definitions import Definitions

MARGIN_BYTES = 4 << 20  # headers and metadata beside the largest body


def limits(settings: Settings) -> Limits:
    ahead = 0 if settings.record.mode == "strict" else RELAXED_BYTES
    silence = settings.gateway.silence_seconds
    return Limits(max_wait=settings.approvals.max_wait_seconds, ahead=ahead, silence=silence)


async def run(settings: Settings) -> None:
    clock = SystemClock()
    current = Current(settings.gateway.state_dir, settings.secrets)
    rules = SnapshotRules(current, masking_keys(settings), settings.masking.floor)
    names = settings.processes("extproc")
    name = names[process_index(names)]
    with Definitions(settings.gateway.state_dir) as known, tracing.exporting(settings, name):
        await _serve(settings, name, clock, rules, known)


async def _serve(settings: Settings, name: str, clock: SystemClock, rules: SnapshotRules, known: Definitions) -> None:
    async with (
        open_spool(settings, name) as spool,
        HoldsClient(settings.socket("holds")) as holds,
        open_counters(settings, clock) as usage,
        Errands(spool, holds, usage) as errands,
        metrics.exposed(settings, name, spool.metrics),
    ):
        follower = Follower(settings.socket("holds"), clock, lambda revocation: service.revoke(revocation))
        service = Service(rules, limits(settings), errands, clock, follower, known)
        async with asyncio.TaskGroup() as group:
            following = group.create_task(follower.run())
            await serve_grpc(
                [(settings.socket(name), service.register)],
                grace_seconds=settings.envoy.drain_seconds,
                message_bytes=settings.gateway.max_request_bytes + MARGIN_BYTES,
            )
            following.cancel()


if __name__ == "__main__":
    main(lambda: run(load()))
