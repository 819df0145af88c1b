"""The verifier stands alone: no module of ours but runtime.errors, few packages, and it runs without orjson."""

import ast
import sys
from pathlib import Path

import audit.verify

ALLOWED = {"cryptography", "clickhouse_connect", "orjson"}


def imported(file: Path) -> set[str]:
    tree = ast.parse(file.read_text())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return names | {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}


def test_imports_nothing_that_the_writers_use():
    files = sorted(Path(audit.verify.__file__).parent.glob("*.py"))
    assert len(files) > 8
    for file in files:
        for name in imported(file):
            own = name == "runtime.errors" or name == "audit.verify" or name.startswith("audit.verify.")
            package = name.split(".")[0]
            assert own or package in ALLOWED or package in sys.stdlib_module_names, f"{file.name} imports {name}"
