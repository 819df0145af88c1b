"""`exeat audit forward`: the signed log to a SIEM, as ECS or OCSF, at least once."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import click
from pydantic import ValidationError

from audit.log.forward import Forwarder, SinkAway, alone
from audit.log.sinks import cursor_of, sink_of
from audit.read.siem import FORMATS
from console.cli.asking import settings_of
from console.verifying import published_log
from runtime.errors import CallerError
from runtime.settings import ForwardTarget

FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
LOOK_SECONDS = 1.0
PAUSE_SECONDS = (1.0, 60.0)  # first and longest while the sink is away


class WrongSink(CallerError):
    code = "wrong_sink"


@click.command("forward")
@click.option("--format", "format_", type=click.Choice(sorted(FORMATS)), default="ecs", show_default=True)
@click.option("--file", "file", type=click.Path(path_type=Path, dir_okay=False), help="Append JSON Lines to this file.")
@click.option("--hec", "hec", metavar="URL", help="Send to an HTTP event collector (Splunk's form).")
@click.option("--syslog", "syslog", metavar="HOST:PORT", help="Send RFC 5424 messages over TLS.")
@click.option("--otlp", "otlp", metavar="URL", help="Send OTLP logs over HTTP; without /v1/logs.")
@click.option("--token-file", type=FILE, help="The collector's token.")
@click.option("--ca", type=FILE, help="CAs of the receiver's certificate, PEM [the system's].")
@click.option("--name", default="siem", show_default=True, help="Whose cursor: each target has one of its own.")
@click.option("--follow", is_flag=True, help="Go on until stopped, and wait for a target that is away.")
@click.pass_context
def command(
    context: click.Context, format_: Literal["ecs", "ocsf"], name: str, follow: bool, file: Path | None,
    hec: str | None, syslog: str | None, otlp: str | None, token_file: Path | None, ca: Path | None,
) -> None:  # fmt: skip
    """Send what the log has, from where the last run stopped. Each event at least once, in the log's order.

    `[[forward_targets]]` in the settings does the same for as long as the gateway runs.

    Events hold facts, never content. A crash between sending and noting sends up to 256 events again: `event.id` (ECS)
    and `metadata.uid` (OCSF) are the same then.
    """
    settings = settings_of(context)
    target = _target(format_, name, {"file": file, "hec": hec, "syslog": syslog, "otlp": otlp}, token_file, ca)
    cursor = cursor_of(settings, name)
    forwarder = Forwarder(published_log(settings).tiles, cursor, lambda: sink_of(target), FORMATS[format_])
    with alone(cursor):
        sent = _send(forwarder, follow)
    left = f", {forwarder.refused} of them refused there" if forwarder.refused else ""
    click.echo(f"{sent} events sent{left}; the log is at {forwarder.at}", err=True)


def _send(forwarder: Forwarder, follow: bool) -> int:
    """How many were sent. Raises SinkAway unless `follow`."""
    sent, pause = 0, PAUSE_SECONDS[0]
    while True:
        try:
            count = forwarder.step()
        except SinkAway as error:
            if not follow:
                raise
            click.echo(f"{error.message}; trying again in {pause:.0f} s", err=True)
            time.sleep(pause)
            pause = min(pause * 2, PAUSE_SECONDS[1])
            continue
        sent, pause = sent + count, PAUSE_SECONDS[0]
        if not count and not follow:
            return sent
        if not count:
            time.sleep(LOOK_SECONDS)


def _target(
    format_: Literal["ecs", "ocsf"], name: str, given: Mapping[str, Path | str | None], token_file: Path | None,
    ca: Path | None,
) -> ForwardTarget:  # fmt: skip
    chosen = [(kind, where) for kind, where in given.items() if where is not None]
    if len(chosen) != 1:
        raise WrongSink("say where to: one of --file, --hec, --syslog, --otlp")
    kind, where = chosen[0]
    place: dict[str, object] = {"path": Path(where).absolute()} if kind == "file" else {"url": where}
    if kind == "syslog":
        place = {"url": f"tls://{where}"}
    try:
        return ForwardTarget.model_validate(
            {"name": name, "kind": kind, "format": format_, "token_file": token_file, "ca": ca, **place}
        )
    except ValidationError as error:
        raise WrongSink(str(error.errors()[0]["msg"]).removeprefix("Value error, ")) from None
