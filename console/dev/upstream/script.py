"""Scenarios: what the simulated model says, and how a stream cuts it. Pure."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

CHOICE = re.compile(r"play: ?([a-z_]+)")


@dataclass(frozen=True)
class Call:
    """`pieces`: how a stream cuts the JSON of its arguments."""

    tool: str
    arguments: Mapping[str, Any]
    pieces: tuple[str, ...]


@dataclass(frozen=True)
class Scenario:
    """`calls`: side by side, in one answer. `filler`: KiB of signs of life behind them, in a stream."""

    name: str
    text: str
    pieces: tuple[str, ...]
    calls: tuple[Call, ...] = ()
    delay_ms: int = 0
    filler: int = 0

    @property
    def tokens(self) -> int:
        return len(self.pieces) + sum(len(call.pieces) for call in self.calls)


@cache
def scenarios() -> dict[str, Scenario]:
    entries = yaml.safe_load(files("console.dev.upstream").joinpath("scenarios.yaml").read_text("utf-8"))
    return {name: _scenario(name, entry) for name, entry in entries.items()}


def _scenario(name: str, entry: Mapping[str, Any]) -> Scenario:
    text = " ".join([entry["text"]] * entry.get("repeat", 1))
    pieces = tuple(entry.get("pieces") or re.findall(r"\S+\s*", text))
    assert "".join(pieces) == text, f"scenario {name}: the pieces are not the text"
    calls = tuple(_call(call) for call in entry.get("calls", ()))
    return Scenario(name, text, pieces, calls, entry.get("delay_ms", 0), entry.get("filler", 0))


def _call(entry: Mapping[str, Any]) -> Call:
    arguments = entry.get("arguments", {})
    return Call(entry["tool"], arguments, tuple(entry.get("pieces") or [json.dumps(arguments)]))


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
    """Its tools under the names that the caller gave them (`mcp__bank__lookup_customer`), if it offers tools."""
    offered = [tool.get("name") or tool.get("function", {}).get("name", "") for tool in request.get("tools") or []]

    def named(call: Call) -> Call:
        return replace(call, tool=next((name for name in offered if name.endswith(call.tool)), call.tool))

    return replace(scenario, calls=tuple(named(call) for call in scenario.calls))
