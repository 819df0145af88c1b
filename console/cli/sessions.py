"""`exeat sessions list|show|replay|export`."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from audit.read import sessions
from audit.read.decisions import Filter
from audit.read.export import export as write_package
from audit.read.timeline import DEFAULT_IDLE_US, Moment, Note, timeline
from console.cli.asking import (
    json_option,
    narrowed,
    narrowing,
    reader,
    settings_of,
    show_json,
    show_table,
)
from console.cli.cast import cast
from console.cli.keypresses import keys
from console.cli.playback import Playback
from console.cli.player import Player
from console.verifying import published_log
from console.words import clean

COLUMNS = (
    "session",
    "agent",
    "subject",
    "started_at",
    "last_at",
    "exchanges",
    "allowed",
    "denied",
    "held",
    "connections",
)
EXCHANGES = (
    "ts", "exchange", "effect", "status", "connection", "method", "path", "outcome", "input_tokens", "output_tokens",
    "rows", "message",
)  # fmt: skip


@click.group()
def group() -> None:
    """List, show and replay recorded sessions."""


@group.command("list")
@narrowing
@click.pass_context
def list_(
    context: click.Context, /, since: str | None, until: str | None, limit: int, as_json: bool, **fields: str
) -> None:
    """The sessions with the latest activity first."""
    with reader(settings_of(context)) as asking:
        rows = asking.ask(sessions.newest(narrowed(since, until, **fields), limit))
    if as_json:
        show_json(rows)
    else:
        show_table(rows, COLUMNS, "No session recorded for this.")


@group.command()
@click.argument("session")
@json_option
@click.pass_context
def show(context: click.Context, session: str, as_json: bool) -> None:
    """The exchanges of SESSION (its key, or the beginning of it)."""
    with reader(settings_of(context)) as asking:
        key = sessions.key(asking, session)
        rows = asking.ask(sessions.exchanges(key))
    total = sessions.total(rows)
    if as_json:
        show_json({"session": key, "exchanges": rows, "total": total})
    else:
        click.echo(f"{clean(key)}\n")
        show_table(rows, EXCHANGES, "No exchange recorded in it.")
        click.echo(_total(total))


def _total(total: Mapping[str, int]) -> str:
    told = "\nTotal: {exchanges} exchanges, {input_tokens} input and {output_tokens} output tokens, {rows} rows, "
    told += "{request_bytes} bytes sent, {response_bytes} bytes answered"
    estimated = " (tokens of {estimated} exchanges are estimated)" if total["estimated"] else ""
    return (told + estimated).format(**total)


@group.command()
@click.argument("session")
@click.option("--speed", default=1.0, type=click.FloatRange(min=0, min_open=True), help="2 is twice as fast.")
@click.option("--idle", default=DEFAULT_IDLE_US / 1e6, type=click.FloatRange(min=0), show_default=True,
              help="Longest pause in seconds; longer ones are shortened, and it says so.")  # fmt: skip
@click.option("--exchange", default="", help="Only this exchange of the session.")
@click.option("--raw", is_flag=True, help="Bodies as they were recorded, not as conversation.")
@json_option
@click.pass_context
def replay(
    context: click.Context, session: str, speed: float, idle: float, exchange: str, raw: bool, as_json: bool
) -> None:
    """Plays SESSION as it happened: what was asked, decided, approved, and what came back, masked as recorded.

    In a terminal: space pauses, n shows the next moment at once, j jumps to the next exchange, b goes back to the
    beginning of this one, + and - change the speed, q ends.
    """
    with reader(settings_of(context)) as asking:
        frames, notes = sessions.load(asking, sessions.key(asking, session), exchange)
    steps = timeline(frames, notes, speed=speed, idle_us=int(idle * 1e6))
    if as_json:
        show_json([_as_dict(moment) for moment in steps])
        return
    _play(Playback(list(steps)), Player(raw))


def _play(playback: Playback, player: Player) -> None:
    with keys() as wait:
        while playback.going:
            pressed = wait(playback.due())
            if pressed:
                if told := playback.key(pressed):
                    player.say(told)
                continue
            player.show(playback.take())
    player.end()


@group.command()
@click.argument("session")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--speed", default=1.0, type=click.FloatRange(min=0, min_open=True), help="Of the recording.")
@click.option("--idle", default=DEFAULT_IDLE_US / 1e6, type=click.FloatRange(min=0), show_default=True,
              help="Longest pause in the recording, in seconds.")  # fmt: skip
@json_option
@click.pass_context
def export(context: click.Context, session: str, folder: Path, speed: float, idle: float, as_json: bool) -> None:
    """Write SESSION into a new FOLDER: session.jsonl to read by program, session.cast to watch, and its proof.

    The folder is a package of `exeat audit export`: `exeat audit verify FOLDER` proves each event and frame.
    `asciinema play session.cast` shows it in a terminal.
    """
    settings = settings_of(context)
    with reader(settings) as asking:
        key = sessions.key(asking, session)
        frames, notes = sessions.load(asking, key, "")
        which = Filter(session=key)
        package = write_package(asking, folder, settings.gateway.id, published_log(settings), which, _moment)
    steps = list(timeline(frames, notes, speed=speed, idle_us=int(idle * 1e6)))
    lines = [json.dumps(_as_dict(moment), ensure_ascii=False) + "\n" for moment in steps]
    (folder / "session.jsonl").write_text("".join(lines), "utf-8")
    started = steps[0].what.at_us if steps else 0
    (folder / "session.cast").write_text("".join(cast(steps, f"Exeat session {clean(key)}", started)), "utf-8")
    if as_json:
        show_json({"folder": str(folder), "session": key, "events": package.events, "frames": package.frames})
    else:
        click.echo(f"{folder}: {len(steps)} moments, {package.events} events; `exeat audit verify {folder}` checks it")


def _moment() -> None:
    time.sleep(0.2)


def _as_dict(moment: Moment) -> dict[str, Any]:
    what = moment.what
    fields: dict[str, Any] = {"offset_us": moment.offset_us, "wait_us": moment.wait_us, "skipped_us": moment.skipped_us}
    fields |= {"at_us": what.at_us, "exchange": what.exchange}
    if isinstance(what, Note):
        return fields | {"type": what.type, "text": what.text}
    content = what.content.decode("utf-8", "replace")
    return fields | {"type": what.direction, "index": what.index, "media": what.media, "content": content}
