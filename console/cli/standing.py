"""`exeat approvals standing|revoke|break-glass|review`: what is granted in advance, or alone in an emergency."""

import json

import click

from approvals.client import ApprovalsClient
from approvals.facts import Wish
from approvals.machine import Approval
from approvals.standing import Standing
from console.cli.approvals import Desk, WhichOne, find, group, said, seconds, signed_in, told
from console.documents import of_standing, standing_line
from console.words import printable


@group.command("standing")
@click.option("--all", "ended", is_flag=True, help="Also what covers nothing any more.")
@signed_in
def list_(desk: Desk, ended: bool, as_json: bool) -> None:
    """Show standing grants, and emergency grants that owe a review."""
    found = desk.ask(lambda client: client.standings(ended=ended))
    told([of_standing(each) for each in found], as_json, standing_line, "Nothing is granted in advance.")


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


def _told(standing: Standing, as_json: bool) -> None:
    click.echo(json.dumps(of_standing(standing), indent=2) if as_json else standing_line(of_standing(standing)))


async def _which(client: ApprovalsClient, standing_id: str) -> str:
    """By id, or by a beginning that only one has."""
    found = [each.id for each in await client.standings() if each.id.startswith(standing_id)]
    if len(found) != 1:
        raise WhichOne(f"{len(found)} standing grants begin with {printable(standing_id)}; give the whole id")
    return found[0]
