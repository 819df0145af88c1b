"""`exeat sessions list|show|replay`."""

import time
from typing import Any

import click

from audit.read import sessions
from audit.read.timeline import DEFAULT_IDLE_US, Frame, Moment, Note, timeline
from audit.read.transcript import Transcript
from console.cli.asking import (
    clean,
    json_option,
    narrowed,
    narrowing,
    reader,
    settings_of,
    show_json,
    show_table,
)

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
EXCHANGES = ("ts", "exchange", "effect", "status", "connection", "method", "path", "outcome", "message")


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
    if as_json:
        show_json({"session": key, "exchanges": rows})
    else:
        click.echo(f"{clean(key)}\n")
        show_table(rows, EXCHANGES, "No exchange recorded in it.")


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
    """Plays SESSION as it happened: what was asked, decided, approved, and what came back, masked as recorded."""
    with reader(settings_of(context)) as asking:
        frames, notes = sessions.load(asking, sessions.key(asking, session), exchange)
    steps = timeline(frames, notes, speed=speed, idle_us=int(idle * 1e6))
    if as_json:
        show_json([_as_dict(moment) for moment in steps])
        return
    player = Player(raw)
    for moment in steps:
        time.sleep(moment.wait_us / 1e6)
        player.show(moment)
    player.end()


class Player:
    """Writes moments to the terminal; text of a stream goes on where it stopped until something else comes."""

    def __init__(self, raw: bool = False) -> None:
        self._raw = raw
        self._open: tuple[str, str] | None = None  # exchange and direction whose text stands at the end of the output
        self._transcripts: dict[tuple[str, str], Transcript] = {}
        self._later: list[Moment] = []  # what masking did, while the text it was done to still goes on
        self._line_begins = True

    def show(self, moment: Moment) -> None:
        if moment.skipped_us:
            self._heading(moment, f"({moment.skipped_us / 1e6:.1f} s of silence left out)")
        if isinstance(moment.what, Note):
            if self._open and moment.what.exchange == self._open[0] and moment.what.type.startswith("masking."):
                self._later.append(moment)
                return
            self._heading(moment, f"{moment.what.exchange[-8:]}  {moment.what.text}")
        else:
            self._frame(moment, moment.what)

    def _frame(self, moment: Moment, frame: Frame) -> None:
        channel = (frame.exchange, frame.direction)
        text = frame.content.decode("utf-8", "replace") if self._raw else self._transcript(channel).feed(frame)
        if not text:
            return
        if self._open != channel:
            arrow = "→ agent asked" if frame.direction == "request" else "← agent got"
            self._heading(moment, f"{frame.exchange[-8:]}  {arrow}")
            self._open = channel
        self._write(text)

    def _transcript(self, channel: tuple[str, str]) -> Transcript:
        return self._transcripts.setdefault(channel, Transcript())

    def _heading(self, moment: Moment, text: str) -> None:
        self._fresh_line()
        self._open = None
        self._say_later()
        click.secho(f"[{moment.offset_us / 1e6:9.3f}] {clean(text)}", bold=True)

    def _say_later(self) -> None:
        later, self._later = self._later, []
        for moment in later:
            self.show(moment)

    def _write(self, text: str) -> None:
        click.echo(clean(text), nl=False)
        self._line_begins = text.endswith("\n")

    def _fresh_line(self) -> None:
        if not self._line_begins:
            click.echo()
        self._line_begins = True

    def end(self) -> None:
        """What never became a whole document or event is shown as it was recorded."""
        for (exchange, direction), transcript in self._transcripts.items():
            if rest := transcript.finish():
                self._fresh_line()
                click.echo(f"{exchange[-8:]}  {direction}, incomplete:\n{clean(rest)}")
        self._fresh_line()
        self._open = None
        self._say_later()


def _as_dict(moment: Moment) -> dict[str, Any]:
    what = moment.what
    fields: dict[str, Any] = {"offset_us": moment.offset_us, "wait_us": moment.wait_us, "skipped_us": moment.skipped_us}
    fields |= {"at_us": what.at_us, "exchange": what.exchange}
    if isinstance(what, Note):
        return fields | {"type": what.type, "text": what.text}
    content = what.content.decode("utf-8", "replace")
    return fields | {"type": what.direction, "index": what.index, "media": what.media, "content": content}
