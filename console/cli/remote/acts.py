"""`exeat --server URL approvals|identity`: what waits, what is granted in advance, and who is stopped."""

import json
from typing import Any

import click

from console.cli.approvals import NOTHING_WAITS, seconds, told
from console.cli.identity import one
from console.cli.options import grant_options, stop_options
from console.cli.remote.client import Document, Remote, remote
from console.documents import approval_line, revocation_line, standing_line
from console.words import printable, when
from runtime.clock import SystemClock


@click.group()
def approvals() -> None:
    """List, show, grant and refuse approvals."""


@approvals.command("list")
@click.option("--all", "finished", is_flag=True, help="Also what ended within the last day.")
@remote
def list_(at: Remote, finished: bool, as_json: bool) -> None:
    """Show what waits for an answer."""
    found, now_us = at.get("approvals", finished=finished)["approvals"], SystemClock().now_us()
    told(found, as_json, lambda each: approval_line(each, now_us), NOTHING_WAITS)


@approvals.command()
@click.argument("approval_id", metavar="ID")
@remote
def show(at: Remote, approval_id: str, as_json: bool) -> None:
    """Show one approval with the content that an answer is about."""
    found = at.get("approvals", approval_id)
    click.echo(json.dumps(found, indent=2) if as_json else page(found))


@approvals.command()
@click.argument("approval_id", metavar="ID")
@grant_options
@remote
def grant(
    at: Remote,
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
    wish = {"uses": uses, "seconds": seconds(duration, None) if duration else 0, "action": action}
    less = {"masking": list(masking), "max_response_bytes": max_response_bytes or 0}
    more = {"standing": wish} if standing else {}
    _said(
        at.post("approvals", approval_id, "grant", **_answer(at, approval_id, justification), **less, **more), as_json
    )


@approvals.command()
@click.argument("approval_id", metavar="ID")
@click.option("--justification", default="", help="Why; the agent is told.")
@remote
def refuse(at: Remote, approval_id: str, justification: str, as_json: bool) -> None:
    """Stop it; one refusal outweighs every grant."""
    _said(at.post("approvals", approval_id, "refuse", **_answer(at, approval_id, justification)), as_json)


@approvals.command("break-glass")
@click.argument("approval_id", metavar="ID")
@click.option("--justification", required=True, help="What the emergency is; it is recorded, and others are told.")
@remote
def break_glass(at: Remote, approval_id: str, justification: str, as_json: bool) -> None:
    """Grant alone, in an emergency, if the policy names your group for it; somebody else must review it."""
    _said(at.post("approvals", approval_id, "break-glass", **_answer(at, approval_id, justification)), as_json)


@approvals.command()
@click.option("--all", "ended", is_flag=True, help="Also what covers nothing any more.")
@remote
def standing(at: Remote, ended: bool, as_json: bool) -> None:
    """Show standing grants, and emergency grants that owe a review."""
    found = at.get("standing", ended=ended)["standing"]
    told(found, as_json, standing_line, "Nothing is granted in advance.")


@approvals.command()
@click.argument("standing_id", metavar="ID")
@click.option("--justification", default="", help="Why.")
@remote
def revoke(at: Remote, standing_id: str, justification: str, as_json: bool) -> None:
    """End a standing grant at once; what was let go under it stays so."""
    _shown(at.post("standing", standing_id, "revoke", words=justification), as_json, standing_line)


@approvals.command()
@click.argument("standing_id", metavar="ID")
@click.option("--justification", required=True, help="What you found.")
@remote
def review(at: Remote, standing_id: str, justification: str, as_json: bool) -> None:
    """Say that you have looked at an emergency grant which somebody else gave."""
    _shown(at.post("standing", standing_id, "review", words=justification), as_json, standing_line)


@click.group()
def identity() -> None:
    """Stop an identity, an agent, a session or a token at once."""


@identity.command("revoke")
@stop_options
@remote
def stop(at: Remote, issuer: str, reason: str, as_json: bool, **named: str | None) -> None:
    """Stop somebody: new and held requests, unused grants, open streams. Say exactly one thing to stop."""
    scope, value = one(named)
    made = at.post("revocations", scope=str(scope), value=value, issuer=issuer, reason=reason)
    _shown(made, as_json, revocation_line)


@identity.command()
@click.option("--all", "lifted", is_flag=True, help="Also what was lifted.")
@remote
def revoked(at: Remote, lifted: bool, as_json: bool) -> None:
    """Show what is revoked."""
    told(at.get("revocations", lifted=lifted)["revocations"], as_json, revocation_line, "Nothing is revoked.")


@identity.command()
@click.argument("revocation_id", metavar="ID")
@click.option("--reason", required=True, help="Why; it is recorded.")
@remote
def lift(at: Remote, revocation_id: str, reason: str, as_json: bool) -> None:
    """Let whom a revocation stopped go on. What it ended stays ended."""
    _shown(at.post("revocations", revocation_id, "lift", words=reason), as_json, revocation_line)


def page(found: Document) -> str:
    """One approval with what an answer should rest on."""
    names = ("id", "state", "subject", "agent", "owner", "connection", "action", "tool", "risk", "rule", "message")
    rows = [(name, str(found.get(name) or "")) for name in (*names, "justification")]
    groups = ", ".join((*found["any"], *found["all"]))
    rows += [("answers", f"{found['missing']} more needed of {groups}"), ("granted by", ", ".join(found["granted_by"]))]
    rows += [("expires", when(found["expires_us"])), ("shown", f"{found['shown_media']}, {found['shown_digest']}")]
    view: dict[str, Any] = found.get("view") or {}
    rows += [("also", reason) for reason in view.get("reasons", ())]
    rows += [("found", f"{hit['rule']} x{hit['count']} at {hit['where']}") for hit in view.get("findings", ())]
    head = "\n".join(f"{name:<14}{printable(value)}" for name, value in rows if value)
    previous = (view.get("previous") or {}).get("difference", "")
    parts = [head, printable(previous, lines=True), printable(str(found["shown"]), lines=True)]
    return "\n\n".join(part for part in parts if part)


def _answer(at: Remote, approval_id: str, justification: str) -> Document:
    """Bound to what the server shows of it now."""
    return {"shown_digest": at.get("approvals", approval_id)["shown_digest"], "justification": justification}


def _said(found: Document, as_json: bool) -> None:
    still = f"; {found['missing']} more must say yes" if found["state"] == "requested" else ""
    click.echo(json.dumps(found, indent=2) if as_json else f"{found['id']} is {found['state']}{still}.")


def _shown(found: Document, as_json: bool, line: Any) -> None:
    click.echo(json.dumps(found, indent=2) if as_json else line(found))
