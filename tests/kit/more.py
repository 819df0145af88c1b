"""Tools that are not Python's, as tools/more.py left them in build/.

A missing one skips its tests, and says what to do. With CI=true it fails them where the machine could have had it:
a Go or npm that is there, but did not build or download.
"""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

from tests.kit.opa import opa_binary

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"


def opa() -> str:
    found = opa_binary()
    return found if found else missing("no OPA server: set OPA_BIN or run `make tools`", "go")


def program(name: str) -> Path:
    """A Go program: build/bin/<name>."""
    path = BUILD / "bin" / name
    return path if path.exists() else missing(f"{name} is not built: run `make tools`", "go")


def kustomize() -> list[str]:
    """The words that build a Kustomization."""
    if shutil.which("kubectl"):
        return ["kubectl", "kustomize"]
    return [shutil.which("kustomize") or str(program("kustomize")), "build"]


def package(name: str) -> Path:
    """The folder with the npm packages that tests/more/<name>/package-lock.json pins; its programs are copied there."""
    folder = BUILD / "npm" / name
    lock = ROOT / "tests" / "more" / name / "package-lock.json"
    stamp = folder / "installed"
    if not stamp.exists() or stamp.read_bytes() != lock.read_bytes():
        missing(f"the npm packages of {name} are not installed: run `make tools`", "npm")
    for source in lock.parent.glob("*.mjs"):
        shutil.copy(source, folder)
    return folder


def environment(name: str) -> Path:
    """A virtual environment with what requirements/<name>.lock pins."""
    folder = BUILD / "venv" / name
    lock, stamp = ROOT / "requirements" / f"{name}.lock", folder / "installed"
    if not stamp.exists() or stamp.read_bytes() != lock.read_bytes():
        missing(f"{name} is not installed: run `make tools`", "python3")
    return folder


def missing(why: str, tool: str) -> NoReturn:
    if os.environ.get("CI") == "true" and shutil.which(tool):  # noqa: TID251
        pytest.fail(f"{why} ({tool} is here)")
    pytest.skip(why)
