"""What the commands that read the evidence share: a reader from the settings, times from words, rows as a table."""

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from audit.read.decisions import Filter
from audit.read.instants import instant
from audit.read.reader import Reader, plain
from audit.store.client import auditor_client
from console.recording import Recorder
from console.words import cell
from runtime.clock import SystemClock
from runtime.settings import Settings, load

Command = TypeVar("Command", bound=Callable[..., Any])


@contextlib.contextmanager
def reader(settings: Settings, *, all_shards: bool = False) -> Iterator[Reader]:
    """Asks as the auditor; every read is recorded before it happens. `all_shards`: also what other gateways of the
    cluster wrote, where the settings name a database for that. Raises StoreDown."""
    client = auditor_client(settings, settings.clickhouse.all_shards or None if all_shards else None)
    try:
        yield Reader(client, Recorder(settings).read)
    finally:
        client.close()


def settings_of(context: click.Context) -> Settings:
    """The settings that the top command was given with `--config`."""
    root = context.find_root().obj
    return load(root if isinstance(root, Path) else None)


def narrowing(command: Command) -> Command:
    """The options that lists have in common; `narrowed` turns them into a Filter."""
    options = [
        click.option("--since", metavar="WHEN", help="From then on: 90m, 2d, 2026-11-20, 2026-11-20T12:00."),
        click.option("--until", metavar="WHEN", help="Before then."),
        click.option("--subject", default="", help="Only this subject of a token."),
        click.option("--agent", default="", help="Only this agent."),
        click.option("--connection", default="", help="Only this connection."),
        click.option(
            "--limit", default=50, type=click.IntRange(1, 100_000), show_default=True, help="At most so many."
        ),
        json_option,
    ]
    for option in reversed(options):
        command = option(command)
    return command


json_option: Callable[[Any], Any] = click.option("--json", "as_json", is_flag=True, help="JSON instead of text.")


def narrowed(since: str | None, until: str | None, **fields: str) -> Filter:
    now_us = SystemClock().now_us()
    start, end = (instant(text, now_us) if text is not None else None for text in (since, until))
    return Filter(since_us=start, until_us=end, **fields)


def show_json(value: Any) -> None:
    click.echo(json.dumps(plain(value), ensure_ascii=False, indent=2))


def show_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], nothing: str) -> None:
    """Left-aligned columns, each as wide as its widest cell; the last one is never padded."""
    if not rows:
        click.echo(nothing)
        return
    cells = [[cell(row[column]) for column in columns] for row in rows]
    widths = [max(len(line[place]) for line in [list(columns), *cells]) for place in range(len(columns))]
    for line in [[column.upper() for column in columns], *cells]:
        padded = [text.ljust(width) for text, width in zip(line, widths, strict=True)]
        click.echo("  ".join(padded).rstrip())
