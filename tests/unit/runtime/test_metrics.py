from collections.abc import Iterable
from pathlib import Path

import httpx
from prometheus_client import REGISTRY
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from runtime import metrics
from runtime.settings import parse


async def test_a_part_answers_while_it_runs_and_measures_when_it_is_asked(tmp_path: Path) -> None:
    settings = parse({"gateway": {"run_dir": str(tmp_path)}}, "test")
    held = [3]

    def measure() -> Iterable[Metric]:
        yield GaugeMetricFamily("exeat_test_held", "What is held.", held[0])

    async with metrics.exposed(settings, "probe-0", metrics.Measured(measure)):
        held[0] = 4
        transport = httpx.AsyncHTTPTransport(uds=str(tmp_path / "probe-0.metrics.sock"))
        async with httpx.AsyncClient(transport=transport) as client:
            text = (await client.get("http://localhost/metrics")).text
    assert "exeat_test_held 4.0" in text
    assert "process_resident_memory_bytes" in text
    assert REGISTRY.get_sample_value("exeat_test_held") is None
