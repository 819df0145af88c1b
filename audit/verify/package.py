"""Verifying an exported package without any network: a folder that an examiner was given.

    events.jsonl       {"log_index", "writer", "seq", "body", "hash"}, `body` the canonical JSON as a string, hash hex
    frames.jsonl       {"writer", "seq", "ordinal", "direction", "idx", "at", "media", "salt", "content", "sha256"};
                       at in unix microseconds, salt and sha256 hex, content base64
    checkpoints.jsonl  {"gateway", "note"}
    tiles/             the published log (C2SP tlog-tiles); bundles may be left out, hash tiles may not
    log.vkey           the log's verifier key: compare it with the one you were given by another way
    manifest.json      {"format": "exeat-evidence/1", "gateway", "scope": "all" or "selection"}

A selection (one session, one agent) proves that each event in it is in the log; that none was left out it cannot.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from audit.verify import merkle
from audit.verify.body import Event, Malformed, read
from audit.verify.findings import CannotVerify, Finding, Flaw, Report
from audit.verify.frames import Expected, FrameRecord
from audit.verify.handover import followed, in_package
from audit.verify.notes import Checkpoint, Key, NoteRefused, open_checkpoint, parse_keys
from audit.verify.retention import Retention
from audit.verify.rows import Row, verify_rows
from audit.verify.signatures import Signatures
from audit.verify.tiles import NO_WITNESS, Published, read_tiles

FORMAT = "exeat-evidence/1"

Made = TypeVar("Made")


def verify_package(
    folder: Path, vkeys: Sequence[str] = (), witnessed: Sequence[Checkpoint] = (), beside: Sequence[Path] = ()
) -> Report:
    """`vkeys`: keys from another source than the package; without them its own key is used, and said so.

    `beside`: packages of gateways that share approvals with this one, for the authenticators registered there.
    """
    manifest = _manifest(folder)
    report = Report(f"package {folder.name} of gateway {manifest['gateway']}")
    keys = followed(parse_keys(vkeys) or _own_keys(folder, report), in_package(folder), report)
    log = read_tiles(folder / "tiles", keys, report) if (folder / "tiles").exists() else None
    checkpoints = [*_checkpoints(folder, keys, report), *witnessed]
    rows = sorted(_read(folder / "events.jsonl", _row), key=lambda row: row.log_index)
    whole = manifest["scope"] == "all"
    expected, retention, signatures = Expected(), Retention(), Signatures(whole=whole)
    signatures.beside(told_beside(beside, report))

    def told(event: Event, log_index: int) -> None:
        expected.add(event, log_index)
        signatures.told(event, log_index)

    if whole:
        report.merge(verify_rows(rows, checkpoints, log=log, told=told, retention=retention))
    else:
        _verify_selection(rows, log, report, told, retention)
    expected.check(_read(folder / "frames.jsonl", _frame), report, retention)
    retention.settle(report)
    signatures.settle(report, retention.record_gone(seen=whole and log is not None))
    if not witnessed:
        report.note(NO_WITNESS)
    report.sort()
    return report


def told_beside(folders: Sequence[Path], report: Report) -> Iterator[Event]:
    """The events of other packages; whether these are right is for their own verification. Raises CannotVerify."""
    for folder in folders:
        gateway = _manifest(folder)["gateway"]
        report.note(
            f"keys and standing grants of gateway {gateway!r} are as its package has them: verify that one, too"
        )
        for row in sorted(_read(folder / "events.jsonl", _row), key=lambda row: row.log_index):
            try:
                yield read(row.body)
            except Malformed:
                raise CannotVerify(f"{folder / 'events.jsonl'}: it holds what is no event: verify it first") from None


def _verify_selection(
    rows: Sequence[Row],
    log: Published | None,
    report: Report,
    told: Callable[[Event, int], None],
    retention: Retention,
) -> None:
    if log is None:
        raise CannotVerify("a selection can only be verified against the log's tiles, and the package has none")
    report.note("a selection: each event in it is proved to be in the log, not that none was left out")
    for row in rows:
        report.events += 1
        first, last = report.writers.get(row.writer, (row.seq, row.seq))
        report.writers[row.writer] = (min(first, row.seq), max(last, row.seq))
        if row.log_index >= log.size or merkle.leaf(row.body) != log.leaf(row.log_index):
            flaw = Flaw.FORGED if row.log_index >= log.size else Flaw.EDITED
            report.add(Finding(flaw, "not what was signed at its place", row.log_index, row.writer, row.seq))
            continue
        try:
            event = read(row.body)
        except Malformed as error:
            report.add(Finding(Flaw.EDITED, str(error), row.log_index, row.writer, row.seq))
            continue
        retention.told(event)
        told(event, row.log_index)
        named = (event.writer, event.seq, hashlib.sha256(row.body).digest())
        if named != (row.writer, row.seq, row.hash):
            report.add(Finding(Flaw.EDITED, "not what its body says", row.log_index, row.writer, row.seq))


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
        if manifest["format"] != FORMAT or manifest["scope"] not in ("all", "selection"):
            raise ValueError
        return {"gateway": str(manifest["gateway"]), "scope": str(manifest["scope"])}
    except OSError:
        raise CannotVerify(f"{folder}: no manifest.json, so no package of ours") from None
    except (ValueError, KeyError, TypeError):
        raise CannotVerify(f"{folder / 'manifest.json'}: not a manifest of {FORMAT}") from None


def _own_keys(folder: Path, report: Report) -> list[Key]:
    try:
        keys = parse_keys([(folder / "log.vkey").read_text("utf-8")])
    except (OSError, UnicodeDecodeError):
        raise CannotVerify("no verifier key: give one, or add log.vkey to the package") from None
    for key in keys:
        fingerprint = hashlib.sha256(key.public).hexdigest()[:32]
        report.note(
            f"the key came with the package (SHA-256 {fingerprint}…): compare it with what the gateway's owner says"
        )
    return keys


def _checkpoints(folder: Path, keys: Sequence[Key], report: Report) -> Iterator[Checkpoint]:
    for note in _read(folder / "checkpoints.jsonl", lambda line: str(line["note"])):
        try:
            yield open_checkpoint(note, keys, "a checkpoint in the package")
        except NoteRefused as error:
            report.add(Finding(Flaw.FORGED, f"a checkpoint in the package: {error}"))


def _row(line: dict[str, Any]) -> Row:
    body = str(line["body"]).encode("utf-8", "surrogatepass")
    return Row(int(line["log_index"]), str(line["writer"]), int(line["seq"]), body, bytes.fromhex(line["hash"]))


def _frame(line: dict[str, Any]) -> FrameRecord:
    content, salt = base64.b64decode(line["content"], validate=True), bytes.fromhex(line["salt"])
    return FrameRecord(
        writer=str(line["writer"]),
        seq=int(line["seq"]),
        ordinal=int(line["ordinal"]),
        direction=str(line["direction"]),
        index=int(line["idx"]),
        at_us=int(line["at"]),
        media=str(line["media"]),
        length=len(content),
        digest=hashlib.sha256(salt + content).digest(),
        claimed=bytes.fromhex(line["sha256"]),
    )


def _read(path: Path, make: Callable[[dict[str, Any]], Made]) -> Iterator[Made]:
    """JSON Lines; an absent file has none. Raises CannotVerify, naming the line that is not as it must be."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                made = make(json.loads(line))
            except (ValueError, KeyError, TypeError, RecursionError):
                raise CannotVerify(f"{path}:{number}: not a line of {FORMAT}") from None
            yield made
