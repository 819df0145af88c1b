"""`exeat audit reconcile`: Envoy's access log against the decisions."""

import dataclasses
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import click
from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

from audit.read import access_log
from audit.read.instants import as_sql, instant
from audit.read.parts import Parts, parts_for
from audit.read.reader import Question, Reader
from audit.read.reconcile import OPEN_US, Decided, Found, Outcome, Reconciler, Start, Sum, gone
from audit.write import Draft, Kind, Value
from console.cli.asking import json_option, reader, settings_of, show_json
from console.recording import Recorder, person
from console.words import clean
from runtime.clock import SystemClock
from runtime.errors import CallerError
from runtime.settings import Settings

LOG = "access.log"
RENAMED = 3  # how often the log may be put aside while it is read
REMOVAL_TRIES, REMOVAL_SECONDS = 6, 1.0  # longer than an event needs into the store
CHUNK = 500  # exchange ids per question
SAME_START_US = 2_500_000

DECISIONS = """
SELECT exchange, toUnixTimestamp64Micro(ts) AS ts_us, effect,
    JSONExtractString(body, 'data', 'request_id') AS request_id
FROM events
WHERE kind = 'decision' AND exchange != '' AND gateway = {gateway:String}
    AND ts >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
    AND CRC32(exchange) % {parts:UInt32} = {part:UInt32}
"""
ENDS = """
SELECT exchange, toUnixTimestamp64Micro(max(ts)) AS ts_us FROM events
WHERE type = 'exchange.end' AND gateway = {gateway:String} AND ts >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
    AND CRC32(exchange) % {parts:UInt32} = {part:UInt32}
GROUP BY exchange
"""
GRANTED = """
SELECT DISTINCT exchange FROM events
WHERE type = 'approval.used' AND gateway = {gateway:String} AND ts >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
    AND CRC32(exchange) % {parts:UInt32} = {part:UInt32}
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
ASIDE = """
SELECT JSONExtractString(body, 'data', 'file') AS name, JSONExtractString(body, 'data', 'sha256') AS sha256,
    toUnixTimestamp64Micro(ts) AS ts_us
FROM events WHERE type = 'envoy.log_rotated' AND gateway = {gateway:String} ORDER BY log_index
"""
REMOVED = """
SELECT JSONExtractString(body, 'data', 'file') AS name
FROM events WHERE type = 'envoy.log_removed' AND gateway = {gateway:String}
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
    now_us = SystemClock().now_us()
    with reader(settings) as asking:
        files, from_us, outcome = _read_whole(path, lambda files: _compared(asking, settings, files, since, now_us))
    _note(settings, outcome, files)
    if metrics:
        _write_metrics(metrics, outcome)
    if as_json:
        show_json(_as_dict(outcome, from_us))
    else:
        _tell(outcome, files, from_us)
    context.exit(0 if outcome.ok else 1)


def _read_whole(
    path: Path, compare: Callable[[Sequence[Path]], tuple[int, Outcome]]
) -> tuple[Sequence[Path], int, Outcome]:
    """A log that is put aside meanwhile has another name then: once more."""
    for left in reversed(range(RENAMED)):
        files = access_log.files(path)
        if not files:
            raise NoAccessLog(f"{path}: no access log of Envoy is there")
        try:
            return files, *compare(files)
        except OSError as error:
            if not (left and isinstance(error, FileNotFoundError)):
                raise NoAccessLog(f"{error.filename}: {error.strerror}") from None
    raise AssertionError


def _compared(
    asking: Reader, settings: Settings, files: Sequence[Path], since: str | None, now_us: int
) -> tuple[int, Outcome]:
    asked = instant(since, now_us) if since else 0
    from_us = asked or access_log.begins_us(files) or now_us

    def compare(starts: Sequence[Start], sums: Sequence[Sum]) -> Reconciler:
        return Reconciler(now_us, from_us, starts, sums, asked)

    return from_us, _compare(asking, settings.gateway.id, files, from_us, compare)


