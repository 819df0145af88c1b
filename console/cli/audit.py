"""`exeat audit sql|who-saw|verify|reconcile|export|report|offboarding|prune|legal-hold|remask|
rotate-key|migrate`."""

import dataclasses
import re
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from audit.log.keys import begin_change, changing, public_keys
from audit.read.export import export as write_package
from audit.read.questions import known, named
from audit.read.reader import QueryRefused, Question, plain
from audit.store.client import migrator_client
from audit.store.cluster import on_cluster, over_shards
from audit.store.migrate import applied, migrate, pending, shipped
from audit.verify import CannotVerify
from console.cli import forward, offboarding, reconcile, remask, report, retention
from console.cli.asking import json_option, narrowed, reader, settings_of, show_json, show_table
from console.verifying import published_log, told, verified
from console.words import clean
from runtime.clock import SystemClock
from runtime.errors import CallerError

FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)
_FORMAT = re.compile(r"\bFORMAT\s+\w+\s*;?\s*$", re.IGNORECASE)


class WrongParameter(CallerError):
    code = "wrong_parameter"


class NoToken(CallerError):
    code = "no_token"


@click.group()
def group() -> None:
    """Query, verify and migrate the evidence."""


@group.command()
@click.argument("query", required=False)
@click.option("--question", "name", default="", metavar="NAME", help="Ask a question that has a name.")
@click.option("--questions", "listing", is_flag=True, help="List the questions that have names.")
@click.option("--format", "output", default="", metavar="NAME", help="One of ClickHouse's formats, e.g. CSV, Parquet.")
@click.option(
    "--param", "parameters", multiple=True, metavar="NAME=VALUE", help="A value for {NAME:Type} in the query."
)
@json_option
@click.pass_context
def sql(
    context: click.Context,
    query: str | None,
    name: str,
    listing: bool,
    output: str,
    parameters: Sequence[str],
    as_json: bool,
) -> None:
    """Ask the evidence by SQL, as the auditor: SELECT and nothing else.

    QUERY `-`, or none, is read from standard input. Tables and views: events, frames, checkpoints; decisions,
    approvals, standings, maskings, exchanges, sessions, usage, usage_minutes.
    """
    if listing:
        _list_questions(as_json)
        return
    given = dict(map(_pair, parameters))
    most = named(name).most if name else None
    if name:
        question = named(name).bind(given, SystemClock().now_us())
    else:
        text = sys.stdin.read() if query in (None, "-") else query
        assert text is not None
        question = Question("audit.sql", text.strip().rstrip(";"), given)
    chosen = "JSONEachRow" if as_json else output or ("PrettyCompact" if sys.stdout.isatty() else "TSVWithNames")
    with reader(settings_of(context), all_shards=True) as asking:
        lines = _Lines(asking.raw(question, "" if _FORMAT.search(question.sql) else chosen))
        _write(_as_array(lines) if as_json else lines, pretty=chosen.startswith("Pretty"))
    if most is not None and lines.count - chosen.endswith("WithNames") >= most:
        click.echo(f"note: {name} stops at {most} rows; ask for less time to see the others", err=True)


