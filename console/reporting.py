"""The report of `exeat audit report`: one folder for an examiner, which proves itself and is itself named in the log.

report.html            to read
events.jsonl …         the evidence, as `exeat audit export` writes it, with the signed log and its key
data/                  decisions, approvals, maskings, exchanges as Parquet and CSV
controls/              each control's SQL, its values, its rows
policies/              the policy text of every snapshot that decided
verifier/              the verifier, to run with Python and the package `cryptography` alone
SHA256SUMS             of all these; its own hash is in an event of the log
named-by.json          that event, its place in the log, and a signed tree head over it
"""

import hashlib
import json
import re
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

import audit.verify
import runtime.errors
from audit.read.decisions import Filter
from audit.read.export import Package
from audit.read.export import export as write_package
from audit.read.frameworks import framework
from audit.read.instants import as_sql
from audit.read.reader import Question, Reader
from audit.read.report import TABLES, Asker, Report, Result, gather, page
from audit.write import Draft, Kind, Value
from console.recording import Recorder
from console.verifying import published_log, told
from console.words import cell
from runtime.clock import SystemClock
from runtime.settings import Settings

SUMS, NAMED_BY = "SHA256SUMS", "named-by.json"
PATIENCE_SECONDS = 15.0  # for the shipper to sign and store the event that names the package

README = """This folder is evidence of the gateway {gateway}, made by `exeat audit report`.

report.html is to be read. Everything else is for checking it.

1. Nothing was changed since the folder was made:        sha256sum --check --quiet SHA256SUMS
2. The rows are what the gateway signed:                 cd verifier && python3 -m audit.verify package ..
   It needs Python 3.11 and the package `cryptography`, no network and nothing else of Exeat. Give it the log's key
   as you got it from the gateway's owner: --vkey FILE; and checkpoints that were kept elsewhere: --witness FILE. If
   there is a folder witnesses, a stranger signed them, too: --witness ../witnesses --cosigner FILE, with their key;
   entries that came after the last one that they signed are a finding, but for the newest N with --uncosigned N.
3. The folder is the one that was made: named-by.json holds the event that recorded the SHA-256 of SHA256SUMS, its
   place in the log, and a signed tree head over it. The next folder of this gateway holds that event among its rows.

{scope}
"""


@dataclass(frozen=True, slots=True)
class Making:
    """What all steps need."""

    settings: Settings
    reader: Reader
    folder: Path
    which: Filter
    scope: Mapping[str, str]
    package: Package
    recorder: Recorder


@dataclass(frozen=True, slots=True)
class Made:
    """`sha256`: of SHA256SUMS; `named`: whether the log holds it."""

    report: Report
    package: Package
    sha256: str
    named: bool


def make(settings: Settings, asking: Reader, folder: Path, name: str, which: Filter, recorder: Recorder) -> Made:
    """Writes everything into the new `folder`. Raises CannotExport, StoreSilent, NotRecorded."""
    package = write_package(asking, folder, settings.gateway.id, published_log(settings), which, _moment)
    making = Making(settings, asking, folder, which, _scope(which, package), package, recorder)
    report = _written(making, name)
    digest = _sums(folder)
    return Made(report, package, digest, _named(making, name, digest))


def _scope(which: Filter, package: Package) -> dict[str, str]:
    scope = {"from": as_sql(which.since_us or 0)[:16] + " UTC", "to": as_sql(which.until_us or 0)[:16] + " UTC"}
    scope |= {name: value for name in ("subject", "agent", "connection") if (value := getattr(which, name))}
    return scope | {"events": str(package.events), "frames": str(package.frames), "log entries": str(package.size)}


def _written(making: Making, name: str) -> Report:
    settings, folder = making.settings, making.folder
    asker = Asker(making.reader, making.which, settings.clickhouse.database, SystemClock().now_us())
    report = Report(framework(name), settings.gateway.id, making.scope)
    gather(asker, report, lambda digest: _policy(settings, folder, digest))
    report.verification = told(audit.verify.verify_package(folder))
    _tables(making.reader, asker, folder / "data")
    for result in report.results:
        _control(result, folder / "controls")
    _verifier(folder / "verifier")
    scope = "\n".join(f"{key}: {value}" for key, value in making.scope.items())
    (folder / "README.txt").write_text(README.format(gateway=settings.gateway.id, scope=scope), "utf-8")
    (folder / "report.html").write_text(page(report, cell), "utf-8")
    return report


