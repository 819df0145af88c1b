"""`exeat approvals standing|revoke|break-glass|review`: what is granted in advance, or alone in an emergency."""

import json
from dataclasses import asdict
from typing import Any

import click

from approvals.client import ApprovalsClient
from approvals.facts import Wish
from approvals.machine import Approval
from approvals.standing import Standing
from console.cli.approvals import Desk, WhichOne, find, group, printable, said, seconds, signed_in, when


@group.command("standing")
@click.option("--all", "ended", is_flag=True, help="Also what covers nothing any more.")
@signed_in
def list_(desk: Desk, ended: bool, as_json: bool) -> None:
    """Show standing grants, and emergency grants that owe a review."""
    found = desk.ask(lambda client: client.standings(ended=ended))
    if as_json:
        click.echo(json.dumps([as_object(standing) for standing in found], indent=2))
    elif not found:
        click.echo("Nothing is granted in advance.")
    for standing in [] if as_json else found:
        click.echo(line(standing))


@group.command()
@click.argument("standing_id", metavar="ID")
@click.option("--justification", default="", help="Why.")
@signed_in
def revoke(desk: Desk, standing_id: str, justification: str, as_json: bool) -> None:
    """End a standing grant at once; what was let go under it stays so."""

    async def work(client: ApprovalsClient) -> Standing:
        return await client.revoke_standing(await _which(client, standing_id), justification)

    _told(desk.ask(work), as_json)


@group.command()
@click.argument("standing_id", metavar="ID")
@click.option("--justification", required=True, help="What you found.")
@signed_in
def review(desk: Desk, standing_id: str, justification: str, as_json: bool) -> None:
    """Say that you have looked at an emergency grant which somebody else gave."""

    async def work(client: ApprovalsClient) -> Standing:
        return await client.review(await _which(client, standing_id), justification)

    _told(desk.ask(work), as_json)


@group.command("break-glass")
@click.argument("approval_id", metavar="ID")
@click.option("--justification", required=True, help="What the emergency is; it is recorded, and others are told.")
@click.option("--uses", type=click.IntRange(1), default=1, show_default=True, help="This one, and how many like it.")
@click.option("--for", "duration", metavar="9m|8h", help="How long [default: all that the policy allows].")
@click.option("--action", default="", help="A pattern, e.g. `POST /ledger/*/notes`; just this one if not given.")
@signed_in
def break_glass(
    desk: Desk, approval_id: str, justification: str, uses: int, duration: str | None, action: str, as_json: bool
) -> None:
    """Grant alone, in an emergency, if the policy names your group for it; somebody else must review it."""

    async def work(client: ApprovalsClient) -> Approval:
        approval, shown = await find(client, approval_id)
        glass = approval.card.terms.break_glass
        wish = Wish(uses, seconds(duration, glass.bounds if glass else None), action)
        return await client.break_glass(approval.id, shown.digest, justification, wish)

    said(desk.ask(work), as_json)


def as_object(standing: Standing) -> dict[str, Any]:
    """What --json prints. Times are Unix microseconds."""
    given, reach = standing.given, standing.given.reach
    found: dict[str, Any] = {"id": standing.id, "state": str(standing.phase), "break_glass": given.break_glass}
    found |= {"subject": reach.subject, "agent": reach.agent, "issuer": reach.issuer, "connection": reach.connection}
    found |= {"action": reach.action, "rule": reach.rule, "snapshot": reach.snapshot, "approval": given.approval}
    found |= {"uses": given.uses, "uses_left": standing.uses_left, "exchanges": list(standing.exchanges)}
    found |= {"given_us": given.at_us, "until_us": given.until_us, "owes_review": standing.owes_review}
    found["given_by"] = [vote.voter.email or vote.voter.subject for vote in given.votes]
    found["reviewed"] = asdict(standing.reviewed) if standing.reviewed else None
    return found


def line(standing: Standing) -> str:
    given, reach = standing.given, standing.given.reach
    who = f"{reach.agent or reach.subject} → {reach.connection}  {reach.action}"
    left = f"{standing.uses_left} of {given.uses} left until {when(given.until_us)}"
    owed = "  EMERGENCY, owes a review" if standing.owes_review else ""
    return printable(f"{standing.id}  {standing.phase:<7}  {who}  {left}{owed}")


def _told(standing: Standing, as_json: bool) -> None:
    click.echo(json.dumps(as_object(standing), indent=2) if as_json else line(standing))


async def _which(client: ApprovalsClient, standing_id: str) -> str:
    """By id, or by a beginning that only one has."""
    found = [each.id for each in await client.standings() if each.id.startswith(standing_id)]
    if len(found) != 1:
        raise WhichOne(f"{len(found)} standing grants begin with {printable(standing_id)}; give the whole id")
    return found[0]
