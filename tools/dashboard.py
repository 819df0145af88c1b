"""Writes deploy/grafana/exeat.json, which Grafana imports, from panels.yaml beside it. tests/docs compares both."""

import json
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).resolve().parent.parent / "deploy" / "grafana"
WIDTH, HEIGHT = 24, 8  # Grafana's grid
SOURCE = {"type": "prometheus", "uid": "${source}"}


def dashboard(rows: dict[str, dict[str, Any]]) -> dict[str, Any]:
    panels: list[dict[str, Any]] = []
    for number, (title, charts) in enumerate(rows.items()):
        top = number * (HEIGHT + 1)
        panels.append({"type": "row", "title": title, "gridPos": {"h": 1, "w": WIDTH, "x": 0, "y": top}, "panels": []})
        wide = WIDTH // len(charts)
        panels += [
            _panel(name, chart, {"h": HEIGHT, "w": wide, "x": wide * column, "y": top + 1})
            for column, (name, chart) in enumerate(charts.items())
        ]
    return {
        "uid": "exeat",
        "title": "Exeat",
        "schemaVersion": 39,
        "tags": ["exeat"],
        "time": {"from": "now-6h", "to": "now"},
        "refresh": "30s",
        "templating": {
            "list": [{"name": "source", "type": "datasource", "query": "prometheus", "label": "Prometheus"}]
        },
        "panels": [{"id": number + 1, **panel} for number, panel in enumerate(panels)],
    }


def _panel(title: str, chart: dict[str, Any], place: dict[str, int]) -> dict[str, Any]:
    targets = [
        {"refId": chr(ord("A") + number), "expr": query, "legendFormat": legend, "datasource": SOURCE}
        for number, (legend, query) in enumerate(chart["series"].items())
    ]
    return {
        "type": "timeseries",
        "title": title,
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": chart["unit"], "min": 0}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
        "targets": targets,
    }


def text() -> str:
    return json.dumps(dashboard(yaml.safe_load((FOLDER / "panels.yaml").read_text())), indent=1) + "\n"


if __name__ == "__main__":
    (FOLDER / "exeat.json").write_text(text())
