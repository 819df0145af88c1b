"""The Compose file is well formed and says the same as the embedded run (no engine is needed to read it)."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from runtime.settings import load
from snapshot.connections import parse_connections

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return document


def test_every_process_of_the_design_is_a_container(compose: dict[str, Any]) -> None:
    ours = {"snapshot", "approvals", "authz", "extproc", "shipper", "console", "migrate", "checks"}
    assert set(compose["services"]) == ours | {"envoy", "opa", "clickhouse", "keycloak"}


def test_their_modules_exist(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        command = service.get("command", [])
        if command[:2] == ["python", "-m"]:
            folder = ROOT / command[2].replace(".", "/")
            assert (folder / "__main__.py").exists() or folder.with_suffix(".py").exists(), name


def test_dependencies_and_volumes_are_declared(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert set(service.get("depends_on", {})) <= set(compose["services"]), name
        for dependency, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert "healthcheck" in compose["services"][dependency], f"{name} waits for {dependency}"
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("./"):
                assert (ROOT / source).exists(), source
            else:
                assert source in compose["volumes"], source


def test_a_probe_asks_its_own_process(compose: dict[str, Any]) -> None:
    names = {"approvals": "approvals", "authz": "authz-0", "extproc": "extproc"}
    for service, name in names.items():
        probe = ["CMD", "python", "-m", "runtime.alive", f"/run/exeat/{name}.metrics.sock"]
        assert compose["services"][service]["healthcheck"]["test"] == probe


def test_containers_are_not_root_and_read_only(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        if service.get("image") == "exeat:local" or name == "opa":
            assert service["read_only"] is True, name
            assert service["cap_drop"] == ["ALL"], name
    assert "\nUSER exeat\n" in (ROOT / "Dockerfile").read_text()


def test_its_settings_load_and_fit_the_policies() -> None:
    settings = load(ROOT / "deploy/compose/exeat.toml")
    assert not settings.engine.embedded
    assert not settings.clickhouse.embedded
    path = ROOT / "policies/data/connections.yaml"
    assert parse_connections(path.read_text(), str(path), settings.secrets)


def test_the_realm_issues_what_the_settings_accept() -> None:
    realm = json.loads((ROOT / "deploy/compose/realm.json").read_text())
    settings = load(ROOT / "deploy/compose/exeat.toml")
    text = json.dumps(realm)
    assert settings.issuers[0].audiences[0] in text
    assert settings.people.audience in text
    assert settings.people.client_id in [client["clientId"] for client in realm["clients"]]
    assert not re.search(r'"(secret|password)"', text)  # none is shipped
