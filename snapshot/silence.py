"""`not` over a value that may be missing: the mistake by which a deny rule in Rego falls silent. Pure.

OPA evaluates what a negated call or index needs *before* the `not`: `deny if not input.a in allowed` says nothing at
all when `input.a` is missing, though it reads as if it denied. `not name_of_a_rule` and `not input.a == 1` are safe.
Found by a test of the starter policy and tried on OPA 1.20.2; such places are noted, not refused.
"""

import re
from collections.abc import Iterator
from typing import Any

from snapshot.located import Problem
from snapshot.syntax import Module, without_comments

TEXT = (
    "`not` over a value that may be missing: then the whole rule is silent."
    " Put the condition into a rule of its own and write `not` before its name"
)
SAFE = {"equal", "eq"}  # OPA compares these with the missing value itself
FIRST = ("head", "ref", "term", "key", "value", "domain", "body", "terms", "with", "else")  # order in the source
STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"|`[^`]*`')


def notes(module: Module) -> Iterator[Problem]:
    """One note per place. The n-th negation of the tree stands at the n-th `not` of the source."""
    lines = _lines_of_not(module.source)
    negations = list(_negations(module.tree.get("rules") or []))
    for number, expression in enumerate(negations):
        if _is_silent(expression):
            yield module.problem(lines[number] if len(lines) == len(negations) else 0, TEXT)


def _lines_of_not(source: str) -> list[int]:
    lines = enumerate(without_comments(source), 1)
    return [line for line, text in lines for _ in re.finditer(r"(?<![\w.])not\s", STRINGS.sub('""', text) + " ")]


def _negations(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, list):
        for item in node:
            yield from _negations(item)
    elif isinstance(node, dict):
        if node.get("negated"):
            yield node
        for key in sorted(node, key=lambda key: FIRST.index(key) if key in FIRST else len(FIRST)):
            yield from _negations(node[key])


def _is_silent(expression: dict[str, Any]) -> bool:
    terms = expression["terms"]
    if isinstance(terms, dict):
        if terms.get("type") == "ref":
            return any(part.get("type") in ("ref", "call") for part in terms["value"][1:])
        return terms.get("type") != "var" and _reads(terms)
    operator, *operands = terms
    name = ".".join(str(part["value"]) for part in operator["value"]) if operator["type"] == "ref" else ""
    if name in SAFE:
        return any(_computes(operand) for operand in operands)
    return any(_reads(operand) for operand in operands)


def _reads(term: Any) -> bool:
    """Whether it holds a reference such as input.a; a comprehension does not count, it is never missing."""
    if isinstance(term, list):
        return any(_reads(item) for item in term)
    if not isinstance(term, dict) or str(term.get("type", "")).endswith("comprehension"):
        return False
    if term.get("type") == "ref" and len(term["value"]) > 1:
        return True
    return _reads(term.get("value"))


def _computes(term: Any) -> bool:
    """Whether a call or a computed index in it reads a reference."""
    if isinstance(term, list):
        return any(_computes(item) for item in term)
    if not isinstance(term, dict) or str(term.get("type", "")).endswith("comprehension"):
        return False
    if term.get("type") == "call":
        return _reads(term["value"][1:])
    if term.get("type") == "ref":
        return any(part.get("type") in ("ref", "call") for part in term["value"][1:])
    return _computes(term.get("value"))
