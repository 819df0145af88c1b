"""`exeat approvals`: list, show, grant, refuse, watch; standing grants are in `console.cli.standing`.

What waits was written by strangers (agents): nothing of it may steer the terminal, so everything is made printable.
"""

import asyncio
import json
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from approvals.client import ApprovalsClient
from approvals.facts import NOTHING_LESS, Narrowing, Shown, Vote, Wish
from approvals.machine import Approval
from approvals.view import View
from console.cli.oidc import OidcClient, settings_of
from console.cli.options import grant_options
from console.cli.token import people_issuer, tell
from console.documents import approval_line, lacking, of_approval
from console.recording import signed_in as signed_in_here
from console.words import printable, when
from runtime.clock import SystemClock
from runtime.errors import CallerError
from runtime.settings import Settings, environment
from snapshot.decision import Bounds, MalformedDecision, duration_seconds

Document = dict[str, Any]
Result = TypeVar("Result")
NOTHING_WAITS = "Nothing waits for your answer."
SHORTEST_ID = 8  # enough letters of an id that one can still see what one answers


class WhichOne(CallerError):
    code = "which_one"


@click.group()
def group() -> None:
    """List, show, grant, refuse and watch approvals."""


@dataclass(frozen=True)
class Desk:
    """A signed-in person's place at the service."""

    socket: Path
    token: str

    def ask(self, work: Callable[[ApprovalsClient], Coroutine[Any, Any, Result]]) -> Result:
        async def run() -> Result:
            async with ApprovalsClient(self.socket, self.token) as client:
                return await work(client)

        return asyncio.run(run())


def signed_in(command: Callable[..., None]) -> Callable[..., None]:
    """Adds --json and the options by which a person signs in; the command gets a Desk."""

    @click.option("--token", metavar="TOKEN", help="A person's token [default: EXEAT_TOKEN, else device flow].")
    @click.option("--as", "name", metavar="NAME", help="A person of the development issuer, e.g. alice.")
    @click.option("--json", "as_json", is_flag=True, help="JSON on standard output.")
    @wraps(command)
    def wrapped(*, token: str | None, name: str | None, **options: Any) -> None:
        settings = settings_of(click.get_current_context().obj)
        desk = Desk(settings.socket("approvals"), _token(settings, token, name))
        command(desk, **options)

    return wrapped


@group.command("list")
@click.option("--all", "finished", is_flag=True, help="Also what ended within the last day.")
@signed_in
def list_(desk: Desk, finished: bool, as_json: bool) -> None:
    """Show what waits for an answer."""
    found, now_us = desk.ask(lambda client: client.list(finished=finished)), SystemClock().now_us()
    documents = [of_approval(each) for each in found]
    told(documents, as_json, lambda each: approval_line(each, now_us), NOTHING_WAITS)


@group.command()
@click.argument("approval_id", metavar="ID")
@signed_in
def show(desk: Desk, approval_id: str, as_json: bool) -> None:
    """Show one approval with the content that an answer is about."""
    approval, shown = desk.ask(lambda client: find(client, approval_id))
    if as_json:
        click.echo(json.dumps(of_approval(approval, shown), indent=2))
    else:
        click.echo(page(approval, shown, SystemClock().now_us()))


@group.command()
@click.argument("approval_id", metavar="ID")
@grant_options
@signed_in
def grant(
    desk: Desk,
    approval_id: str,
    justification: str,
    masking: tuple[str, ...],
    max_response_bytes: int | None,
    standing: bool,
    uses: int,
    duration: str | None,
    action: str,
    as_json: bool,
) -> None:
    """Let it go, once; with less than was asked for, if you say so, never with more."""
    less = Narrowing(masking, max_response_bytes or 0)

    async def work(client: ApprovalsClient) -> Approval:
        approval, shown = await find(client, approval_id)
        wish = Wish(uses, seconds(duration, approval.card.terms.standing), action) if standing else None
        return await client.grant(approval.id, shown.digest, justification, less, wish)

    said(desk.ask(work), as_json)


@group.command()
@click.argument("approval_id", metavar="ID")
@click.option("--justification", default="", help="Why; the agent is told.")
@signed_in
def refuse(desk: Desk, approval_id: str, justification: str, as_json: bool) -> None:
    """Stop it; one refusal outweighs every grant."""

    async def work(client: ApprovalsClient) -> Approval:
        approval, shown = await find(client, approval_id)
        return await client.refuse(approval.id, shown.digest, justification)

    said(desk.ask(work), as_json)


@group.command()
@signed_in
def watch(desk: Desk, as_json: bool) -> None:
    """Follow approvals as they come and change, until Ctrl-C."""

    async def work(client: ApprovalsClient) -> None:
        async for approval in client.watch():
            now_us = SystemClock().now_us()
            found = of_approval(approval)
            click.echo(json.dumps(found) if as_json else approval_line(found, now_us))

    with suppress(KeyboardInterrupt):
        desk.ask(work)


