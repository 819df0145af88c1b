"""`exeat identity`: stop somebody at once, see who is stopped, and let them go on.

What a revocation hits ends within a second, wherever it stands: new requests, what waits for an answer, grants that
nobody used yet, and streams in the middle of an answer. It holds over restarts, until it is lifted.
"""

import json
from collections.abc import Mapping

import click

from approvals.client import ApprovalsClient
from approvals.revocations import Revocation, Scope
from console.cli.approvals import Desk, signed_in, told
from console.cli.options import stop_options
from console.documents import of_revocation, revocation_line
from console.words import printable
from runtime.errors import CallerError


class WhatUnsaid(CallerError):
    code = "what_unsaid"


@click.group()
def group() -> None:
    """Stop an identity, an agent, a session or a token at once."""


@group.command()
@stop_options
@signed_in
def revoke(desk: Desk, issuer: str, reason: str, as_json: bool, **named: str | None) -> None:
    """Stop somebody: new and held requests, unused grants, open streams. Say exactly one thing to stop."""
    scope, value = one(named)

    async def work(client: ApprovalsClient) -> Revocation:
        return await client.revoke(scope, value, reason, issuer)

    made = desk.ask(work)
    if as_json:
        click.echo(json.dumps(of_revocation(made), indent=2))
    else:
        click.echo(f"{made.id}: {scope} {printable(value)} is revoked. `exeat identity lift {made.id}` ends it.")


@group.command()
@click.option("--all", "lifted", is_flag=True, help="Also what was lifted.")
@signed_in
def revoked(desk: Desk, lifted: bool, as_json: bool) -> None:
    """Show what is revoked."""
    found = desk.ask(lambda client: _listed(client, lifted))
    told([of_revocation(each) for each in found], as_json, revocation_line, "Nothing is revoked.")


@group.command()
@click.argument("revocation_id", metavar="ID")
@click.option("--reason", required=True, help="Why; it is recorded.")
@signed_in
def lift(desk: Desk, revocation_id: str, reason: str, as_json: bool) -> None:
    """Let whom a revocation stopped go on. What it ended stays ended."""

    async def work(client: ApprovalsClient) -> Revocation:
        return await client.lift(revocation_id, reason)

    done = desk.ask(work)
    click.echo(json.dumps(of_revocation(done), indent=2) if as_json else f"{done.id} is lifted.")


async def _listed(client: ApprovalsClient, lifted: bool) -> list[Revocation]:
    return list(await client.revocations(lifted=lifted))


def one(named: Mapping[str, str | None]) -> tuple[Scope, str]:
    """Raises WhatUnsaid unless exactly one thing is named."""
    given = [(Scope(scope), value) for scope, value in named.items() if value]
    if len(given) != 1:
        raise WhatUnsaid("say exactly one of --subject, --agent, --session, --jti")
    return given[0]
