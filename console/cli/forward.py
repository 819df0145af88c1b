"""`exeat audit forward`: the signed log to a SIEM, as ECS or OCSF, at least once."""

import time
from pathlib import Path

import click

from audit.log.forward import FileSink, Forwarder, HecSink, Sink, SinkAway
from audit.read.siem import FORMATS
from console.cli.asking import settings_of
from console.verifying import published_log
from runtime.errors import CallerError

FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
LOOK_SECONDS = 1.0
PAUSE_SECONDS = (1.0, 60.0)  # first and longest while the sink is away


class WrongSink(CallerError):
    code = "wrong_sink"


@click.command("forward")
@click.option("--format", "format_", type=click.Choice(sorted(FORMATS)), default="ecs", show_default=True)
@click.option("--file", "file", type=click.Path(path_type=Path, dir_okay=False), help="Append JSON Lines to this file.")
@click.option("--hec", "hec", metavar="URL", help="Send to an HTTP event collector (Splunk's form).")
@click.option(
    "--token-file", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="The collector's token."
)
@click.option("--name", default="siem", show_default=True, help="Whose cursor: each target has one of its own.")
@click.option("--follow", is_flag=True, help="Go on until stopped, and wait for a target that is away.")
@click.pass_context
def command(
    context: click.Context, format_: str, file: Path | None, hec: str | None, token_file: Path | None, name: str,
    follow: bool,
) -> None:  # fmt: skip
    """Send what the log has, from where the last run stopped. Each event at least once, in the log's order.

    Events hold facts, never content. A crash between sending and noting sends up to 256 events again: `event.id` (ECS)
    and `metadata.uid` (OCSF) are the same then.
    """
    settings = settings_of(context)
    if not name.isidentifier():
        raise WrongSink("--name takes letters, digits and underscores")
    cursor = settings.gateway.state_dir / "log" / f"forward-{name}"
    forwarder = Forwarder(published_log(settings).tiles, cursor, _sink(file, hec, token_file), FORMATS[format_])
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
            break
        if not count:
            time.sleep(LOOK_SECONDS)
    click.echo(f"{sent} events sent; the log is at {forwarder.at}", err=True)


def _sink(file: Path | None, hec: str | None, token_file: Path | None) -> Sink:
    if (file is None) == (hec is None):
        raise WrongSink("say where to: --file or --hec")
    if file is not None:
        return FileSink(file)
    assert hec is not None
    if token_file is None or not hec.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
        raise WrongSink("--hec takes an https URL (http on this machine only) and needs --token-file")
    return HecSink(hec, token_file.read_text("utf-8").strip())
