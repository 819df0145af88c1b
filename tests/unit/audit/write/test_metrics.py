"""The figures are those of the record: what was refused a place in it is not counted."""

from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from audit.write import Draft, Kind, Spool, SpoolFull


def counted(type_: str, code: str = "") -> float:
    return REGISTRY.get_sample_value("exeat_events_total", {"type": type_, "code": code}) or 0.0


async def test_events_count_when_they_are_durable(tmp_path: Path) -> None:
    before = counted("decision.refused", "token_missing"), counted("exchange.end", "answered")
    async with Spool(tmp_path / "spool" / "x.db", "x", "gw") as spool:
        await spool.record(
            Draft(Kind.DECISION, "decision.refused", data={"code": "token_missing", "count": 40}),
            Draft(Kind.EXCHANGE, "exchange.end", data={"outcome": "answered"}),
        )
        (used,) = [m.samples[0].value for m in spool.metrics.collect() if m.name == "exeat_spool_used_bytes"]
    assert counted("decision.refused", "token_missing") == before[0] + 40
    assert counted("exchange.end", "answered") == before[1] + 1
    assert used > 0


async def test_what_found_no_place_is_not_counted(tmp_path: Path) -> None:
    before = counted("masking.applied")
    async with Spool(tmp_path / "spool" / "x.db", "x", "gw", max_bytes=1) as spool:
        with pytest.raises(SpoolFull):
            await spool.record(Draft(Kind.MASKING, "masking.applied"))
    assert counted("masking.applied") == before
