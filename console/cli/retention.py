"""`exeat audit prune` and `exeat audit legal-hold`: what may go, and what may not. The event first, then the act."""

import click

from audit.read import holds as legal
from audit.read.instants import as_sql
from audit.read.pruning import Plan, month, plan
from audit.read.reader import Reader, StoreSilent, own_words
from audit.store.client import pruner_client
from audit.write import Draft, Kind, Value
from console import holding
from console.cli.asking import json_option, reader, settings_of, show_json, show_table
from console.holding import NotSigned, until_stored
from console.recording import Recorder, person
from runtime.clock import SystemClock
from runtime.errors import CallerError
from runtime.ids import uuid7
from runtime.settings import Settings

ATTEMPTS = 3


class NothingToPrune(CallerError):
    code = "nothing_named"


@click.command("prune")
@click.option("--frames", metavar="MONTH", help="Content: every month before this one, e.g. 2026-05.")
@click.option("--traffic", metavar="MONTH", help="Exchanges, maskings, frames' events.")
@click.option("--record", metavar="MONTH", help="Decisions, approvals, configuration, reads.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@click.pass_context
def prune(context: click.Context, /, dry_run: bool, yes: bool, as_json: bool, **before: str | None) -> None:
    """Drop whole months of a class from the store. A legal hold keeps its months; the log still verifies.

    The event that names every partition and its rows is in the signed log before the first one goes.
    """
    settings, now_us = settings_of(context), SystemClock().now_us()
    today = int(as_sql(now_us)[:7].replace("-", ""))
    months = {name: month(text, now_us, today) for name, text in before.items() if text}
    if not months:
        raise NothingToPrune("say which class and before which month: --frames, --traffic, --record")
    with reader(settings) as asking:
        found = plan(asking, months)
        if found.rows and not dry_run and not yes and not as_json:
            _show(found)
            click.confirm("Drop these for good?", abort=True, err=True)
        name = uuid7()
        if found.rows and not dry_run:
            found = _told_and_still_so(settings, asking, months, found, name)
            _drop(settings, found)
    if as_json:
        show_json({"dry_run": dry_run, **found.data(name)})
    else:
        _show(found)
        click.echo("nothing was changed" if dry_run or not found.rows else f"done; the log says so under {name}")


def _told_and_still_so(settings: Settings, asking: Reader, months: dict[str, int], found: Plan, name: str) -> Plan:
    """Records the plan until it is in the log and is still what would be done: a hold may come, a late event arrive."""
    for attempt in range(ATTEMPTS):
        sign = f'"attempt":{attempt}'
        data: dict[str, Value] = {**found.data(name), "attempt": attempt}
        Recorder(settings).record(Draft(Kind.CONFIG, "retention.pruned", caller=person(), data=data))
        until_stored(asking, "retention.pruned", name, sign)
        again = plan(asking, months)
        if again == found:
            return found
        found = again
    raise NotSigned("the months change while they are looked at; nothing was dropped. Try again")


def _drop(settings: Settings, found: Plan) -> None:
    from clickhouse_connect.driver.exceptions import ClickHouseError

    client = pruner_client(settings)
    try:
        for part in sorted(found.rows):
            client.command(part.statement)
    except ClickHouseError as error:
        raise StoreSilent(f"not all was dropped, run the same again: {own_words(str(error))}") from None
    finally:
        client.close()


def _show(found: Plan) -> None:
    rows = [{"partition": str(part), "rows": count, "fate": "goes"} for part, count in sorted(found.rows.items())]
    rows += [
        {"partition": str(part), "rows": "", "fate": f"kept by legal hold {', '.join(holds)}"}
        for part, holds in sorted(found.kept.items())
    ]
    show_table(rows, ("partition", "rows", "fate"), "Nothing is that old.")


@click.group("legal-hold")
def group() -> None:
    """Keep evidence whatever retention says: add, list, release."""


@group.command("add")
@click.option("--reason", required=True, help="Why, for the record, e.g. the matter's number.")
@click.option("--subject", default="", help="Only this subject of a token.")
@click.option("--agent", default="", help="Only this agent.")
@click.option("--connection", default="", help="Only this connection.")
@click.option("--session", default="", help="Only this session.")
@click.option("--exchange", default="", help="Only this exchange.")
@click.option("--since", metavar="WHEN", help="What happened from then on: 2d, 2026-11-20.")
@click.option("--until", metavar="WHEN", help="What happened before then.")
@json_option
@click.pass_context
def add(
    context: click.Context, /, reason: str, since: str | None, until: str | None, as_json: bool, **scope: str
) -> None:
    """Keep what the options name; without any, everything."""
    settings = settings_of(context)
    name = holding.add(Recorder(settings), scope, reason, since or "", until or "", SystemClock().now_us())
    _stored(settings, "legal_hold.added", name)
    if as_json:
        show_json({"id": name})
    else:
        click.echo(f"legal hold {name} holds")


@group.command("list")
@click.option("--all", "everything", is_flag=True, help="Also those that were released.")
@json_option
@click.pass_context
def list_(context: click.Context, everything: bool, as_json: bool) -> None:
    """The legal holds that hold."""
    with reader(settings_of(context)) as asking:
        found = [hold for hold in legal.fold(asking.ask(legal.question())) if hold.active or everything]
    rows = [holding.row(hold) for hold in found]
    if as_json:
        show_json(rows)
    else:
        show_table(rows, ("id", "added", "by", "scope", "reason", "released"), "No legal hold.")


@group.command("release")
@click.argument("name", metavar="ID")
@click.option("--reason", required=True, help="Why, for the record.")
@json_option
@click.pass_context
def release(context: click.Context, name: str, reason: str, as_json: bool) -> None:
    """End legal hold ID (or the one that begins so)."""
    settings = settings_of(context)
    with reader(settings) as asking:
        found = holding.active(asking, name)
    holding.release(Recorder(settings), found, reason)
    _stored(settings, "legal_hold.released", found)
    if as_json:
        show_json({"id": found})
    else:
        click.echo(f"legal hold {found} is released")


def _stored(settings: Settings, type_: str, name: str) -> None:
    """It is durable; waits until it is in the store, where `prune` reads it."""
    with reader(settings) as asking:
        try:
            until_stored(asking, type_, name)
        except NotSigned:
            click.echo("note: recorded, but not in the store yet; prune will see it before it drops anything", err=True)
