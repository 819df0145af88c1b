"""What a rule read when it fired: from the trace of one evaluation to names and values. Pure.

A rule is found by its METADATA (`custom.rule`), its evaluations by the line of its head. What it refers to of `input`
and of the data is read off the steps of these evaluations, and of the rules that they lean on in turn. A rule that
OPA's index ruled out was never evaluated: of it counts what its text names.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

REFERENCE = re.compile(r'\b(?:input|data)(?:\.[A-Za-z_]\w*|\["[^"]*"\])+')
STEP = re.compile(r'\.([A-Za-z_]\w*)|\["([^"]*)"\]')
NAME = re.compile(r"^#\s+rule: (\w+)\s*$")
PACKAGE = re.compile(r"^package ([\w.]+)\s*$", re.MULTILINE)
HEAD = re.compile(r"^(?:default )?([A-Za-z_]\w*)")
MAX_VALUE = 200  # characters of one value
MISSING = object()
Place = tuple[str, int]  # file, line
Trace = Iterable[Mapping[str, Any]]


def readings(
    trace: Trace, sources: Mapping[str, str], rules: Iterable[str], given: Any, data: Any
) -> dict[str, dict[str, str]]:
    """By rule, what it read: `input.request.method` → `"POST"`, as compact JSON, cut after MAX_VALUE characters."""
    read, named = _evaluations(list(trace), sources)
    heads = dict(_heads(sources))
    found: dict[str, dict[str, str]] = {}
    for rule in rules:
        if rule in heads:
            references = _closure(read[heads[rule]], read, named)
            shown = {name: _value(name, given, data) for name in references}
            found[rule] = {name: value for name, value in shown.items() if value is not None}
    return found


def _heads(sources: Mapping[str, str]) -> Iterator[tuple[str, Place]]:
    """Where the rule of each METADATA begins."""
    for path, text in sources.items():
        name = ""
        for number, line in enumerate(text.splitlines(), 1):
            match = NAME.match(line)
            name = match[1] if match else name
            if name and line.strip() and not line.startswith("#"):
                yield name, (path, number)
                name = ""


def _evaluations(
    trace: list[Mapping[str, Any]], sources: Mapping[str, str]
) -> tuple[dict[Place, dict[str, None]], dict[str, set[Place]]]:
    """What each rule refers to, by the place of its head; and the heads by dotted name (`data.exeat.is_write`)."""
    packages = {path: match[1] for path, text in sources.items() if (match := PACKAGE.search(text))}
    owner: dict[int, Place] = {}
    read: dict[Place, dict[str, None]] = defaultdict(dict)
    named: dict[str, set[Place]] = defaultdict(set)
    for step in trace:
        query, node, place = step["query_id"], _plain(str(step.get("node", ""))), _place(step)
        if step["op"] == "Enter":
            head = HEAD.match(node)
            if place[0] in packages and head and _is_head(node):
                owner[query] = place
                named[f"data.{packages[place[0]]}.{head[1]}"].add(place)
                continue  # its node is the whole rule, also what was not evaluated
            owner[query] = owner.get(step["parent_id"], place)
        mine = owner.get(query)
        if mine is not None:
            read[mine].update(dict.fromkeys(REFERENCE.findall(node)))
    for path, package in packages.items():
        for name, place, references in _blocks(path, sources[path]):
            if f"data.{package}.{name}" not in named:
                read[place].update(dict.fromkeys(references))
                named[f"data.{package}.{name}"].add(place)
    return read, named


def _plain(node: str) -> str:
    """Without the annotations that stand before a rule."""
    return "\n".join(line for line in node.split("\n") if not line.startswith("#"))


def _blocks(path: str, text: str) -> Iterator[tuple[str, Place, list[str]]]:
    """Rules as they stand in a module: name, head, and what of the input and the data is named in them."""
    at = 1
    for block in text.split("\n\n"):
        lines = [(at + offset, line) for offset, line in enumerate(block.split("\n")) if line and line[0] != "#"]
        head = HEAD.match(lines[0][1]) if lines else None
        if head and head[1] not in ("package", "import"):
            yield head[1], (path, lines[0][0]), REFERENCE.findall("\n".join(line for _, line in lines))
        at += block.count("\n") + 2


def _is_head(node: str) -> bool:
    """`name := … if { … }`, `name contains … if { … }`, `name(x) := …`: a rule, and not the body of a comprehension."""
    return bool(re.match(r"^(?:default )?[A-Za-z_]\w*(?:\([^=]*\))?(?: contains | := | = | if |\[)", node))


def _place(step: Mapping[str, Any]) -> Place:
    file, _, line = str(step.get("location", "")).rpartition(":")
    return file, int(line) if line.isdigit() else 0


def _closure(
    start: Mapping[str, None], read: Mapping[Place, Mapping[str, None]], named: Mapping[str, set[Place]]
) -> list[str]:
    """References of a rule and of the rules that it leans on; those themselves are left out."""
    found: dict[str, None] = {}
    waiting, done = list(start), set[str]()
    while waiting:
        reference = waiting.pop(0)
        if reference in done:
            continue
        done.add(reference)
        rule = next((name for name in _prefixes(reference) if name in named), None)
        if rule is None:
            found[reference] = None
            continue
        waiting += [other for place in sorted(named[rule]) for other in read.get(place, {})]
    return sorted(found)


def _prefixes(reference: str) -> Iterator[str]:
    parts = [match[0] for match in STEP.finditer(reference)]
    root = reference.split(".", 1)[0].split("[", 1)[0]
    for count in range(len(parts), 0, -1):
        yield root + "".join(parts[:count])


def _value(reference: str, given: Any, data: Any) -> str | None:
    value: Any = given if reference.startswith("input") else data
    for match in STEP.finditer(reference):
        key = match[1] or match[2]
        value = value.get(key, MISSING) if isinstance(value, Mapping) else MISSING
        if value is MISSING:
            return "nothing" if reference.startswith("input") else None
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text if len(text) <= MAX_VALUE else text[: MAX_VALUE - 1] + "…"