def told(documents: Sequence[Document], as_json: bool, line: Callable[[Document], str], nothing: str) -> None:
    """A list as every noun shows one: a line each, or one JSON list."""
    if as_json:
        click.echo(json.dumps(documents, indent=2))
        return
    for text in [line(each) for each in documents] or [nothing]:
        click.echo(text)


def seconds(duration: str | None, most: Bounds | None) -> int:
    """`9m` → 540; without one, the most that the policy allows (the service says so if it allows nothing)."""
    if duration is None:
        return most.seconds if most else 1
    try:
        return duration_seconds(duration, "--for")
    except MalformedDecision as error:
        raise click.UsageError(error.message) from None


def page(approval: Approval, shown: Shown, now_us: int) -> str:
    """One approval with everything that an answer should rest on."""
    card, terms, view = approval.card, approval.card.terms, View.read(shown)
    rows = [("approval", approval.id), ("state", _state(approval, now_us))]
    rows += [("asked by", f"{card.binding.agent} ({card.binding.subject}, {card.binding.issuer})")]
    rows += [("acts for", card.owner), ("wants", f"{card.binding.connection} ({card.binding.upstream})")]
    rows += [
        ("action", card.action),
        ("tool", card.tool),
        ("risk", card.risk),
        ("rule", card.rule),
        ("message", card.message),
        *(("also", reason) for reason in view.reasons),
        ("its reason", card.justification),
    ]
    rows += [("answers", f"{lacking(approval)} more needed of {', '.join((*terms.any, *terms.all))}")]
    rows += [("signature", "every answer must be signed, in the console" if terms.signature else "")]
    rows += [("granted by", f"{vote.voter.email}{_signed(vote)}: {vote.justification}") for vote in approval.votes]
    rows += [("with", _less(approval.narrowing))]
    rows += [("requested", when(approval.requested_us)), ("expires", when(approval.expires_us))]
    rows += [("found", f"{hit.rule} x{hit.count} at {hit.where} {hit.token}".rstrip()) for hit in view.findings]
    rows += [("received", f"{view.size} bytes, sha256 {view.digest}" if view.digest else "")]
    rows += [("shown", f"{view.media}, sha256 {shown.digest}")]
    head = "\n".join(f"{name:<11}{printable(value)}" for name, value in rows if value)
    return "\n\n".join([head, *_new(view), printable(_pretty(view), lines=True)])


async def find(client: ApprovalsClient, approval_id: str) -> tuple[Approval, Shown]:
    """By id, or by an end or beginning of one that only one open approval has."""
    if len(approval_id) == 36:
        return await client.get(approval_id)
    found = [at.id for at in await client.list() if len(approval_id) >= SHORTEST_ID and at.id.startswith(approval_id)]
    if len(found) != 1:
        raise WhichOne(f"{len(found)} open approvals begin with {printable(approval_id)}; give the whole id")
    return await client.get(found[0])


def said(approval: Approval, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(of_approval(approval), indent=2))
        return
    still = f"; {lacking(approval)} more must say yes" if approval.state == "requested" else ""
    click.echo(f"{approval.id} is {approval.state}{still}.")


def _token(settings: Settings, token: str | None, name: str | None) -> str:
    found = token or (None if name else environment("EXEAT_TOKEN"))
    if found:
        return found
    with OidcClient.at(people_issuer(settings)) as client:
        if name:
            return client.development(name)
        people = settings.people
        fresh = client.device(people.client_id, people.audience, people.scope, tell)
    signed_in_here(settings, fresh)
    return fresh


def _signed(vote: Vote) -> str:
    return " (signed)" if vote.signature else ""


def _state(approval: Approval, now_us: int) -> str:
    if approval.grace_until_us is None or approval.state.final:
        return str(approval.state)
    left = max(0, approval.grace_until_us - now_us) // 1_000_000
    return f"{approval.state}; the client has left and may come back within {left} s"


def _less(narrowing: Narrowing) -> str:
    if narrowing == NOTHING_LESS:
        return ""
    limit = f"at most {narrowing.max_response_bytes} bytes back" if narrowing.max_response_bytes else ""
    return ", ".join(filter(None, (*(f"masking {profile}" for profile in narrowing.masking), limit)))


def _new(view: View) -> list[str]:
    """What differs from what the same identity sent there before."""
    if view.previous is None:
        return []
    head = f"Since exchange {view.previous.exchange} ({when(view.previous.at_us)}): {view.previous.note}".rstrip(": ")
    return [printable(f"{head}\n{view.previous.difference}".rstrip(), lines=True)]


def _pretty(view: View) -> str:
    if view.media.partition(";")[0].endswith("json"):
        with suppress(ValueError):
            return json.dumps(json.loads(view.content), indent=2, ensure_ascii=False)
    return view.content


from console.cli import standing as _standing  # noqa: E402, F401 - adds its commands to the group
