"""Cases of Rego as data: tests/component/engine_corpus/*.yaml."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent.parent / "component" / "engine_corpus"


@dataclass(frozen=True)
class CorpusCase:
    description: str
    module: str
    ask: str
    input: Any
    outcome: str  # want | undefined | refused | fails
    value: Any


def corpus() -> list[CorpusCase]:
    cases = []
    for path in sorted(FOLDER.glob("*.yaml")):
        for item in yaml.safe_load(path.read_text("utf-8")):
            (outcome,) = {"want", "undefined", "refused", "fails"} & set(item)
            source = f"package p\n\n{item['module']}\n"
            case = CorpusCase(
                item["description"], source, item.get("ask", ""), item.get("input"), outcome, item[outcome]
            )
            cases.append(case)
    assert len({case.description for case in cases}) == len(cases)
    return cases
