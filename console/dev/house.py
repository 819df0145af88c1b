"""The development house: one folder with settings, invented secrets and a copy of the policy repository.

Its connections point at the simulated upstreams and its issuer is the development issuer: everything else is the
real thing. Only `exeat demo`, `exeat up --dev` and tests use it.
"""

import secrets
import shutil
import socket
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import yaml

from runtime import health
from runtime.errors import GatewayError
from runtime.fileio import atomic_write, private_dir
from runtime.supervise import Part

PORTS = {
    "gateway": 10000,
    "console": 8800,
    "clickhouse": 8123,
    "engine": 8181,
    "metrics": 9464,
    "issuer": 8999,
    "upstream": 8998,
}
# the shapes are the providers', the values are random, and nothing outside this machine knows them
KEYS = {
    "anthropic": ("x-api-key", "", "sk-ant-", "sk-ant-[A-Za-z0-9_-]{20,}"),
    "openai": ("authorization", "Bearer ", "sk-proj-", "sk-proj-[A-Za-z0-9_-]{20,}"),
    "ledger": ("authorization", "Bearer ", "ldg_", "ldg_[A-Za-z0-9_-]{20,}"),
}


class HouseRefused(GatewayError):
    code = "house_refused"


@dataclass(frozen=True)
class House:
    folder: Path
    ports: dict[str, int]

    @property
    def config(self) -> Path:
        return self.folder / "exeat.toml"

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.ports['issuer']}"

    @property
    def gateway(self) -> str:
        return f"http://127.0.0.1:{self.ports['gateway']}"


def choose_ports(*, free: bool = False) -> tuple[dict[str, int], list[str]]:
    """The usual ports, or free ones for those that are taken (their names are the second value)."""
    moved = [name for name, port in PORTS.items() if free or not _free(port)]
    with_free = {name: any_port() if name in moved else port for name, port in PORTS.items()}
    return with_free, moved


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def any_port() -> int:
    """A free one below those that the system gives to outgoing connections: none of them takes it meanwhile."""
    for _ in range(1000):
        port = 20_000 + secrets.randbelow(12_000)
        if _free(port):
            return port
    raise HouseRefused("no free port between 20000 and 32000")


def build(folder: Path, ports: dict[str, int], policies: Path) -> House:
    """Writes the house into `folder`; secrets that are already there stay as they are."""
    if not policies.is_dir():
        raise HouseRefused(f"{policies}: no policy repository there; run this from Exeat's folder or use `exeat init`")
    private_dir(folder)
    private_dir(folder / "secrets")
    for name, (_, _, prefix, _) in KEYS.items():
        path = folder / "secrets" / name
        if not path.exists():
            atomic_write(path, (prefix + secrets.token_urlsafe(32)).encode())
    house = House(folder, ports)
    _copy_policies(policies, folder / "policies", ports["upstream"])
    atomic_write(house.config, _toml(house).encode())
    return house


def _copy_policies(source: Path, target: Path, upstream: int) -> None:
    if target.exists():
        shutil.rmtree(target)
    shutil.copytree(source, target)
    path = target / "data" / "connections.yaml"
    connections = yaml.safe_load(path.read_text("utf-8"))
    for connection in connections.values():
        connection["upstream"] = f"http://127.0.0.1:{upstream}"
    path.write_text(yaml.safe_dump(connections, sort_keys=False), "utf-8")


def _toml(house: House) -> str:
    folder, port = house.folder.absolute(), house.ports
    lines = [
        "# Written by `exeat up --dev`: the development issuer and simulated upstreams. Not for production.",
        "[gateway]",
        'id = "exeat-dev"',
        f'run_dir = "{folder}/run"',
        f'state_dir = "{folder}/state"',
        f'listen = "127.0.0.1:{port["gateway"]}"',
        "[[issuers]]",
        f'issuer = "{house.issuer}"',
        'audiences = ["exeat"]',
        "allow_http = true",
        "[people]",
        f'issuer = "{house.issuer}"',
        "allow_http = true",
        "[policy]",
        f'path = "{folder}/policies"',
        "poll_seconds = 0.5",
        "[engine]",
        f'url = "http://127.0.0.1:{port["engine"]}"',
        "[clickhouse]",
        f'url = "http://127.0.0.1:{port["clickhouse"]}"',
        "[console]",
        f'listen = "127.0.0.1:{port["console"]}"',
        "[metrics]",
        f'listen = "127.0.0.1:{port["metrics"]}"',
    ]
    for name, (header, prefix, _, pattern) in KEYS.items():
        lines += [
            f"[secrets.{name}]",
            f'file = "{folder}/secrets/{name}"',
            f'header = "{header}"',
            f'prefix = "{prefix}"',
            'hosts = ["127.0.0.1"]',
            f'pattern = "{pattern}"',
        ]
    return "\n".join(lines) + "\n"


def dev_parts(house: House) -> list[Part]:
    """The issuer and the simulated upstreams, as parts that start before everything else."""
    module = (sys.executable, "-m")
    issuer = (*module, "console.dev.issuer", "--port", str(house.ports["issuer"]))
    upstream = (*module, "console.dev.upstream.app", "--port", str(house.ports["upstream"]))
    state = house.folder / "issuer"
    return [
        Part("issuer", (*issuer, "--state", str(state)), partial(_ready, house.ports["issuer"], "/jwks")),
        Part("upstream", upstream, partial(_ready, house.ports["upstream"], "/health")),
    ]


async def _ready(port: int, path: str) -> bool:
    return await health.http_status(f"127.0.0.1:{port}", path) == 200
