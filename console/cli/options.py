"""Options of commands that there are twice: here, beside the gateway, and with `--server`, over the console's API."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


def grant_options(command: Command) -> Command:
    """Of `approvals grant`."""
    return _with(
        command,
        click.option("--justification", default="", help="Why; the policy may ask for it."),
        click.option("--masking", multiple=True, metavar="PROFILE", help="Also mask the answer with this profile."),
        click.option("--max-response-bytes", type=click.IntRange(1), help="Let at most so much come back."),
        click.option("--standing", is_flag=True, help="Also grant the same in advance, within the policy's bounds."),
        click.option(
            "--uses", type=click.IntRange(1), default=1, show_default=True, help="How often, with --standing."
        ),
        click.option("--for", "duration", metavar="9m|8h", help="How long [default: all that the policy allows]."),
        click.option("--action", default="", help="With --standing: a pattern, e.g. `POST /ledger/*/notes`."),
    )


def stop_options(command: Command) -> Command:
    """Of `identity revoke`."""
    return _with(
        command,
        click.option("--subject", metavar="NAME", help="Everything of this subject of a token."),
        click.option("--agent", metavar="NAME", help="Everything of this agent."),
        click.option("--session", metavar="ID", help="One session, as `exeat sessions list` names it."),
        click.option("--jti", metavar="ID", help="One token, by its `jti`."),
        click.option("--issuer", metavar="URL", default="", help="Only names of this issuer [any]."),
        click.option("--reason", required=True, help="Why; it is recorded."),
    )


def _with(command: Command, *options: Callable[[Command], Command]) -> Command:
    """As decorators one above the other: the first is the first in the help."""
    for option in reversed(options):
        command = option(command)
    return command
