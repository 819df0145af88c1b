"""Gemini's API, simulated: one answer, whole or in chunks (`alt=sse`, or one growing JSON array)."""

from collections.abc import Iterator
from typing import Any

from console.dev.upstream.script import Scenario

MODEL = "gemini-simulated"


def answer(scenario: Scenario) -> dict[str, Any]:
    return _candidate(scenario.text, "STOP")


def chunks(scenario: Scenario) -> Iterator[dict[str, Any]]:
    for at, piece in enumerate(scenario.pieces, 1):
        yield _candidate(piece, "STOP" if at == len(scenario.pieces) else "")


def _candidate(text: str, reason: str) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": [{"text": text}]}, "index": 0}
    if reason:
        candidate["finishReason"] = reason
    usage = {"promptTokenCount": 5, "candidatesTokenCount": 7, "totalTokenCount": 12}
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": MODEL}