class _Lines:
    """Blocks of bytes that count their lines as they pass."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks, self.count = blocks, 0

    def __iter__(self) -> Iterator[bytes]:
        for block in self._blocks:
            self.count += block.count(b"\n")
            yield block


def _list_questions(as_json: bool) -> None:
    if as_json:
        show_json([dataclasses.asdict(question) for question in known().values()])
        return
    for question in known().values():
        click.echo(f"{question.name:<22} {question.title}")
        for parameter in question.parameters:
            default = f" [{parameter.default}]" if parameter.default else ""
            click.echo(f"{'':<22}   --param {parameter.name}=…  {parameter.help}{default}")


@group.command("who-saw")
@click.argument("value")
@json_option
@click.pass_context
def who_saw(context: click.Context, value: str, as_json: bool) -> None:
    """Where VALUE (a card number, an account, an e-mail address) was found or masked; `-` reads it from standard input.

    The record holds no values, only their keyed tokens: VALUE is masked here, with this gateway's rules and key, and
    its tokens are looked for. A value that no rule knows has none.
    """
    from console.cli.tokens import Tokens, chunks_of_tokens  # masking rules: only who asks for tokens pays for them

    settings = settings_of(context)
    value = sys.stdin.read().strip() if value == "-" else value
    tokens = Tokens(settings)
    rules = tokens.known_as(value)
    if not rules:
        raise NoToken("no rule of the current policy knows this as a sensitive value, so the record has no token of it")
    now_us, rows = SystemClock().now_us(), list[dict[str, Any]]()
    with reader(settings) as asking:
        for chunk in chunks_of_tokens(asking, tokens, value, rules):
            rows += asking.ask(named("token-seen").bind({"tokens": ",".join(chunk)}, now_us))
    rows.sort(key=lambda row: row["ts"])
    if as_json:
        show_json({"rules": rules, "seen": rows})
    else:
        click.echo(f"known to the rules: {', '.join(rules)}\n")
        show_table(rows, ("ts", "agent", "subject", "connection", "seen", "place", "effect", "exchange"), "Not seen.")


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


@group.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--vkey", "vkeys", multiple=True, type=FILE, help="The log's verifier key, got by a way that you trust.")
@click.option("--witness", "witnesses", multiple=True, type=FILE, help="A checkpoint that was kept off this machine.")
@click.option("--beside", multiple=True, type=FOLDER, help="A package of a gateway that shares approvals.")
@json_option
@click.pass_context
def verify(
    context: click.Context,
    folder: Path | None,
    vkeys: Sequence[Path],
    witnesses: Sequence[Path],
    beside: Sequence[Path],
    as_json: bool,
) -> None:
    """Recompute every hash, chain, tree and signature; name the first record that is not what was signed.

    Without FOLDER: what stands in ClickHouse, against the log that this gateway published. With FOLDER: a package of
    `exeat audit export`, without any network. Exits 0 when the record is what was signed, 1 when it is not, 2 when
    that could not be found out.
    """
    try:
        result = verified(None if folder else settings_of(context), folder, vkeys, witnesses, beside)
    except CannotVerify as error:
        click.echo(error.diagnostics(), err=True)
        context.exit(2)
    if as_json:
        show_json(result.as_dict())
    else:
        for line in told(result):
            click.echo(clean(line))
    context.exit(0 if result.ok else 1)


@group.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--session", default="", help="Only this session.")
@click.option("--subject", default="", help="Only this subject of a token.")
@click.option("--agent", default="", help="Only this agent.")
@click.option("--connection", default="", help="Only this connection.")
@click.option("--since", metavar="WHEN", help="From then on: 90m, 2d, 2026-11-20, 2026-11-20T12:00.")
@click.option("--until", metavar="WHEN", help="Before then.")
@json_option
@click.pass_context
def export(
    context: click.Context, /, folder: Path, since: str | None, until: str | None, as_json: bool, **fields: str
) -> None:
    """Write the evidence into a new FOLDER that verifies by itself: everything, or a selection with its proof."""
    settings = settings_of(context)
    with reader(settings) as asking:
        which = narrowed(since, until, **fields)
        package = write_package(
            asking, folder, settings.gateway.id, published_log(settings), which, lambda: time.sleep(0.2)
        )
    if package.missing > 0 and package.scope == "all":
        click.echo(f"note: {package.missing} signed entries are not in ClickHouse; verify will name them", err=True)
    if as_json:
        show_json({"folder": str(folder), "scope": package.scope, "events": package.events, "frames": package.frames})
    else:
        click.echo(
            f"{folder}: {package.events} events, {package.frames} frames; `exeat audit verify {folder}` checks it"
        )


@group.command("rotate-key")
@json_option
@click.pass_context
def rotate_key(context: click.Context, as_json: bool) -> None:
    """Change the key that signs the log. The old key signs that the new one takes its place, then it is destroyed.

    Give the new verifier key (keys/log.vkey, first line) to whoever verifies; the file keeps the old ones, too.
    """
    gateway = settings_of(context).gateway
    coming = begin_change(gateway.state_dir, gateway.id)
    deadline = time.monotonic() + 30
    while (done := public_keys(gateway.state_dir)[:1] == [coming.vkey()] and not changing(gateway.state_dir)) is False:
        if time.monotonic() > deadline:
            break
        time.sleep(0.1)
    if as_json:
        show_json({"vkey": coming.vkey(), "done": done})
    elif done:
        click.echo(f"the log is signed by {coming.vkey()}")
    else:
        click.echo("the next key is made; the shipper takes it up as soon as it runs", err=True)


group.add_command(report.command, "report")
group.add_command(reconcile.command, "reconcile")
group.add_command(retention.prune, "prune")
group.add_command(retention.group, "legal-hold")
group.add_command(remask.command, "remask")
group.add_command(forward.command, "forward")
group.add_command(offboarding.command, "offboarding")


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
        cluster, whole = settings.clickhouse.cluster, settings.clickhouse.all_shards
        run = on_cluster(_runner(client), cluster)
        done = migrate(run, database) if _todo(run, database) else []
        for statement in over_shards(shipped(), database, whole, cluster) if whole else ():
            run(statement)
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