def _policy(settings: Settings, folder: Path, digest: str) -> bool:
    """Copies the snapshot's text; False when it is not in the state folder any more."""
    name = digest.removeprefix("sha256:")
    source = settings.gateway.state_dir / "snapshots" / name / "source"
    if not re.fullmatch(r"[0-9a-f]{64}", name) or not source.is_dir():
        return False
    shutil.copytree(source, folder / "policies" / name)
    return True


def _tables(asking: Reader, asker: Asker, folder: Path) -> None:
    folder.mkdir()
    for table in TABLES:
        for output, suffix in (("Parquet", "parquet"), ("CSVWithNames", "csv")):
            with (folder / f"{table}.{suffix}").open("wb") as file:
                for block in asking.raw(asker.table(table), output):
                    file.write(block)


def _control(result: Result, folder: Path) -> None:
    """The SQL with its values, and every row that it gave."""
    folder.mkdir(exist_ok=True)
    stem = re.sub(r"[^A-Za-z0-9.]+", "-", result.control.id).strip("-")
    head = f"-- {result.control.id} {result.control.title}: {result.control.shows}\n"
    values = "".join(f"-- {name} = {value}\n" for name, value in result.asked.parameters.items())
    (folder / f"{stem}.sql").write_text(f"{head}{values}\n{result.asked.sql}\n", "utf-8")
    lines = [json.dumps({name: cell(value) for name, value in row.items()}, ensure_ascii=False) for row in result.rows]
    (folder / f"{stem}.jsonl").write_text("".join(f"{line}\n" for line in lines), "utf-8")


def _verifier(folder: Path) -> None:
    """Our own source of the verifier, which imports nothing of ours but the base of errors."""
    for package, files in (
        ("audit/verify", Path(audit.verify.__file__).parent.glob("*.py")),
        ("runtime", [Path(runtime.errors.__file__)]),
    ):
        target = folder / package
        target.mkdir(parents=True)
        for file in files:
            shutil.copyfile(file, target / file.name)
    for package in ("audit", "runtime"):
        (folder / package / "__init__.py").write_text("")


def _sums(folder: Path) -> str:
    """Writes SHA256SUMS as sha256sum(1) reads it; returns its own SHA-256."""
    lines = []
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        with file.open("rb") as content:
            lines.append(f"{hashlib.file_digest(content, 'sha256').hexdigest()}  {file.relative_to(folder)}\n")
    text = "".join(lines).encode()
    (folder / SUMS).write_bytes(text)
    return hashlib.sha256(text).hexdigest()


def _named(making: Making, name: str, digest: str) -> bool:
    """Records the package in the log; writes the event and a tree head over it when both have come. False: no spool."""
    if not (making.settings.gateway.state_dir / "spool").exists():
        return False
    data: dict[str, Value] = {"framework": name, "sums_sha256": digest, "events": making.package.events}
    data["scope"] = dict(making.scope)
    making.recorder.record(Draft(Kind.READ, "read.report", caller=making.recorder.caller, data=data))
    found = _patiently(lambda: _naming(making.reader, digest))
    (making.folder / NAMED_BY).write_text(json.dumps(found or {"event": None, "sums_sha256": digest}, indent=2) + "\n")
    if found is None:
        click.echo("note: the log has recorded the package, but the shipper has not signed it yet", err=True)
    return True


def _naming(asking: Reader, digest: str) -> dict[str, Any] | None:
    """The event that names the package, with a signed tree head over it; None while it is on its way."""
    sql = (
        "SELECT e.log_index AS log_index, e.writer AS writer, e.seq AS seq, e.body AS event, c.note AS checkpoint"
        " FROM (SELECT * FROM events WHERE type = 'read.report'"
        " AND JSONExtractString(body, 'data', 'sums_sha256') = {digest:String}) AS e"
        " INNER JOIN checkpoints AS c ON c.gateway = e.gateway WHERE c.size > e.log_index ORDER BY c.size LIMIT 1"
    )
    rows = asking.ask(Question("audit.report", sql, {"digest": digest}))
    return rows[0] if rows else None


def _patiently(ask: Callable[[], dict[str, Any] | None]) -> dict[str, Any] | None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (found := ask()) is None and time.monotonic() < deadline:
        _moment()
    return found


def _moment() -> None:
    time.sleep(0.2)
