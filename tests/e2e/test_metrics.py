"""Prometheus' view of a whole gateway that has worked."""

import re
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.kit.gateway import Gateway, eventually

pytestmark = pytest.mark.envoy
PARTS = {"approvals", "authz-0", "engine", "envoy", "extproc", "shipper", "snapshot", "store"}


def samples(gateway: Gateway) -> dict[tuple[str, ...], float]:
    """(name, label=value, …) → value, labels in alphabetical order."""
    text = httpx.get(f"http://{gateway.settings.metrics.listen}/metrics", timeout=10).text
    return {
        (sample.name, *(f"{key}={value}" for key, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_what_happened_is_counted_and_every_part_is_up(gateway: Gateway) -> None:
    with gateway.client() as client:
        body = {"model": "gpt-5", "messages": [{"role": "user", "content": "play: customer"}]}
        assert client.post("/openai/v1/chat/completions", json=body).status_code == 200
    gateway.settled()
    found = eventually(lambda: samples(gateway), lambda found: found[("exeat_ship_behind_events", "part=shipper")] == 0)
    up = {name[1].removeprefix("part="): value for name, value in found.items() if name[0] == "exeat_part_up"}
    assert up == dict.fromkeys(PARTS, 1.0)
    assert found[("exeat_events_total", "code=", "part=authz-0", "type=decision.allow")] >= 1
    assert found[("exeat_events_total", "code=answered", "part=extproc", "type=exchange.end")] >= 1
    assert found[("exeat_check_seconds_count", "part=authz-0")] >= 1
    assert found[("exeat_spool_down", "part=approvals")] == 0
    assert found[("exeat_holds_waiting", "part=extproc")] == 0
    assert found[("exeat_snapshot_refused", "part=snapshot")] == 0
    assert [name for name in found if name[0].startswith("envoy_http_ext_proc")], "Envoy's own figures are missing"


def test_alerts_and_dashboard_ask_for_what_there_is(gateway: Gateway) -> None:
    """But for the comparison of log and decisions, which runs from cron and writes a file."""
    root = Path(__file__).resolve().parents[2]
    asked = "".join((root / "deploy" / name).read_text() for name in ("prometheus/alerts.yaml", "grafana/panels.yaml"))
    names = set(re.findall(r"\b((?:exeat|envoy|process)_[a-z_]+)(?=[\[{ \])},:]|$)", asked, re.MULTILINE))
    names -= {"exeat_reconcile_breaches", "exeat_reconcile_findings", "exeat_reconcile_timestamp_seconds"}
    names -= {"envoy_response_code_class"}
    text = httpx.get(f"http://{gateway.settings.metrics.listen}/metrics", timeout=10).text
    there = set(re.findall(r"^(?:# TYPE )?([a-z_]+)", text, re.MULTILINE))
    assert sorted(name for name in names if name not in there) == []
    assert len(names) > 20


def test_nothing_of_a_caller_is_in_them(gateway: Gateway) -> None:
    with gateway.client() as client:
        client.get("/nowhere-planted-word/v1?planted-query", headers={"x-planted": "planted-header"})
    assert "planted" not in httpx.get(f"http://{gateway.settings.metrics.listen}/metrics", timeout=10).text
