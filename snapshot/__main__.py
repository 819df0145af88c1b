"""`python -m snapshot`: the publisher."""

import asyncio

from audit.write import open_spool
from runtime import log, metrics, serve
from runtime.errors import Error
from runtime.fileio import private_dir
from runtime.settings import load
from snapshot import envoy
from snapshot.publish import Publisher


async def run() -> None:
    settings = load()
    private_dir(settings.gateway.state_dir)
    private_dir(settings.gateway.run_dir)  # Envoy, asked whether it would take the configuration, opens its log there
    async with (
        serve.stop_signal() as stop,
        open_spool(settings, "snapshot") as spool,
        metrics.exposed(settings, "snapshot", spool.metrics),
    ):
        publisher = Publisher(settings, spool, envoy)
        try:
            publisher.restore()
        except Error as error:  # what stands may still be replaced by a revision that goes with the settings
            fields = {"code": error.code, "problem": error.message}
            log.get("snapshot").error("current_not_rendered", extra={"fields": fields})
        async with asyncio.TaskGroup() as group:
            publishing = group.create_task(publisher.run())
            await stop.wait()
            publishing.cancel()


if __name__ == "__main__":
    serve.main(run)
