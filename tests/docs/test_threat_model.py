"""docs/threat-model.md names a test, or says open, for each threat; and the tests exist."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
PAGE = (TESTS.parent / "docs" / "threat-model.md").read_text("utf-8")
ARROWS = re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
ROWS = [
    (arrow, [cell.strip() for cell in line.strip("|").split(" | ")])
    for arrow, text in ARROWS
    for line in text.splitlines()
    if re.match(r"\| [STRIDE] \|", line)
]


@cache
def names(file: str) -> set[str]:
    tree = ast.parse((TESTS / file).read_text("utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize("arrow", [arrow for arrow, _ in ARROWS])
def test_each_arrow_is_looked_at_from_all_six_sides(arrow: str) -> None:
    assert {cells[0] for found, cells in ROWS if found == arrow} == set("STRIDE")


@pytest.mark.parametrize(("arrow", "cells"), ROWS, ids=[f"{arrow}: {cells[1][:40]}" for arrow, cells in ROWS])
def test_a_threat_has_a_test_or_is_open(arrow: str, cells: list[str]) -> None:
    tests = re.findall(r"`([\w/]+\.py)::(test_\w+)`", cells[3] if len(cells) > 3 else "")
    assert tests or re.search(r"\*\*[Oo]pen", cells[2]), "no test, and not called open"
    for file, name in tests:
        assert name in names(file), f"tests/{file} has no {name}: name another test, or call the threat open"


def test_the_line_is_whole() -> None:
    """The arrows of docs/architecture.md, in its order, and those around it."""
    assert [arrow for arrow, _ in ARROWS][:3] == ["agent → Envoy", "Envoy → authz", "authz → issuer"]
    assert len(ARROWS) >= 14
