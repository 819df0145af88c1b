"""`exeat decisions list|explain`."""

import asyncio
from typing import Any

import click

from audit.read import decisions
from console import explained
from console.cli.asking import (
    json_option,
    narrowed,
    narrowing,
    reader,
    settings_of,
    show_json,
    show_table,
)
from console.words import cell, clean

COLUMNS = ("ts", "exchange", "effect", "status", "agent", "connection", "method", "path", "rules")
EFFECTS = click.Choice(["allow", "deny", "hold", "refused"])


@click.group()
def group() -> None:
    """List and explain decisions."""


@group.command("list")
@click.option("--effect", type=EFFECTS, default=None, help="Only this effect.")
@click.option("--session", default="", help="Only this session.")
@narrowing
@click.pass_context
def list_(
    context: click.Context,
    /,
    since: str | None,
    until: str | None,
    limit: int,
    as_json: bool,
    effect: str | None,
    **fields: str,
) -> None:
    """The newest decisions first."""
    which = narrowed(since, until, effect=effect or "", **fields)
    with reader(settings_of(context)) as asking:
        rows = asking.ask(decisions.newest(which, limit))
    if as_json:
        show_json(rows)
    else:
        show_table(rows, COLUMNS, "No decision recorded for this.")


@group.command()
@click.argument("exchange")
@json_option
@click.pass_context
def explain(context: click.Context, exchange: str, as_json: bool) -> None:
    """Why EXCHANGE (a decision's id, or its beginning) was decided as it was, and whether it would be again.

    The recorded input is given to the policy engine once more; nothing is recorded and nothing takes effect.
    """
    settings = settings_of(context)
    with reader(settings) as asking:
        found = explained.gather(asking, exchange)
    again = asyncio.run(explained.again(settings, found))
    if as_json:
        show_json(found.as_dict(again))
        return
    _show(found.decision, found.approvals)
    click.echo(f"  input       {_input_line(found.decision, found.content, found.matches)}")
    click.echo(f"  again       {again.sentence if again else 'there is no recorded input to decide again'}")
    if found.shadow:
        rules = ", ".join(str(reason.get("rule")) for reason in found.shadow.get("reasons", []))
        click.echo(f"  would be    {clean(found.shadow.get('effect', ''))} ({clean(rules)}), if nothing only watched")
    for rule, read in (again.read if again else {}).items():
        for name, value in read.items():
            click.echo(f"  {clean(rule)} read {clean(name)} = {clean(value)}")


def _show(decision: dict[str, Any], approvals: list[dict[str, Any]]) -> None:
    click.echo(f"{decision['exchange']}  {decision['effect']}, answered {decision['status'] or 'by the upstream'}")
    groups = ", ".join(decision["groups"]) or "no groups"
    who = f"{decision['agent'] or 'no agent'} for {decision['email'] or decision['subject'] or 'nobody verified'}"
    lines = [
        ("when", cell(decision["ts"]) + " UTC"),
        ("who", f"{who} ({groups}), token of {decision['issuer'] or 'nobody'}"),
        ("what", " ".join(filter(None, (decision[name] for name in ("method", "path", "action_kind", "model"))))),
        ("to", decision["connection"] or "no connection"),
        *(("why", line) for line in _reasons(decision)),
        ("findings", ", ".join(decision["findings"]) or "none"),
        ("masking", ", ".join(decision["masking"]) or "the floor profile"),
        ("session", decision["session"] or "none"),
        ("snapshot", decision["snapshot"] or "none: it never reached the policy"),
        ("record", "{writer}/{seq}, leaf {log_index} of the log of {gateway}".format_map(decision)),
    ]  # fmt: skip
    for name, text in lines:
        click.echo(f"  {name:<11} {clean(text)}")
    for approval in approvals:
        for at, step, approver in approval["steps"]:
            click.echo(f"  approval    {cell(at)} {step}{f' by {clean(approver)}' if approver else ''}")
        if approval["reason"]:
            click.echo(f"              {clean(approval['reason'])}")


def _reasons(decision: dict[str, Any]) -> list[str]:
    if not decision["rules"]:
        return [f"turned away before any rule: {decision['code'] or 'no reason recorded'}"]
    controls = f" [{', '.join(decision['controls'])}]" if decision["controls"] else ""
    return [f"{decision['message']} ({', '.join(decision['rules'])}){controls}"]


def _input_line(decision: dict[str, Any], content: bytes, matches: bool | None) -> str:
    if not decision["input_hash"]:
        return "none: it was refused before the policy was asked"
    if matches is None:
        return f"{decision['input_hash']}: its frame is not in the store (pruned, or not shipped yet)"
    verdict = "the recorded frame matches it" if matches else "THE RECORDED FRAME DOES NOT MATCH IT"
    return f"{decision['input_hash']}: {verdict} ({len(content)} bytes)"
