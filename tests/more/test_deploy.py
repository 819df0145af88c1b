"""What deploy/ holds, read by the programs that would read it: Compose, Kustomize, the API's schemas, systemd.

And the pod of deploy/kubernetes, run as processes of this machine: its commands, its order, its probes, its stop.
"""

import contextlib
import copy
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from console.dev import house as dev
from console.dev.issuer import DevIssuer
from console.dev.upstream.app import Upstream
from runtime.settings import Settings, load
from tests.e2e.test_holds import answer, held
from tests.kit import gateway as kit
from tests.kit import more
from tests.kit.envoy import short_folder
from tests.kit.gateway import Gateway, eventually
from tests.kit.serving import http

pytestmark = [pytest.mark.more, pytest.mark.timeout(900)]
ROOT = Path(__file__).resolve().parents[2]
KUBERNETES = ROOT / "deploy" / "kubernetes"
VERSIONS = ("1.29", "1.33", "1.37")
CHECK = """
import json, sys, kubernetes_validate
for version, document in json.load(sys.stdin):
    try:
        kubernetes_validate.validate(document, version, strict=True)
    except Exception as error:
        said = str(error).splitlines()[0]
        print(version, document["kind"], document["metadata"]["name"], said)
"""


def kustomized(folder: Path) -> list[dict[str, Any]]:
    """What `kubectl apply -k` would send."""
    said = subprocess.run([*more.kustomize(), str(folder)], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    return list(yaml.safe_load_all(said.stdout))


def refused(documents: list[dict[str, Any]]) -> list[str]:
    """Sentences of the API's schemas, strict: unknown fields are refused, too."""
    python = more.environment("kubernetes") / "bin" / "python"
    asked = json.dumps([(version, document) for version in VERSIONS for document in documents])
    said = subprocess.run([str(python), "-c", CHECK], input=asked, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    return said.stdout.splitlines()


@pytest.mark.parametrize("name", ["base", "agents"])
def test_kubernetes_takes_it(name: str) -> None:
    documents = kustomized(KUBERNETES / name)
    assert documents
    assert refused(documents) == []
    wrong = copy.deepcopy(documents)  # the schemas do look: a misspelt field is refused
    wrong[-1]["spec"]["podSelectro"] = {}
    assert len(refused(wrong)) == len(VERSIONS)


def test_compose_takes_it() -> None:
    said = subprocess.run(
        [str(more.program("compose")), "-no-interpolation", str(ROOT / "docker-compose.yml")],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert said.returncode == 0, said.stderr
    read = yaml.safe_load(said.stdout)
    assert read["services"]["envoy"]["command"] == ["python", "-m", "snapshot.envoy"]
    assert read["services"]["authz"]["cap_drop"] == ["ALL"]


def test_systemd_takes_it(tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not on this machine")
    for unit in (ROOT / "deploy" / "systemd").glob("exeat*.*"):
        if unit.suffix in (".service", ".timer"):
            text = unit.read_text().replace("/opt/exeat/.venv/bin/exeat", shutil.which("true") or "/bin/true")
            (tmp_path / unit.name).write_text(text)
    units = sorted(str(path) for path in tmp_path.iterdir())
    assert len(units) == 3
    said = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    assert (said.returncode, said.stderr) == (0, "")
    for service in [unit for unit in units if unit.endswith(".service")]:
        exposure = ["systemd-analyze", "security", "--offline=true", "--threshold=20", service]
        judged = subprocess.run(exposure, capture_output=True, text=True, check=False)
        assert judged.returncode == 0, judged.stdout[-300:]


@dataclass
class Container:
    spec: dict[str, Any]
    process: subprocess.Popen[bytes]
    log: Path


class Pod:
    """The containers of the StatefulSet as processes; what a kubelet does at start and at the end."""

    def __init__(self, house: dev.House, spec: dict[str, Any]) -> None:
        self._house = house
        # what has no counterpart here: git-sync (the house's own folder takes its place)
        order = [each for each in spec["initContainers"] if "git-sync" not in each["image"]]
        self._order = [*order, *spec["containers"]]
        self.running: dict[str, Container] = {}

    def start(self) -> None:
        for spec in self._order:
            self._start(spec)

    def _start(self, spec: dict[str, Any]) -> None:
        log = self._house.folder / f"{spec['name']}.log"
        with log.open("wb") as output:
            path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
            environment = {"EXEAT_CONFIG": str(self._house.config), "PATH": path}
            process = subprocess.Popen(self._command(spec), env=environment, stdout=output, stderr=output)
        self.running[spec["name"]] = Container(spec, process, log)
        probe = spec.get("startupProbe")
        if probe is None:
            return
        deadline = time.monotonic() + 300
        while not self._probed(probe):
            assert process.poll() is None, log.read_text()[-2000:]
            assert time.monotonic() < deadline, log.read_text()[-2000:]
            time.sleep(0.1)

    def _command(self, spec: dict[str, Any]) -> list[str]:
        if spec["name"] == "opa":
            return [str(more.opa()), *self._here(spec["args"])]
        return self._here([*spec["command"], *spec.get("args", [])])

    def _here(self, words: list[str]) -> list[str]:
        """The pod's paths and ports, in this house."""
        ports, folder = self._house.ports, self._house.folder
        changes = {
            "/var/lib/exeat/run": f"{folder}/run",
            "/var/lib/exeat/state": f"{folder}/state",
            ":8181": f":{ports['engine']}",
            "0.0.0.0:8282": f"127.0.0.1:{ports['health']}",
        }
        found = []
        for word in words:
            for there, here in changes.items():
                word = word.replace(there, here)
            found.append(word)
        return [sys.executable if word == "python" else word for word in found]

    def _probed(self, probe: dict[str, Any]) -> bool:
        if "exec" in probe:
            return subprocess.run(self._here(probe["exec"]["command"]), cwd=ROOT, check=False).returncode == 0
        port = {"opa-health": "health", "console": "console"}[probe["httpGet"]["port"]]
        try:
            url = f"http://127.0.0.1:{self._house.ports[port]}{probe['httpGet']['path']}"
            return httpx.get(url, timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def alive(self) -> dict[str, bool]:
        return {
            name: self._probed(container.spec["livenessProbe"])
            for name, container in self.running.items()
            if "livenessProbe" in container.spec
        }

    def ready(self) -> bool:
        return self._probed(self.running["envoy"].spec["readinessProbe"])

    def stop(self, name: str, *, wait: bool = True) -> None:
        container = self.running[name]
        container.process.send_signal(signal.SIGTERM)
        if wait:
            container.process.wait(120)

    def kill(self) -> None:
        for container in self.running.values():
            container.process.kill()
            container.process.wait()


@contextlib.contextmanager
def store(house: dev.House) -> Iterator[None]:
    """The embedded store where the cluster has ClickHouse."""
    environment = {"EXEAT_CONFIG": str(house.config)}
    with (house.folder / "store.log").open("wb") as output:
        process = subprocess.Popen([sys.executable, "-m", "audit.store"], env=environment, stdout=output, stderr=output)
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)


class Unsupervised:
    """Gateway's tests ask for a supervisor; here a kubelet is played instead."""

    def pid(self, name: str) -> None:
        return None


@pytest.fixture(scope="module")
def pod() -> Iterator[tuple[Pod, Gateway]]:
    more.opa()
    (spec,) = [one for one in kustomized(KUBERNETES / "base") if one["kind"] == "StatefulSet"]
    with short_folder() as folder, contextlib.ExitStack() as stack:
        ports, _ = dev.choose_ports(free=True)
        ports["health"] = dev.any_port()
        simulated = Upstream()
        stack.enter_context(http(simulated.app(), ports["upstream"]))
        issuer = stack.enter_context(DevIssuer.serving(port=ports["issuer"]))
        house = dev.build(folder, ports, kit.POLICIES)
        extra = "[engine]\nembedded = false\n\n[envoy]\ndrain_seconds = 300"
        house.config.write_text(kit._with(house.config.read_text(), extra))
        settings: Settings = load(house.config)
        stack.enter_context(store(house))
        run = Pod(house, spec["spec"]["template"]["spec"])
        stack.callback(run.kill)
        run.start()
        yield run, Gateway(house, settings, issuer, simulated, Unsupervised(), [])  # type: ignore[arg-type]


def transfer(gateway: Gateway) -> httpx.Response:
    headers = gateway.headers("ledger-agent") | {"x-exeat-justification": "pays invoice 4711"}
    body = {"to": "DE89370400440532013000", "amount": "7.00"}
    return httpx.post(f"{gateway.url}/ledger/transfers", json=body, headers=headers, timeout=240)


def test_the_pod_runs_and_stops_without_losing_anything(pod: tuple[Pod, Gateway]) -> None:
    run, gateway = pod
    assert set(run.alive().values()) == {True}, run.alive()
    assert run.ready()
    gateway.serves(90)
    with gateway.client() as client:
        body = {"model": "gpt-5", "messages": [{"role": "user", "content": "play: customer"}]}
        answered = client.post("/openai/v1/chat/completions", json=body)
        assert answered.status_code == 200
        assert "4111" not in answered.text
    metrics = f"http://{gateway.settings.metrics.listen}/metrics"
    shown = eventually(lambda: httpx.get(metrics, timeout=10).text, lambda text: "exeat_reconcile_breaches" in text, 90)
    assert "exeat_reconcile_breaches 0.0" in shown, run.running["checks"].log.read_text()
    asked = [sys.executable, "-m", "console.cli", "-c", str(gateway.house.config), "doctor"]
    doctor = subprocess.run(asked, capture_output=True, text=True, timeout=240, check=False)
    assert doctor.returncode == 0, doctor.stdout
    before = len(gateway.upstream.bookings)
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(transfer, gateway)
        card = held(gateway, future)
        run.stop("envoy", wait=False)  # a kubelet tells the container first, and waits
        eventually(run.ready, lambda ready: not ready, 90)
        assert run.running["envoy"].process.poll() is None
        assert answer(gateway, "grant", card).returncode == 0
        assert future.result(240).status_code == 201
    assert len(gateway.upstream.bookings) == before + 1
    assert run.running["envoy"].process.wait(120) == 0
    for name in reversed([name for name in run.running if name not in ("envoy", "shipper")]):
        run.stop(name)
    eventually(
        lambda: gateway.sql("SELECT count() FROM audit.events WHERE type = 'lifecycle.stop'"),
        lambda rows: rows[0][0] >= 4,
    )
    gateway.settled()
    run.stop("shipper")
    ended = {name: container.process.returncode for name, container in run.running.items()}
    assert ended == dict.fromkeys(run.running, 0), {
        name: run.running[name].log.read_text()[-500:] for name in ended if ended[name]
    }