def _compare(
    asking: Reader,
    gateway: str,
    files: Sequence[Path],
    from_us: int,
    begin: Callable[[Sequence[Start], Sequence[Sum]], Reconciler],
) -> Outcome:
    """Lines are read twice: once for what holds for all of them, then part by part."""
    given = {"gateway": gateway, "since": from_us - OPEN_US}

    def ask(sql: str, **more: Any) -> list[dict[str, Any]]:
        return asking.ask(Question("audit.reconcile", sql, {**given, **more}))

    sums = [Sum(row["connection"], row["status"], row["first_us"], row["last_us"], row["count"]) for row in ask(SUMS)]
    found = begin(_starts(ask(STARTS)), sums)
    _compare_aside(found, files, ask)
    with tempfile.TemporaryDirectory(prefix="exeat-") as folder, Parts(Path(folder), parts_for(files)) as parts:
        for line in (line for file in files for line in access_log.read(file)):
            if found.line(line) and isinstance(line, access_log.Line):
                parts.keep(line)
        for number in range(parts.count):
            _compare_part(found, parts, number, ask)
    return found.finish()


def _compare_aside(found: Reconciler, files: Sequence[Path], ask: Callable[..., list[dict[str, Any]]]) -> None:
    """Files that were put aside: as they were then, and there unless the shipper removed them."""
    rows = ask(ASIDE)
    recorded = {row["name"]: row["sha256"] for row in rows}
    here = {file: file.name.removesuffix(".gz") for file in files}
    for file, name in here.items():
        if name in recorded and access_log.digest(file) != recorded[name]:
            found.altered(file.name)
    absent = {row["name"] for row in rows if row["ts_us"] >= found.lines_from} - set(here.values())
    there: set[str] | None = None
    missing: set[str] = set()
    for left in reversed(range(REMOVAL_TRIES)):
        removed = {row["name"] for row in ask(REMOVED)} if absent else set()
        if absent <= removed:
            return
        if there is None:
            there = {recorded[name] if name in recorded else access_log.digest(file) for file, name in here.items()}
        missing = absent & set(gone(recorded, removed, there))
        if not missing:
            return
        if left:  # what the shipper said of it may be on its way into the store
            time.sleep(REMOVAL_SECONDS)
    for name in sorted(missing):
        found.missing(name)


def _compare_part(found: Reconciler, parts: Parts, number: int, ask: Callable[..., list[dict[str, Any]]]) -> None:
    part, which = found.part(), {"parts": parts.count, "part": number}
    for line in parts.lines(number):
        part.line(line)
    ends = {row["exchange"]: int(row["ts_us"]) for row in ask(ENDS, **which)}
    for row in ask(DECISIONS, **which):
        part.decided(_decided(row, ends))
    unknown = part.unknown()
    for at in range(0, len(unknown), CHUNK):
        for row in ask(NAMED, exchanges=unknown[at : at + CHUNK]):
            part.decided(_decided(row, ends))
    part.granted(row["exchange"] for row in ask(GRANTED, **which))
    part.close(parts.nameless())


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
        "findings": outcome.total,
        "breaches": outcome.breaches,
        "explained": outcome.explained,
        # of a forged line nothing is repeated but its place
        "first_breaches": [f"{found.where}: {found.what}" for found in breaches[:50]],
        "files": [file.name for file in files],
    }
    Recorder(settings).record(Draft(Kind.READ, "read.reconciled", caller=person(), data=data))


def _write_metrics(file: Path, outcome: Outcome) -> None:
    """A comparison from a timer has no socket of its own: `*.prom` in run_dir is shown at `metrics.listen`."""
    registry = CollectorRegistry()
    for name, what, value in (
        ("breaches", "Lines of Envoy's access log that no decision covers.", outcome.breaches),
        ("findings", "Differences between the log and the decisions, breaches included.", outcome.total),
        ("lines", "Lines that were compared.", outcome.lines),
    ):
        Gauge(f"exeat_reconcile_{name}", what, registry=registry).set(value)
    ran = Gauge("exeat_reconcile_timestamp_seconds", "When log and decisions were last compared.", registry=registry)
    ran.set_to_current_time()
    write_to_textfile(str(file), registry)


def _tell(outcome: Outcome, files: Sequence[Path], from_us: int) -> None:
    verdict = "OK" if outcome.ok else f"FAILED, {outcome.breaches} breaches, {outcome.total} findings"
    names = ", ".join(file.name for file in files)
    click.echo(f"{verdict}: {outcome.lines} lines ({names}), {outcome.matched} with their decision")
    for found in outcome.findings:
        click.echo(clean(_sentence(found)))
    if outcome.total > len(outcome.findings):
        click.echo(f"note: the other {outcome.total - len(outcome.findings)} findings are not listed")
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
    return {"ok": outcome.ok, "since_us": from_us, **fields}
