"""`python -m audit.forward`: the signed log to every target of `[[forward_targets]]`, each at its own pace."""

import asyncio
import contextlib

from audit.log.forward import Forwarder, alone
from audit.log.sinks import cursor_of, format_of, sink_of
from runtime import log, serve
from runtime.errors import GatewayError
from runtime.settings import ForwardTarget, Settings, load

LOOK_SECONDS = 1.0
PAUSE_SECONDS = (1.0, 60.0)  # first and longest while a target is away

logger = log.get("forward")


async def run() -> None:
    settings = load()
    async with serve.stop_signal() as stop, asyncio.TaskGroup() as group:
        for target in settings.forward_targets:
            group.create_task(forward(settings, target, stop))
        await stop.wait()


async def forward(settings: Settings, target: ForwardTarget, stop: asyncio.Event) -> None:
    """Until `stop`, and then what is left of the log, unless the target is away."""
    with contextlib.ExitStack() as held:
        await _forward(settings, target, stop, held)


async def _forward(settings: Settings, target: ForwardTarget, stop: asyncio.Event, held: contextlib.ExitStack) -> None:
    pause, ours = PAUSE_SECONDS[0], False
    while True:
        stopping = stop.is_set()
        try:
            if not ours:
                held.enter_context(alone(cursor_of(settings, target.name)))
                ours = True
            count = await asyncio.to_thread(_step, settings, target)
        except (GatewayError, OSError, ValueError) as error:  # of this target alone: the others go on
            message = error.message if isinstance(error, GatewayError) else type(error).__name__
            logger.warning("target_away", extra={"fields": {"target": target.name, "message": message}})
            count, wait, pause = 0, pause, min(pause * 2, PAUSE_SECONDS[1])
        else:
            wait, pause = (0.0 if count else LOOK_SECONDS), PAUSE_SECONDS[0]
        if stopping and not count:
            return
        if wait:
            await serve.pause(stop, wait)


def _step(settings: Settings, target: ForwardTarget) -> int:
    """Opens the target anew each time: its files may have been renewed, and none is held while nothing is to send."""
    root = settings.gateway.state_dir / "log" / "tiles"
    return Forwarder(root, cursor_of(settings, target.name), lambda: sink_of(target), format_of(target)).step()


if __name__ == "__main__":
    serve.main(run)
