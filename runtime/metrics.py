"""Prometheus metrics of one process, on a socket of its own: `<run_dir>/<part>.metrics.sock`.

A counter is declared beside the code that counts. Names begin with `exeat_`; labels hold our codes and names from the
policy repository, never anything that a caller wrote, so that nobody outside can make series without end.
The console gathers all parts, Envoy included, at `metrics.listen` (console/metrics.py).
"""

import contextlib
from collections.abc import AsyncIterator, Callable, Iterable

from prometheus_client import REGISTRY, make_asgi_app
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from runtime import serve
from runtime.settings import Settings

SUFFIX = ".metrics"
# Seconds, for what a caller waits for: a group commit takes 3 ms, Envoy gives up after about 5 s.
SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


@contextlib.asynccontextmanager
async def exposed(settings: Settings, part: str, *collectors: Collector) -> AsyncIterator[None]:
    """Answers GET /metrics while the block runs; `collectors` measure when they are asked."""
    with contextlib.ExitStack() as registered:
        for collector in collectors:
            REGISTRY.register(collector)
            registered.callback(REGISTRY.unregister, collector)
        async with serve.beside(make_asgi_app(), serve.bind_unix_http(settings.socket(f"{part}{SUFFIX}"))):
            yield


class Measured(Collector):
    """A collector of one function that gives metrics as they are now."""

    def __init__(self, measure: Callable[[], Iterable[Metric]]) -> None:
        self._measure = measure

    def collect(self) -> Iterable[Metric]:
        return self._measure()

    def describe(self) -> Iterable[Metric]:
        return ()  # registering must not measure: nothing is open yet
