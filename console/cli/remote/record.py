"""`exeat --server URL decisions|sessions`: what was decided and done, as the record has it."""

from typing import Any

import click

from console.cli.asking import show_json, show_table
from console.cli.decisions import COLUMNS as DECISIONS
from console.cli.decisions import EFFECTS
from console.cli.remote.client import Remote, remote
from console.cli.sessions import COLUMNS as SESSIONS
from console.cli.sessions import EXCHANGES
from console.words import cell, clean

NARROWING = (
    click.option("--subject", default="", help="Only this subject of a token."),
    click.option("--agent", default="", help="Only this agent."),
    click.option("--connection", default="", help="Only this connection."),
    click.option("--since", metavar="WHEN", default="7d", show_default=True, help="90m, 2d, 2026-11-20."),
    click.option("--until", metavar="WHEN", default="", help="Before then."),
    click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000), help="At most so many."),
)


def narrowing(command: Any) -> Any:
    for option in reversed(NARROWING):
        command = option(command)
    return command


@click.group()
def decisions() -> None:
    """List and explain decisions."""


@decisions.command("list")
@click.option("--effect", type=EFFECTS, default=None, help="Only this effect.")
@click.option("--session", default="", help="Only this session.")
@narrowing
@remote
def listed(at: Remote, as_json: bool, **asked: Any) -> None:
    """The newest decisions first."""
    rows = at.get("decisions", **asked)["decisions"]
    show_json(rows) if as_json else show_table(rows, DECISIONS, "No decision recorded for this.")


@decisions.command()
@click.argument("exchange")
@remote
def explain(at: Remote, exchange: str, as_json: bool) -> None:
    """Why EXCHANGE was decided as it was, and whether it would be again."""
    found = at.get("decisions", exchange)
    if as_json:
        show_json(found)
        return
    for name, value in found.items():
        if name not in ("input", "approvals", "again") and value not in ("", None, [], {}):
            click.echo(f"  {name:<18} {cell(value)}")
    for approval in found["approvals"]:
        click.echo(f"  {'approval':<18} {cell(list(approval.values()))}")
    if found["again"]:
        click.echo(f"  {'again':<18} {cell(found['again'].get('sentence', ''))}")


@click.group()
def sessions() -> None:
    """List, show and replay recorded sessions."""


@sessions.command("list")
@narrowing
@remote
def found(at: Remote, as_json: bool, **asked: Any) -> None:
    """The sessions with the latest activity first."""
    rows = at.get("sessions", **asked)["sessions"]
    show_json(rows) if as_json else show_table(rows, SESSIONS, "No session recorded for this.")


@sessions.command()
@click.argument("session")
@remote
def show(at: Remote, session: str, as_json: bool) -> None:
    """The exchanges of SESSION (its key, or the beginning of it)."""
    told = at.get("sessions", session)
    if as_json:
        show_json(told)
        return
    click.echo(f"{clean(told['session'])}\n")
    show_table(told["exchanges"], EXCHANGES, "No exchange recorded in it.")


@sessions.command()
@click.argument("session")
@click.option("--exchange", default="", help="Only this exchange of it.")
@remote
def replay(at: Remote, session: str, exchange: str, as_json: bool) -> None:
    """What happened, in order, masked as recorded; the whole of it at once."""
    told = at.get("sessions", session, "replay", exchange=exchange)
    if as_json:
        show_json(told)
        return
    for line in told["lines"]:
        text = "".join(piece["text"] for piece in line["pieces"])
        click.echo(f"{line['at_us'] / 1e6:9.3f} s  {clean(line['title'])}" + (f"\n{clean(text)}" if text else ""))
