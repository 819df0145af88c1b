"""deploy/kubernetes and deploy/systemd keep their promises: closed, drained long enough, naming what exists."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from runtime.settings import load
from snapshot.connections import parse_connections

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "kubernetes"
DOCUMENTS: list[dict[str, Any]] = [
    document
    for file in sorted(FOLDER.glob("*/*.yaml"))
    if file.name != "kustomization.yaml"
    for document in yaml.safe_load_all(file.read_text())
]
(GATEWAY,) = [document["spec"]["template"]["spec"] for document in DOCUMENTS if document["kind"] == "StatefulSet"]
(JOB,) = [document["spec"]["template"]["spec"] for document in DOCUMENTS if document["kind"] == "Job"]
CONTAINERS = [*GATEWAY["initContainers"], *GATEWAY["containers"], *JOB["containers"]]
POLICIES = {
    document["metadata"]["name"]: document["spec"] for document in DOCUMENTS if document["kind"] == "NetworkPolicy"
}
names = pytest.mark.parametrize("container", CONTAINERS, ids=lambda container: container["name"])


@names
def test_a_container_has_no_rights(container: dict[str, Any]) -> None:
    closed = container["securityContext"]
    assert closed == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"requests", "limits"} <= set(container["resources"])
    assert not [each for each in container.get("env", []) if "SECRET" in each["name"] or "KEY" in each["name"]]


@names
def test_its_module_and_its_files_exist(container: dict[str, Any]) -> None:
    command = container.get("command", [])
    if command[:2] == ["python", "-m"]:
        folder = ROOT / command[2].replace(".", "/")
        assert (folder / "__main__.py").exists() or folder.with_suffix(".py").exists()
    volumes = {volume["name"] for volume in [*GATEWAY["volumes"], *JOB["volumes"]]} | {"data"}
    assert {mount["name"] for mount in container["volumeMounts"]} <= volumes


@pytest.mark.parametrize("pod", [GATEWAY, JOB], ids=["gateway", "migrate"])
def test_a_pod_is_nobody(pod: dict[str, Any]) -> None:
    closed = pod["securityContext"]
    assert closed["runAsNonRoot"] is True
    assert closed["runAsUser"] == 10001  # the user of the Dockerfile
    assert closed["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert "useradd --uid 10001" in (ROOT / "Dockerfile").read_text()


def test_every_process_of_the_design_is_there_in_the_order_of_a_safe_stop() -> None:
    order = [container["name"] for container in GATEWAY["initContainers"]]
    first = ["policies-first", "policies", "shipper", "snapshot", "opa"]
    assert order == [*first, "approvals", "authz", "extproc", "console", "checks"]
    assert [container["name"] for container in GATEWAY["containers"]] == ["envoy"]
    # sidecars: they outlive Envoy, and each waits for the one before
    for container in GATEWAY["initContainers"][2:]:
        assert container["restartPolicy"] == "Always"
        if container["name"] != "checks":  # whether it ran is a metric with an alert of its own
            assert {"startupProbe", "livenessProbe"} <= set(container)


def test_a_probe_asks_its_own_process() -> None:
    """The names are those of tests/e2e/test_several_processes.py; one that hangs is not hidden by another."""
    asked = {}
    for container in GATEWAY["initContainers"]:
        command = container.get("livenessProbe", {}).get("exec", {}).get("command", [])
        if command[:3] == ["python", "-m", "runtime.alive"]:
            (asked[container["name"]],) = (Path(path).name for path in command[3:])
    own = {name: f"{name}.metrics.sock" for name in ("shipper", "snapshot", "approvals", "extproc")}
    assert asked == own | {"authz": "authz-0.metrics.sock"}


def test_the_longest_hold_fits_into_the_drain_and_that_into_the_grace() -> None:
    settings = load(FOLDER / "base" / "exeat.toml")
    assert settings.approvals.max_wait_seconds < settings.envoy.drain_seconds
    others = 15 * len(GATEWAY["initContainers"])
    assert settings.envoy.drain_seconds + others <= GATEWAY["terminationGracePeriodSeconds"]


def test_its_settings_load_and_name_files_that_are_mounted() -> None:
    path = FOLDER / "base" / "exeat.toml"
    settings = load(path)
    connections = ROOT / "policies/data/connections.yaml"
    assert parse_connections(connections.read_text(), str(connections), settings.secrets)
    places = {mount["mountPath"] for container in CONTAINERS for mount in container["volumeMounts"]}
    named = re.findall(r'^(?:file|certificate|key|password_file|run_dir|state_dir) = "(.+?)"', path.read_text(), re.M)
    assert len(named) >= 9
    for file in named:
        assert any(file.startswith(f"{place}/") for place in places), file


def test_upstream_keys_are_mounted_for_envoy_and_for_whoever_checks_that_they_are_there() -> None:
    mounted = {each["name"] for each in CONTAINERS for mount in each["volumeMounts"] if mount["name"] == "upstreams"}
    assert mounted == {"envoy", "snapshot", "checks"}
    (checks,) = [each for each in CONTAINERS if each["name"] == "checks"]
    assert "ports" not in checks  # nobody speaks to it


def test_no_secret_is_shipped() -> None:
    assert "Secret" not in {document["kind"] for document in DOCUMENTS}
    page = (ROOT / "docs/deploy/kubernetes.md").read_text()
    for volume in [*GATEWAY["volumes"], *JOB["volumes"]]:
        if "secret" in volume:
            assert f"`{volume['secret']['secretName']}`" in page


def test_agents_have_one_way_out() -> None:
    policy = POLICIES["only-through-the-gateway"]
    assert policy["podSelector"] == {}
    assert set(policy["policyTypes"]) == {"Ingress", "Egress"}
    assert "ingress" not in policy
    ports = [port["port"] for rule in policy["egress"] for port in rule["ports"]]
    assert ports == [53, 53, 10000]
    assert all("ipBlock" not in peer for rule in policy["egress"] for peer in rule["to"])


def test_the_gateways_namespace_is_closed_but_for_what_is_named() -> None:
    assert POLICIES["nothing-else"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    world = [peer["ipBlock"] for rule in POLICIES["gateway"]["egress"] for peer in rule["to"] if "ipBlock" in peer]
    assert len(world) == 1
    assert {"169.254.0.0/16", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"} <= set(world[0]["except"])
    for rule in POLICIES["gateway"]["ingress"]:
        assert rule["from"]
        assert rule["ports"]


def test_the_settings_on_the_page_of_systemd_fit_its_unit() -> None:
    page = (ROOT / "docs/deploy/systemd.md").read_text()
    unit = (ROOT / "deploy/systemd/exeat.service").read_text()
    (block,) = re.findall(r"```toml\n(.*?)```", page, re.S)
    settings = tomllib.loads(block)
    stop = int(re.findall(r"^TimeoutStopSec=(\d+)$", unit, re.M)[0])
    assert settings["approvals"]["max_wait_seconds"] < settings["envoy"]["drain_seconds"]
    assert settings["envoy"]["drain_seconds"] + 15 * 9 <= stop
    assert "KillMode=mixed" in unit  # the supervisor alone is told, and drains


def test_agents_on_a_host_have_one_way_out_and_answer_nobody() -> None:
    rules = (ROOT / "deploy/systemd/egress.nft").read_text()
    first, *others = [line.strip() for line in rules.splitlines() if line.strip().startswith("meta ")]
    assert first == 'meta skgid "agents" ip daddr 127.0.0.1 tcp dport 10000 accept'
    (last,) = others  # "established" would be one more: the answers of an agent that listens
    assert last.startswith('meta skgid "agents" counter log ')
    assert last.endswith(" reject with icmpx admin-prohibited")
    assert rules.count("accept") == 2  # the other is the policy for everybody who is no agent
