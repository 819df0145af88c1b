"""Runs `test_*` rules as `opa test` does: defined and not false is green, an error or a false is red.

Also cases, for both are what a repository says of itself.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from snapshot.bundle import ENTRY
from snapshot.cases import Case, differences
from snapshot.decision import MalformedDecision, parse
from snapshot.engine.process import RegoFailed, Worker
from snapshot.located import Problem
from snapshot.syntax import Module, complaints

TEST_DEADLINES = (
    10  # a test may take so many times what a decision may (engine.deadline_ms), for it may ask for several
)


@dataclass(frozen=True)
class TestResult:
    """`name`: `data.exeat_test.test_x` or a case's description; `why` is empty when it is green."""

    __test__ = False  # not a test of ours, though pytest would think so

    name: str
    file: str
    line: int
    why: str = ""

    @property
    def problem(self) -> Problem:
        return Problem(self.file, self.line, f"{self.name} fails: {self.why}")


@dataclass
class Coverage:
    """Lines of each module that some test evaluated, and lines that none did (from 1)."""

    covered: dict[str, set[int]] = field(default_factory=dict)
    missed: dict[str, set[int]] = field(default_factory=dict)

    def add(self, report: Mapping[str, Any] | None) -> None:
        for path, file in (report or {}).get("files", {}).items():
            covered = self.covered.setdefault(path, set())
            missed = self.missed.setdefault(path, set())
            covered |= _lines(file.get("covered"))
            missed |= _lines(file.get("not_covered"))
            missed -= covered

    def percent(self, paths: Iterable[str]) -> float:
        """Of the lines of these modules; 100.0 when there is nothing to cover."""
        covered = sum(len(self.covered.get(path, ())) for path in paths)
        missed = sum(len(self.missed.get(path, ())) for path in paths)
        return 100.0 * covered / (covered + missed) if covered + missed else 100.0


async def run_tests(
    worker: Worker, modules: Iterable[Module], seconds: float, coverage: Coverage | None = None
) -> list[TestResult]:
    """The worker has the modules loaded; each module's tests may take `seconds`. Raises WorkerSlow, WorkerDied."""
    results = []
    for module in modules:
        names = module.tests()
        for name, why in zip(names, await _run(worker, module, names, seconds, coverage), strict=True):
            dotted = ".".join(["data", *module.package, name])
            results.append(TestResult(dotted, module.path, module.line(rf"^\s*{name}\b"), why))
    return results


async def _run(
    worker: Worker, module: Module, names: Sequence[str], seconds: float, coverage: Coverage | None
) -> list[str]:
    """Why each is red, "" for green. All at once; one by one only to find the one that ends with an error."""
    if not names:
        return []
    paths = [[*module.package, name] for name in names]
    try:
        values, report = await worker.each(paths, seconds=seconds, coverage=coverage is not None)
    except RegoFailed as error:
        if len(names) == 1:
            return [complaints(error.text, module.path)[0].text]
        return [(await _run(worker, module, [name], seconds, coverage))[0] for name in names]
    if coverage is not None:
        coverage.add(report)
    return [_verdict(found) for found in values]


def _verdict(found: list[Any]) -> str:
    if not found:
        return "undefined"
    value = found[0]
    if isinstance(value, dict) and value:  # test_x[case]: each of its cases
        red = [name for name, item in value.items() if item is False]
        return f"false for {', '.join(red)}" if red else ""
    return "false" if value is False or value == {} else ""


async def run_cases(
    worker: Worker, cases: Iterable[Case], snapshot: str, seconds: float, coverage: Coverage | None = None
) -> list[TestResult]:
    """Raises WorkerSlow, WorkerDied."""
    results = []
    for case in cases:
        decision, why = await decide(worker, case.input, snapshot, seconds, coverage)
        if not why:
            why = "; ".join(differences(case, decision or {}))
        results.append(TestResult(f"case `{case.description}`", case.file, case.line, why))
    return results


async def decide(
    worker: Worker, given: Mapping[str, Any], snapshot: str, seconds: float, coverage: Coverage | None = None
) -> tuple[dict[str, Any] | None, str]:
    """The value of `data.exeat.decision`, and why it is no decision of this snapshot ("" if it is one)."""
    body = json.dumps({"input": given}).encode()
    try:
        answer = await worker.evaluate(ENTRY, body, seconds=seconds, coverage=coverage is not None)
    except RegoFailed as error:
        return None, complaints(error.text, "policy")[0].text
    if coverage is not None:
        coverage.add(answer.coverage)
    if answer.json is None:
        return None, "data.exeat.decision is undefined: it needs a default"
    try:
        decision = parse(answer.value)
    except MalformedDecision as error:
        return answer.value if isinstance(answer.value, dict) else None, f"no well-formed decision: {error.message}"
    if decision.snapshot != snapshot:
        return answer.value, "the decision does not carry `data.snapshot.digest` as `snapshot`"
    return answer.value, ""


def _lines(ranges: Any) -> set[int]:
    found: set[int] = set()
    for item in ranges or []:
        found.update(range(item["start"]["row"], item["end"]["row"] + 1))
    return found
