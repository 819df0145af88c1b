"""The starter repository keeps its promises: controls in a catalogue, detectors of masking, pages for packs."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from masking.detectors import ALL

ROOT = Path(__file__).resolve().parents[3] / "policies"
PACKS = sorted(path for path in (ROOT / "packs").iterdir() if path.is_dir())
METADATA = re.compile(r"^# {3}rule: (?P<rule>\w+)\n# {3}controls: \[(?P<controls>[^\]]*)\]$", re.MULTILINE)


def data(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text("utf-8"))


def rules() -> dict[str, list[str]]:
    """Rule → controls, from the METADATA of every module."""
    found = {}
    for path in ROOT.rglob("*.rego"):
        for match in METADATA.finditer(path.read_text("utf-8")):
            assert match["rule"] not in found, f"{match['rule']} is a rule twice"
            found[match["rule"]] = re.findall(r'"([^"]+)"', match["controls"])
    return found


def catalogued() -> set[str]:
    nist = {f"NIST-800-53:{name}" for name in data("packs/nist-800-53/data/catalogue.yaml")["controls"]}
    return nist | set(data("packs/ffiec/data/catalogue.yaml")["sections"])


def test_every_rule_with_metadata_is_seen() -> None:
    text = "".join(path.read_text("utf-8") for path in ROOT.rglob("*.rego") if not path.name.endswith("_test.rego"))
    assert len(rules()) == text.count("#   rule: ") > 20


def test_every_control_of_a_rule_is_in_a_catalogue() -> None:
    named = {control for controls in rules().values() for control in controls}
    assert named <= catalogued()


def test_every_control_that_is_mapped_is_in_a_catalogue() -> None:
    mapped = data("packs/ffiec/data/controls.yaml")
    assert set(mapped) <= catalogued()
    assert {section for sections in mapped.values() for section in sections} <= catalogued()


def test_what_serves_a_control_names_rules_that_exist() -> None:
    known = set(rules()) | {"default_deny"}
    for control in data("packs/nist-800-53/data/catalogue.yaml")["controls"].values():
        for name in re.findall(r"\(([a-z]+_[a-z_]+)\)", control["by"]):
            assert name in known


def test_masking_is_not_called_cryptography_and_doors_are_not_software() -> None:
    controls = data("packs/nist-800-53/data/catalogue.yaml")["controls"]
    assert "masking" in controls["SC-13"]["not_by"]
    assert "masking" in controls["SI-19"]["by"]
    assert controls["PE-3"]["by"] == ""


def test_the_keys_that_deny_are_all_the_keys_that_masking_detects() -> None:
    detected = {each.name for each in ALL if {"secrets", "assigned"} & set(each.groups)}
    assert set(data("packs/secrets/data/detectors.yaml")["keys"]) == detected


@pytest.mark.parametrize("pack", PACKS, ids=lambda path: path.name)
def test_a_pack_has_rules_tests_data_and_a_page_that_names_its_rules(pack: Path) -> None:
    page = (pack / "README.md").read_text("utf-8")
    modules = [path for path in pack.glob("*.rego") if not path.name.endswith("_test.rego")]
    assert modules
    assert list(pack.glob("*_test.rego"))
    assert list(pack.glob("data/*.yaml"))
    for module in modules:
        for match in METADATA.finditer(module.read_text("utf-8")):
            assert f"`{match['rule']}`" in page
