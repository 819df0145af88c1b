"""`exeat audit report`: one folder for an examiner, which proves itself and is itself named in the log."""

from pathlib import Path

import click

from audit.read.frameworks import names
from console.cli.asking import json_option, narrowed, reader, settings_of, show_json
from console.recording import Recorder
from console.reporting import make


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--framework", "name", type=click.Choice(names()), required=True, help="Whose controls to answer.")
@click.option("--from", "since", default="90d", metavar="WHEN", show_default=True, help="From then on.")
@click.option("--to", "until", default="now", metavar="WHEN", show_default=True, help="Before then.")
@click.option("--subject", default="", help="Only this subject of a token.")
@click.option("--agent", default="", help="Only this agent.")
@click.option("--connection", default="", help="Only this connection.")
@json_option
@click.pass_context
def command(
    context: click.Context, /, folder: Path, name: str, since: str, until: str, as_json: bool, **fields: str
) -> None:
    """Write one FOLDER for an examiner: report, rows, policy text, controls with their SQL, proofs and a verifier."""
    settings = settings_of(context)
    which = narrowed(since, until, **fields)
    with reader(settings) as asking:
        made = make(settings, asking, folder, name, which, Recorder(settings))
    report, package, digest, named = made.report, made.package, made.sha256, made.named
    if as_json:
        results = {result.control.id: result.verdict for result in report.results}
        show_json({"folder": str(folder), "sha256": digest, "named": named, "controls": results})
        return
    click.echo(f"{folder}: {package.events} events, {len(report.results)} controls, {len(report.findings)} need a look")
    click.echo(f"SHA256SUMS {digest}{', named in the log' if named else ', NOT named in the log (no spool here)'}")
