"""`exeat policy backtest`: what would another policy repository have decided of what was recorded?"""

import asyncio
import json
import sys
from pathlib import Path

import click

from console.backtesting import as_document, checked, count, run
from console.cli.asking import json_option, narrowed, reader
from console.words import clean
from runtime.settings import load
from snapshot import repository
from snapshot.backtest import Tally, ranked

SHOWN = 50  # changes in the list for people; --json has them all


@click.command()
@click.option("--since", metavar="WHEN", default="30d", show_default=True, help="From then on: 90m, 2d, 2026-11-20.")
@click.option("--until", metavar="WHEN", help="Before then.")
@click.option("--policies", metavar="DIR", required=True, type=click.Path(path_type=Path), help="The other repository.")
@click.option("--agent", default="", help="Only this agent.")
@click.option("--connection", default="", help="Only this connection.")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 64), help="Engine processes.")
@json_option
@click.pass_obj
def command(
    config: Path | None, /, since: str, until: str | None, policies: Path, workers: int, as_json: bool, **fields: str
) -> None:
    """Decide recorded requests again with another repository, and list every verdict that changes."""
    settings = load(config)
    which = narrowed(since, until, **fields)
    bundle = asyncio.run(checked(repository.read(policies), settings, str(policies)))
    with reader(settings) as asking:
        total = count(asking, which)
        tally = asyncio.run(run(bundle, asking, which, total, workers, settings, _progress))
    if as_json:
        click.echo(json.dumps(as_document(tally, bundle.digest), indent=2))
    else:
        _print(tally, bundle.digest)


def _print(tally: Tally, digest: str) -> None:
    click.echo(f"{tally.decided:,} recorded decisions under {digest}:")
    click.echo(f"  {tally.same:,} the same, {tally.other_rules:,} of them by other rules")
    click.echo(f"  {tally.changed:,} changed")
    for title, counter in (("turn", tally.turns), ("rule", tally.by_rule), ("identity", tally.by_identity)):
        for name, number in ranked(counter):
            click.echo(f"    {title:<8} {number:>8,}  {clean(name)}")
    for change in tally.changes[:SHOWN]:
        before = change.recorded
        line = f"{before.at}  {before.exchange}  {before.who} → {before.connection}  {change.turn}  {change.rule}"
        click.echo(clean(line))
    if tally.changed > SHOWN:
        click.echo(f"… and {tally.changed - SHOWN:,} more: --json lists them")


def _progress(line: str) -> None:
    """On a terminal only, and always on the same line."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{line}", err=True, nl=False)
