"""`exeat audit sql|migrate`."""

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import click

from audit.read.reader import QueryRefused, Question, plain
from audit.store.client import migrator_client
from audit.store.migrate import applied, migrate, pending, shipped
from console.cli.asking import clean, json_option, reader, settings_of, show_json
from runtime.errors import CallerError

_FORMAT = re.compile(r"\bFORMAT\s+\w+\s*;?\s*$", re.IGNORECASE)


class WrongParameter(CallerError):
    code = "wrong_parameter"


@click.group()
def group() -> None:
    """Query, verify and migrate the evidence."""


@group.command()
@click.argument("query", required=False)
@click.option("--format", "output", default="", metavar="NAME", help="One of ClickHouse's formats, e.g. CSV, Parquet.")
@click.option(
    "--param", "parameters", multiple=True, metavar="NAME=VALUE", help="A value for {NAME:Type} in the query."
)
@json_option
@click.pass_context
def sql(context: click.Context, query: str | None, output: str, parameters: Sequence[str], as_json: bool) -> None:
    """Ask the evidence by SQL, as the auditor: SELECT and nothing else.

    QUERY `-`, or none, is read from standard input. Tables and views: events, frames, checkpoints; decisions,
    approvals, maskings, exchanges, sessions, usage.
    """
    text = sys.stdin.read() if query in (None, "-") else query
    assert text is not None
    question = Question("audit.sql", text.strip().rstrip(";"), dict(map(_pair, parameters)))
    chosen = "JSONEachRow" if as_json else output or ("PrettyCompact" if sys.stdout.isatty() else "TSVWithNames")
    with reader(settings_of(context)) as asking:
        blocks = asking.raw(question, "" if _FORMAT.search(question.sql) else chosen)
        _write(_as_array(blocks) if as_json else blocks, pretty=chosen.startswith("Pretty"))


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name.isidentifier():
        raise WrongParameter(f"--param takes NAME=VALUE, not {text!r}")
    return name, value


def _as_array(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Rows, one JSON object a line, as one JSON array."""
    pending_line, separator = b"", b"[\n"
    for block in blocks:
        *lines, pending_line = (pending_line + block).split(b"\n")
        for line in lines:
            yield separator + b"  " + line
            separator = b",\n"
    yield b"[]\n" if separator == b"[\n" else b"\n]\n"


def _write(blocks: Iterable[bytes], *, pretty: bool) -> None:
    """Bytes as they come; for a terminal without the escape sequences that recorded text may hold."""
    output = sys.stdout.buffer
    for block in blocks:
        output.write(clean(block.decode("utf-8", "replace")).encode() if pretty else block)
    output.flush()


@group.command("migrate")
@json_option
@click.pass_context
def migrate_(context: click.Context, as_json: bool) -> None:
    """Bring the database of clickhouse.url to this version's schema, as the migrator.

    The embedded store does so by itself when it starts; for a server, deploy/clickhouse/ makes the accounts first.
    """
    settings = settings_of(context)
    database = settings.clickhouse.database
    client = migrator_client(settings)
    try:
        run = _runner(client)
        done = migrate(run, database) if _todo(run, database) else []
    finally:
        client.close()
    names = [f"{migration.version:03}_{migration.name}" for migration in done]
    if as_json:
        show_json({"database": database, "applied": names, "version": shipped()[-1].version})
    else:
        version = shipped()[-1].version
        click.echo(f"{database}: {'applied ' + ', '.join(names) if names else 'nothing to do'}; schema {version:03}")


def _todo(run: Any, database: str) -> bool:
    try:
        return bool(pending(shipped(), applied(run, database)))
    except QueryRefused:
        return True  # no database, or no table of migrations: everything is still to do


def _runner(client: Any) -> Any:
    """`run(sql) -> rows` over clickhouse-connect. Raises QueryRefused with ClickHouse's words."""
    from clickhouse_connect.driver.exceptions import ClickHouseError

    def run(statement: str) -> list[list[Any]]:
        try:
            if statement.startswith("SELECT"):
                return [list(map(plain, row)) for row in client.query(statement).result_rows]
            client.command(statement)
        except ClickHouseError as error:
            raise QueryRefused(str(error).partition("DB::Exception: ")[2] or str(error)) from None
        return []

    return run
