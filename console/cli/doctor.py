"""`exeat doctor`: is this installation well, and what to do where it is not."""

import asyncio
import dataclasses
import json

import click

from console.cli.asking import json_option, settings_of
from console.doctor import ask
from console.doctor.canary import canary
from console.doctor.finding import Finding, Level, fail
from console.doctor.shared import shared
from console.words import clean
from runtime.clock import SystemClock
from runtime.settings import Settings

CHECKS: tuple[ask.Check, ...] = (
    ask.parts, ask.envoy, ask.issuers, ask.certificates, ask.secrets, ask.store, shared, ask.console,
)  # fmt: skip
MARKS = {Level.OK: "ok  ", Level.WARN: "WARN", Level.FAIL: "FAIL"}


@click.command()
@click.option(
    "--canary/--no-canary", "with_canary", default=True, help="Send a stranger's request with planted secrets."
)
@json_option
@click.pass_context
def command(context: click.Context, with_canary: bool, as_json: bool) -> None:
    """Look at a running installation and say what to do.

    Asks every part, Envoy's configuration in force, issuers and clocks, secrets, keys, certificates, the store, spools,
    and sends one request without a token, whose planted secrets must be nowhere afterwards. Exits 1 when a check fails.
    """
    settings = settings_of(context)
    found = asyncio.run(_examine(settings, (*CHECKS, canary) if with_canary else CHECKS))
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(finding) for finding in found], indent=2))
    else:
        for finding in found:
            _tell(finding)
    context.exit(1 if any(finding.level is Level.FAIL for finding in found) else 0)


async def _examine(settings: Settings, checks: tuple[ask.Check, ...]) -> list[Finding]:
    """One after the other: what a check finds explains what the next one does not."""
    clock = SystemClock()
    found: list[Finding] = []
    for check in checks:
        try:
            found += await check(settings, clock)
        except Exception as error:  # a check that fails must not hide the others
            name = getattr(check, "__name__", "check")
            found.append(fail(name, f"could not be made ({type(error).__name__})", "Look at the part's log."))
    return found


def _tell(finding: Finding) -> None:
    click.echo(clean(f"{MARKS[finding.level]}  {finding.check:<12} {finding.what}"))
    if finding.remedy:
        click.echo(clean(f"                     {finding.remedy}"))
