"""`python -m snapshot.engine`: the embedded engine, on the host and port of `engine.url`."""

from runtime import metrics
from runtime import serve as running
from runtime.settings import load
from snapshot.engine.process import Worker
from snapshot.engine.serve import serve


async def run() -> None:
    settings = load()
    async with Worker.running() as worker:  # a library that is missing or does not load is said before listening
        await worker.parse("probe.rego", "package probe")
    async with metrics.exposed(settings, "engine"):
        await serve(settings)


if __name__ == "__main__":
    running.main(run)
