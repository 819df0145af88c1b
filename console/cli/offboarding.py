"""`exeat audit offboarding PERSON`: what was seen of somebody who left, and that nothing is since."""

import click

from audit.read.instants import as_sql, instant
from audit.read.offboarding import Offboarding, gather, revoked_us
from console.cli.asking import json_option, reader, settings_of, show_json, show_table
from console.words import clean
from runtime.clock import SystemClock
from runtime.errors import CallerError

SHOWN = 20


class NotRevoked(CallerError):
    code = "not_revoked"


@click.command("offboarding")
@click.argument("person")
@click.option("--left", metavar="WHEN", help="When they left [their first revocation].")
@json_option
@click.pass_context
def command(context: click.Context, person: str, left: str | None, as_json: bool) -> None:
    """What the record says of PERSON, who left: an e-mail address, a subject, an owner of agents, or an agent.

    Last token, last request, what was denied since, what went on. Exits 0 when nothing was let through, went on or was
    done as a person since, 1 when something was.
    """
    now_us = SystemClock().now_us()
    with reader(settings_of(context)) as asking:
        left_us = instant(left, now_us) if left else revoked_us(asking, person, now_us)
        if left_us is None:
            raise NotRevoked(f"no revocation of {clean(person)} is recorded; say when they left with --left")
        found = gather(asking, person, left_us, now_us)
    if as_json:
        show_json(found.as_dict())
    else:
        _tell(found)
    context.exit(0 if found.clean else 1)


def _tell(found: Offboarding) -> None:
    verdict = "OK" if found.clean else "NOT CLEAN"
    counts = f"{len(found.let_through)} let through, {len(found.denied)} denied, {len(found.went_on)} went on"
    click.echo(f"{verdict}: {clean(found.person)} left {as_sql(found.left_us)[:19]} UTC; since then {counts}")
    if not found.complete:
        click.echo(f"note: more than {len(found.since)} decisions since; of these what was let through is listed first")
    for title, rows, columns in (
        (
            "accounts",
            found.accounts,
            ("issuer", "subject", "agent", "email", "owner", "last_request", "last_let_through"),
        ),
        ("last tokens", found.tokens, ("issuer", "subject", "agent", "jti", "last_seen", "requests")),
        ("revocations", found.revocations, ("ts", "scope", "value", "by", "reason")),
        ("let through since", found.let_through, ("ts", "exchange", "effect", "agent", "connection", "method", "path")),
        ("went on after they left", found.went_on, ("ts", "exchange", "agent", "connection", "ended", "outcome")),
        ("as a person since", found.as_person, ("ts", "type", "subject")),
        ("denied since", found.denied, ("ts", "exchange", "effect", "agent", "connection", "method", "path")),
    ):
        click.echo(f"\n{title}:")
        show_table(rows[:SHOWN], columns, "None.")
        if len(rows) > SHOWN:
            click.echo(f"note: and {len(rows) - SHOWN} more; --json has all of them")
