"""What a decision costs: `python -m bench.engine [rounds]`. One run, one machine, so that the ratios mean something.

1. CPU of one evaluation in the library, in microseconds and as a multiple of a document that is a constant: the starter
   policy, parts of it, a policy of 45 rules with the text patterns that the starter leaves to masking, and the constant
   without an input, which says what reading the input costs
2. time of a decision over REST: the embedded engine's process, and a real OPA server where one is there (`make tools`)
"""

import asyncio
import contextlib
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from snapshot import bundle as bundles
from snapshot import repository
from snapshot.bundle import ENTRY, Bundle
from snapshot.cases import parse_cases
from snapshot.engine.library import Library
from snapshot.engine_client import OpaEngine
from tests.kit.engine import engine, publish
from tests.kit.opa import opa_binary, opa_server

STARTER = Path(__file__).resolve().parents[1] / "policies"
CONSTANT = ["snapshot", "digest"]
BODY = "Please transfer 100 EUR to Müller, and summarise the minutes of the meeting. " * 10
PATTERNS = (
    r"(?i)\bdrop\s+table\b",
    r"\b\d{3}-\d{2}-\d{4}\b",
    r"\b(?:\d[ -]?){13,16}\b",
    r"AKIA[0-9A-Z]{16}",
    r"-----BEGIN [A-Z ]*PRIVATE KEY",
    r"(?i)password\s*[:=]",
    r"ghp_[A-Za-z0-9]{36}",
    r"\b[A-Z]{2}\d{2}[A-Z0-9]{11,30}\b",
)


def inputs() -> list[Mapping[str, Any]]:
    """The inputs of the starter's own cases."""
    files = sorted((STARTER / "cases").glob("*.yaml"))
    return [case.input for path in files for case in parse_cases(path.read_text("utf-8"), path.name)]


def without(bundle: Bundle, part: str) -> Bundle:
    """The same without the modules whose path begins so."""
    modules = {path: text for path, text in bundle.modules.items() if not path.startswith(part)}
    return Bundle(bundle.digest, modules, bundle.data)


def forty_five(patterns: Sequence[str]) -> Bundle:
    """45 rules as houses write them: 37 over fields, 8 over the text of the request where there are patterns."""
    rules = [
        f'deny contains "r{n}" if {{ input.connection.name == "c{n}"; not input.request.method in {{"GET", "HEAD"}} }}'
        for n in range(45 - len(patterns))
    ]
    rules += [f'deny contains "p{n}" if regex.match({json.dumps(text)}, input.body)' for n, text in enumerate(patterns)]
    head = ["package exeat", 'decision := {"reasons": [rule | some rule in deny]}']
    text = "\n\n".join([*head, *rules, ""])
    return Bundle("sha256:" + "0" * 64, {"p.rego": text}, {"snapshot": {"digest": "x"}})


def loaded(bundle: Bundle) -> Library:
    library = Library()
    for path, source in bundle.modules.items():
        library.add_module(path, source)
    library.add_data(bundle.data)
    return library


def cpu(subjects: Mapping[str, tuple[Library, list[str]]], given: Sequence[Any], rounds: int) -> dict[str, float]:
    """Median microseconds of process CPU, all subjects in turn, so that a slow moment meets each of them."""
    samples: dict[str, list[float]] = {name: [] for name in subjects}
    for at in range(rounds + 5):
        for name, (library, path) in subjects.items():
            for one in given:
                began = time.process_time_ns()
                library.evaluate(path, one)
                if at >= 5:  # the first rounds compile and warm up
                    samples[name].append((time.process_time_ns() - began) / 1000)
    return {name: round(statistics.median(found), 1) for name, found in samples.items()}


def in_the_library(rounds: int) -> dict[str, Any]:
    starter = bundles.make(repository.read(STARTER))
    given = [{**one, "body": BODY} for one in inputs()]
    whole = loaded(starter)
    subjects = {
        "a constant": (whole, CONSTANT),
        "starter": (whole, ENTRY),
        "starter without packs": (loaded(without(starter, "packs/")), ENTRY),
        "its denials alone": (whole, ["exeat", "denials"]),
        "45 rules over fields": (loaded(forty_five([])), ENTRY),
        "45 rules, 8 of them patterns": (loaded(forty_five(PATTERNS)), ENTRY),
    }
    found = cpu(subjects, given, rounds)
    found |= cpu({"a constant, no input": (whole, CONSTANT)}, [{}] * len(given), rounds)
    floor = found["a constant"]
    return {name: {"cpu_us": value, "of_a_constant": round(value / floor, 1)} for name, value in found.items()}


async def over_rest(url: str, given: Sequence[Mapping[str, Any]], rounds: int) -> dict[str, float]:
    """Milliseconds, one after the other."""
    samples = []
    async with OpaEngine(url, 10_000) as client:
        for _ in range(rounds + 2):
            for one in given:
                began = time.monotonic()
                await client.decide(one)
                samples.append((time.monotonic() - began) * 1000)
    ordered = sorted(samples[2 * len(given) :])
    return {"p50_ms": round(ordered[len(ordered) // 2], 2), "p99_ms": round(ordered[int(len(ordered) * 0.99)], 2)}


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    report: dict[str, Any] = {"library": in_the_library(rounds), "rest": {}}
    given = inputs()
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        state = Path(name)
        publish(state, {path: text.decode() for path, text in repository.read(STARTER).files.items()})
        running = stack.enter_context(engine(state))
        running.until_ready()
        report["rest"]["embedded engine"] = asyncio.run(over_rest(running.url, given, rounds))
        if binary := opa_binary():
            server = stack.enter_context(opa_server(binary, "--bundle", str(state / "opa" / "bundle.tar.gz")))
            report["rest"]["OPA server"] = asyncio.run(over_rest(server.url, given, rounds))
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    os.environ.setdefault("GOGC", "400")
    main()
