"""What is measured, and what it means."""

import pytest

from console.doctor import judge
from console.doctor.finding import Level


@pytest.mark.parametrize(("seconds", "level"), [(0.0, "ok"), (-4.9, "ok"), (5.1, "warn"), (-120.0, "warn")])
def test_clocks(seconds: float, level: str) -> None:
    assert judge.clock("https://i.example", seconds).level == level


def test_an_issuer_without_a_key_for_our_algorithms() -> None:
    assert judge.keys("https://i.example", 2).level is Level.OK
    assert "algorithms" in judge.keys("https://i.example", 0).remedy


@pytest.mark.parametrize("problem", ["missing", "empty", "unreadable", "line break", "open to others", ""])
def test_secrets(problem: str) -> None:
    found = judge.secret("anthropic", "/run/secrets/anthropic", problem)
    assert (found.level is Level.OK) == (problem == "")
    assert bool(found.remedy) == bool(problem)
    assert found.level is not Level.FAIL or problem != "open to others"


def test_spools_by_how_full_they_are() -> None:
    found = judge.spools({"authz-0": (10.0, 100.0), "extproc": (55.0, 100.0), "approvals": (90.0, 100.0)}, ["shipper"])
    assert {finding.what.split(":")[0]: str(finding.level) for finding in found} == {
        "authz-0": "ok",
        "extproc": "warn",
        "approvals": "fail",
        "shipper": "fail",
    }


def test_lag_and_certificates_and_keys() -> None:
    assert judge.lag(3, 10).level is Level.OK
    assert judge.lag(3000, 301).level is Level.FAIL
    levels = [judge.certificate("i.example", days).level for days in (90.0, 3.0, -1.0)]
    assert levels == [Level.OK, Level.WARN, Level.FAIL]
    assert judge.key_age("log.ed25519", 30).level is Level.OK
    assert judge.key_age("log.ed25519", 500).level is Level.WARN


def test_what_envoy_serves_is_what_was_rendered() -> None:
    assert judge.in_force(["http:ledger", "nowhere"], ["nowhere", "http:ledger"]).level is Level.OK
    found = judge.in_force(["http:ledger"], ["http:old"])
    assert found.level is Level.FAIL
    assert "http:ledger" in found.what


def test_the_canary() -> None:
    assert {finding.level for finding in judge.canary(401, True, [])} == {Level.OK}
    assert judge.canary(200, True, [])[0].level is Level.FAIL
    leaked = judge.canary(401, True, ["authz.log"])[1]
    assert leaked.level is Level.FAIL
    assert "authz.log" in leaked.what
    assert judge.canary(401, False, [])[1].level is Level.WARN
