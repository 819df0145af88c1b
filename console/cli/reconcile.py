"""`exeat audit reconcile`: Envoy's access log against the decisions."""

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click
from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

from audit.read import access_log
from audit.read.instants import as_sql, instant
from audit.read.reader import Question, Reader
from audit.read.reconcile import OPEN_US, Decided, Found, Outcome, Reconciler, Start, Sum
from audit.write import Draft, Kind, Value
from console.cli.asking import clean, json_option, reader, settings_of, show_json
from console.cli.recording import Recorder, person
from runtime.clock import SystemClock
from runtime.errors import CallerError
from runtime.settings import Settings

LOG = "access.log"
CHUNK = 500  # exchange ids per question
SAME_START_US = 2_500_000

DECISIONS = """
SELECT exchange, toUnixTimestamp64Micro(ts) AS ts_us, effect,
    JSONExtractString(body, 'data', 'request_id') AS request_id
FROM events
WHERE kind = 'decision' AND exchange != '' AND gateway = {gateway:String}
    AND ts >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
"""
ENDS = """
SELECT exchange, toUnixTimestamp64Micro(max(ts)) AS ts_us FROM events
WHERE type = 'exchange.end' AND gateway = {gateway:String} AND ts >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
GROUP BY exchange
"""
GRANTED = """
SELECT DISTINCT exchange FROM events
WHERE type = 'approval.used' AND gateway = {gateway:String} AND ts >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
"""
SUMS = """
SELECT connection, JSONExtractUInt(body, 'data', 'status') AS status, JSONExtractUInt(body, 'data', 'count') AS count,
    JSONExtractUInt(body, 'data', 'first_us') AS first_us, JSONExtractUInt(body, 'data', 'last_us') AS last_us
FROM events
WHERE kind = 'decision' AND exchange = '' AND gateway = {gateway:String}
    AND ts >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
"""
STARTS = """
SELECT JSONExtractUInt(body, 'data', 'started_us') AS started_us, JSONExtractUInt(body, 'data', 'seen_us') AS seen_us
FROM events
WHERE type = 'envoy.started' AND gateway = {gateway:String} AND ts >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
ORDER BY ts
"""
NAMED = """
SELECT exchange, toUnixTimestamp64Micro(ts) AS ts_us, effect,
    JSONExtractString(body, 'data', 'request_id') AS request_id
FROM events
WHERE kind = 'decision' AND gateway = {gateway:String} AND exchange IN {exchanges:Array(String)}
"""


class NoAccessLog(CallerError):
    code = "no_access_log"


@click.command()
@click.option("--log", "log", type=click.Path(path_type=Path, dir_okay=False), help="Envoy's access log [run_dir].")
@click.option("--since", metavar="WHEN", help="From then on the log is claimed to be whole [its first line].")
@click.option(
    "--metrics", type=click.Path(path_type=Path, dir_okay=False), help="Also write a textfile for Prometheus."
)
@json_option
@click.pass_context
def command(context: click.Context, log: Path | None, since: str | None, metrics: Path | None, as_json: bool) -> None:
    """Compare Envoy's access log with the decisions: two witnesses of the same traffic.

    A line without a decision is a breach. A decision without a line is explained if Envoy was restarted just then.
    Rotated files beside the log (access.log.1, also gzipped) are read, too. Exits 0 when both agree, 1 when not.
    """
    settings = settings_of(context)
    path = log or settings.gateway.run_dir / LOG
    files = access_log.files(path)
    if not files:
        raise NoAccessLog(f"{path}: no access log of Envoy is there")
    now_us = SystemClock().now_us()
    lines = _lines(files)
    first_us = min((line.start_us for line in lines if isinstance(line, access_log.Line)), default=now_us)
    from_us = instant(since, now_us) if since else first_us
    with reader(settings) as asking:
        outcome = _compare(asking, settings, lines, now_us, from_us)
    _note(settings, outcome, files)
    if metrics:
        _write_metrics(metrics, outcome)
    if as_json:
        show_json(_as_dict(outcome, from_us))
    else:
        _tell(outcome, files, from_us)
    context.exit(0 if outcome.ok else 1)


def _lines(files: Iterable[Path]) -> list[access_log.Line | access_log.Torn]:
    try:
        return [line for file in files for line in access_log.read(file)]
    except OSError as error:
        raise NoAccessLog(f"{error.filename}: {error.strerror}") from None


