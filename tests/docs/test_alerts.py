"""Alerts, dashboard and runbook speak of the same metrics, and of such that our code has."""

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
RULES: list[dict[str, Any]] = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yaml").read_text())["groups"][0]["rules"]
PANELS: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "deploy/grafana/panels.yaml").read_text())
RUNBOOK = (ROOT / "docs/runbook.md").read_text()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_alert_has_its_page(rule: dict[str, Any]) -> None:
    assert f"\n## {rule['alert']}\n" in RUNBOOK
    assert rule["annotations"]["runbook"] == f"docs/runbook.md#{rule['alert'].lower()}"
    assert rule["labels"]["severity"] in ("page", "ticket")


def test_every_page_has_its_alert() -> None:
    assert set(re.findall(r"^## (Exeat\w+)$", RUNBOOK, re.MULTILINE)) == {rule["alert"] for rule in RULES}


def test_what_the_issue_of_operations_asks_for_is_watched() -> None:
    watched = " ".join(rule["expr"] for rule in RULES)
    for name in ("caught_up", "spool_used", "half_closed", "holds_waiting", "reconcile_breaches", "code_class"):
        assert name in watched


def test_the_dashboard_is_made_of_its_panels() -> None:
    spec = importlib.util.spec_from_file_location("dashboard", ROOT / "tools/dashboard.py")
    assert spec
    assert spec.loader
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    written = (ROOT / "deploy/grafana/exeat.json").read_text()
    assert written == tool.text(), "run `python tools/dashboard.py`"
    queries = [target["expr"] for panel in json.loads(written)["panels"] for target in panel.get("targets", [])]
    assert len(queries) == sum(len(chart["series"]) for row in PANELS.values() for chart in row.values())
