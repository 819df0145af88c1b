"""Verifying for people: where this gateway's log and key are, and a report whose records are named `writer/seq`."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from audit.log.offbox import Kept, Witnessed, kept_notes
from audit.log.tiles import TileReader
from audit.read.export import Published
from audit.store.client import auditor_client
from audit.verify import CannotVerify, Finding, Flaw, Report, verify_clickhouse, verify_package
from audit.verify.body import Malformed, read
from audit.verify.clickhouse import handovers
from audit.verify.cosignature import Patience, Witness, judge
from audit.verify.handover import followed, in_package
from audit.verify.notes import Checkpoint, Key, NoteRefused, open_checkpoint, parse_keys
from audit.verify.tiles import NO_WITNESS
from runtime.clock import Clock, SystemClock
from runtime.settings import Settings

PATIENCE_SECONDS = 3600  # a witness may be away for so long; the shipper has said so in the record
CLOCK = SystemClock()


def published_log(settings: Settings) -> Published:
    state_dir = settings.gateway.state_dir
    return Published(state_dir / "log" / "tiles", state_dir / "keys" / "log.vkey")


def verified(
    settings: Settings | None,
    folder: Path | None,
    vkeys: Sequence[Path],
    witnesses: Sequence[Path],
    beside: Sequence[Path] = (),
    clock: Clock = CLOCK,
) -> Report:
    texts = [file.read_text("utf-8") for file in vkeys]
    if settings is None:
        assert folder is not None
        own = folder / "log.vkey"
        trusted = texts or ([own.read_text("utf-8")] if own.exists() else [])
        witnessed = _witnessed(witnesses, followed(parse_keys(trusted), in_package(folder)))
        return verify_package(folder, texts, witnessed, beside)
    published = published_log(settings)
    if not texts:
        if not published.vkey.exists():
            raise CannotVerify(f"{published.vkey}: no verifier key yet; the shipper makes it, or give one with --vkey")
        texts = [published.vkey.read_text("utf-8")]
    tiles = published.tiles if published.checkpoint.exists() else None
    client = auditor_client(settings)
    try:
        elsewhere = Report("checkpoints kept elsewhere")
        database, gateway = settings.clickhouse.database, settings.gateway.id
        keys = followed(parse_keys(texts), handovers(client, database, gateway))
        kept = kept_notes(settings, clock)
        witnessed = [*_witnessed(witnesses, keys), *_kept(kept, keys, elsewhere)]
        where = {"database": database, "gateway": gateway}
        report = verify_clickhouse(client, texts, tiles=tiles, witnessed=witnessed, beside=beside, **where)
        size, now = report.confirmed_size, clock.now_us() // 1_000_000
        vouched = [_vouched(each, keys, elsewhere, published, size, now) for each in kept.witnessed]
        report.merge(elsewhere)
        if not (witnesses or kept.outside or any(vouched)):
            report.note(NO_WITNESS)  # timestamps alone lie on this machine
        report.sort()
        return report
    finally:
        client.close()


def _witnessed(files: Sequence[Path], keys: Sequence[Key]) -> list[Checkpoint]:
    try:
        return [open_checkpoint(file.read_text("utf-8"), keys, f"the kept checkpoint {file.name}") for file in files]
    except NoteRefused as error:
        raise CannotVerify(f"a checkpoint given with --witness: {error}") from None


def _kept(kept: Kept, keys: Sequence[Key], report: Report) -> list[Checkpoint]:
    """What the settings' checkpoint targets hold. A silent target is said, one that holds a forgery is named."""
    for why in kept.silent:
        report.note(f"a checkpoint target could not be read: {why}")
    found = list[Checkpoint]()
    for where, note in kept.notes:
        try:
            found.append(open_checkpoint(note, keys, f"the checkpoint kept at {where}"))
        except NoteRefused as error:
            report.add(Finding(Flaw.FORGED, f"the checkpoint kept at {where}: {error}"))
    if kept.timestamped:
        report.note(f"the newest timestamp is that of {kept.timestamped}")
    return found


def _vouched(told: Witnessed, keys: Sequence[Key], report: Report, published: Published, size: int, now: int) -> bool:
    """Whether the witness of the settings cosigned this log lately. What is missing or wrong is a finding."""
    patience = Patience(now, max(PATIENCE_SECONDS, 10 * told.every_seconds), partial(_recorded, published.tiles))
    return judge(Witness.parse(told.key), told.notes, keys, report, size=size, patience=patience)


def _recorded(tiles: Path, log_index: int) -> int | None:
    """When an entry was recorded, as it says; unix seconds. None if its bundle is gone or wrong."""
    try:
        return read(TileReader(tiles).body(log_index)).ts_us // 1_000_000
    except (OSError, ValueError, LookupError, Malformed):
        return None


def told(report: Report) -> list[str]:
    """The report for people; a record is named `writer/seq`, as `decisions explain` does."""
    counts = f"{report.events} events of {len(report.writers)} writers, {report.frames} frames"
    signed = report.signed()
    verdict = "OK" if report.ok else f"FAILED, {report.total_findings} findings"
    findings = [f"{finding.flaw.value.upper()}: {_place(finding)}{finding.message}" for finding in report.findings]
    return [f"{verdict}: {report.subject}: {counts}; {signed}", *findings, *(f"note: {note}" for note in report.notes)]


def _place(finding: Finding) -> str:
    record = f"{finding.writer}/{finding.seq}" if finding.seq is not None else finding.writer
    index = f"log index {finding.log_index}" if finding.log_index is not None else ""
    place = ", ".join(filter(None, (record, index)))
    return f"{place}: " if place else ""
