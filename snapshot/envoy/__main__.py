"""`python -m snapshot.envoy`: Envoy with our bootstrap, drained at SIGTERM."""

from runtime import serve
from runtime.settings import load
from snapshot.envoy import process


async def run() -> None:
    await process.run(load())


if __name__ == "__main__":
    serve.main(run)