def _compare(
    asking: Reader,
    settings: Settings,
    lines: Iterable[access_log.Line | access_log.Torn],
    now_us: int,
    from_us: int,
) -> Outcome:
    found = Reconciler(now_us, from_us)
    for line in lines:
        found.line(line)
    given = {"gateway": settings.gateway.id, "since": from_us - OPEN_US}

    def ask(sql: str, **more: Any) -> list[dict[str, Any]]:
        return asking.ask(Question("audit.reconcile", sql, {**given, **more}))

    ends = {row["exchange"]: int(row["ts_us"]) for row in ask(ENDS)}
    for row in ask(DECISIONS):
        found.decided(_decided(row, ends))
    unknown = found.unknown()
    for at in range(0, len(unknown), CHUNK):
        for row in ask(NAMED, exchanges=unknown[at : at + CHUNK]):
            found.decided(_decided(row, ends))
    found.granted(row["exchange"] for row in ask(GRANTED))
    found.summed(Sum(row["connection"], row["status"], row["first_us"], row["last_us"], row["count"])
                 for row in ask(SUMS))  # fmt: skip
    found.envoy(_starts(ask(STARTS)))
    return found.finish()


def _decided(row: dict[str, Any], ends: dict[str, int]) -> Decided:
    return Decided(row["exchange"], int(row["ts_us"]), row["effect"], row["request_id"], ends.get(row["exchange"], 0))


def _starts(rows: Iterable[dict[str, Any]]) -> list[Start]:
    """A shipper that begins tells of the Envoy that it finds; that is no start of Envoy."""
    starts: list[Start] = []
    for row in rows:
        if not any(abs(start.started_us - row["started_us"]) < SAME_START_US for start in starts):
            starts.append(Start(row["started_us"], row["seen_us"]))
    return starts


def _note(settings: Settings, outcome: Outcome, files: Sequence[Path]) -> None:
    """The result is evidence, too: who compared, what agreed, and every breach."""
    breaches = [found for found in outcome.findings if found.breach]
    data: dict[str, Value] = {
        "lines": outcome.lines,
        "matched": outcome.matched,
        "findings": len(outcome.findings),
        "breaches": outcome.breaches,
        "explained": outcome.explained,
        # of a forged line nothing is repeated but its place
        "first_breaches": [f"{found.where}: {found.what}" for found in breaches[:50]],
        "files": [file.name for file in files],
    }
    Recorder(settings).record(Draft(Kind.READ, "read.reconciled", caller=person(), data=data))


def _write_metrics(file: Path, outcome: Outcome) -> None:
    """For the textfile collector of the node exporter: a comparison that runs from cron has no socket of its own."""
    registry = CollectorRegistry()
    for name, what, value in (
        ("breaches", "Lines of Envoy's access log that no decision covers.", outcome.breaches),
        ("findings", "Differences between the log and the decisions, breaches included.", len(outcome.findings)),
        ("lines", "Lines that were compared.", outcome.lines),
    ):
        Gauge(f"exeat_reconcile_{name}", what, registry=registry).set(value)
    ran = Gauge("exeat_reconcile_timestamp_seconds", "When log and decisions were last compared.", registry=registry)
    ran.set_to_current_time()
    write_to_textfile(str(file), registry)


def _tell(outcome: Outcome, files: Sequence[Path], from_us: int) -> None:
    verdict = "OK" if outcome.ok else f"FAILED, {outcome.breaches} breaches, {len(outcome.findings)} findings"
    names = ", ".join(file.name for file in files)
    click.echo(f"{verdict}: {outcome.lines} lines ({names}), {outcome.matched} with their decision")
    for found in outcome.findings:
        click.echo(clean(_sentence(found)))
    click.echo(f"note: the log begins at {as_sql(from_us)[:19]} UTC; older decisions were not compared")
    for count, text in (
        (sum(outcome.turned_away.values()), f"turned away by Envoy before any question ({_counted(outcome)})"),
        (outcome.summed, "refusals of strangers, recorded as sums"),
        (outcome.explained, f"decisions whose line was lost when Envoy was restarted ({len(outcome.gaps)} starts)"),
        (outcome.left, "decisions whose caller left before the answer"),
        (outcome.open, "decisions whose exchange goes on"),
        (outcome.fresh, "lines too young to be in the record for sure"),
    ):
        if count:
            click.echo(f"note: {count} {text}")


def _sentence(found: Found) -> str:
    place = ", ".join(filter(None, (found.exchange, found.where)))
    return f"{'BREACH' if found.breach else 'DIFFERENCE'}: {place}{': ' if place else ''}{found.what}"


def _counted(outcome: Outcome) -> str:
    return ", ".join(f"{count} {why}" for why, count in sorted(outcome.turned_away.items()))


def _as_dict(outcome: Outcome, from_us: int) -> dict[str, Any]:
    fields = dataclasses.asdict(outcome)
    return {"ok": outcome.ok, "breaches": outcome.breaches, "since_us": from_us, **fields}
