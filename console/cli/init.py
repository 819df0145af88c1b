"""`exeat init DIR`: a commented exeat.toml and a starter policy repository for one's own upstream and issuer."""

import shutil
from importlib.resources import files
from pathlib import Path

import click
import yaml

import console
from runtime.errors import CallerError
from runtime.fileio import private_dir

STARTER = Path(console.__file__).resolve().parent.parent / "policies"
CONNECTIONS = """\
# The upstreams that agents may be let out to. Each is reached at http://<gateway>/<name>/…
# `credential` names a [secrets.*] entry of exeat.toml; `risk` is what the policy reads.
anthropic: {kind: anthropic, upstream: "https://api.anthropic.com", credential: anthropic, risk: standard}
# openai: {kind: openai, upstream: "https://api.openai.com", credential: openai, risk: standard}
# ledger: {kind: http, upstream: "https://ledger.internal", risk: high, sql_fields: ["$.query"]}
"""


class InitRefused(CallerError):
    code = "init_refused"


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option("--issuer", help="Issuer URL of the agents' tokens.")
@click.option("--people-issuer", help="Issuer URL of people's tokens [the agents' issuer].")
@click.option("--key-file", type=click.Path(path_type=Path, dir_okay=False), help="File with the Anthropic key.")
def command(folder: Path, issuer: str | None, people_issuer: str | None, key_file: Path | None) -> None:
    """Write a commented exeat.toml and a starter policy repository into DIR."""
    if folder.exists() and any(folder.iterdir()):
        raise InitRefused(f"{folder} is not empty; nothing was written")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "exeat.toml").write_text(_settings(issuer, people_issuer, key_file), "utf-8")
    shutil.copytree(STARTER, folder / "policies")
    (folder / "policies" / "data" / "connections.yaml").write_text(CONNECTIONS, "utf-8")
    private_dir(folder / "secrets")
    (folder / ".gitignore").write_text("run/\nstate/\nsecrets/\n", "utf-8")
    for line in _next_steps(folder, issuer, key_file):
        click.echo(line)


def _settings(issuer: str | None, people_issuer: str | None, key_file: Path | None) -> str:
    text = files("console.cli").joinpath("templates", "exeat.toml").read_text("utf-8")
    if issuer:
        text = text.replace("https://login.example.com/realms/agents", issuer)
    if people_issuer or issuer:
        text = text.replace("https://login.example.com/realms/people", people_issuer or issuer or "")
    if key_file:
        text = text.replace('file = "secrets/anthropic"', f'file = "{key_file.absolute()}"')
    return text


def _next_steps(folder: Path, issuer: str | None, key_file: Path | None) -> list[str]:
    names = list(yaml.safe_load((folder / "policies" / "data" / "connections.yaml").read_text("utf-8")))
    steps = [f"Wrote {folder}/exeat.toml and {folder}/policies (connections: {', '.join(names)}). Next:"]
    steps.append(f"  cd {folder}")
    if not issuer:
        steps.append("  edit exeat.toml: [[issuers]] and [people]")
    if not key_file:
        steps.append('  umask 077; printf %s "$ANTHROPIC_API_KEY" > secrets/anthropic')
    return [*steps, "  exeat check", "  exeat up"]
