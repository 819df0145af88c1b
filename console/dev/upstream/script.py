"""Scenarios: what the simulated model says, and how a stream cuts it. Pure."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

CHOICE = re.compile(r"play: ?([a-z_]+)")


@dataclass(frozen=True)
class Scenario:
    name: str
    text: str
    pieces: tuple[str, ...]
    tool: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    tool_pieces: tuple[str, ...] = ()
    delay_ms: int = 0


@cache
def scenarios() -> dict[str, Scenario]:
    entries = yaml.safe_load(files("console.dev.upstream").joinpath("scenarios.yaml").read_text("utf-8"))
    return {name: _scenario(name, entry) for name, entry in entries.items()}


def _scenario(name: str, entry: Mapping[str, Any]) -> Scenario:
    text = " ".join([entry["text"]] * entry.get("repeat", 1))
    pieces = tuple(entry.get("pieces") or re.findall(r"\S+\s*", text))
    tool = entry.get("tool") or {}
    arguments = tool.get("arguments", {})
    cut = tuple(entry.get("tool_pieces") or ([json.dumps(arguments)] if tool else []))
    assert "".join(pieces) == text, f"scenario {name}: the pieces are not the text"
    return Scenario(name, text, pieces, tool.get("name", ""), arguments, cut, entry.get("delay_ms", 0))


def choose(request: Mapping[str, Any]) -> Scenario:
    """By the last `play: NAME` in the request, or what stands behind `echo: `.

    After a tool result the model says goodbye instead of calling again.
    """
    text = json.dumps(request)
    if '"tool_result"' in text or '"role": "tool"' in text or '"function_call_output"' in text:
        return scenarios()["greeting"]
    if said := re.search(r"echo: ([^\"\\]*)", text):
        return replace(scenarios()["greeting"], text=said[1], pieces=tuple(re.findall(".{1,7}", said[1])))
    names = [name for name in CHOICE.findall(text) if name in scenarios()]
    return _offered(request, scenarios()[names[-1] if names else "greeting"])


def _offered(request: Mapping[str, Any], scenario: Scenario) -> Scenario:
    """The scenario's tool under the name that the caller gave it (`mcp__bank__lookup_customer`), if it offers tools."""
    tools = [tool.get("name") or tool.get("function", {}).get("name", "") for tool in request.get("tools") or []]
    for name in tools:
        if scenario.tool and name.endswith(scenario.tool):
            return replace(scenario, tool=name)
    return scenario
