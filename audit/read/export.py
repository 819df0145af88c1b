"""Evidence as a folder that an examiner can take away: rows, frames, checkpoints, the published log and its key.

The format is the verifier's (audit/verify/package.py): `exeat audit verify FOLDER` reads it without any network.
The cut is a checkpoint: what it signed is in the folder, nothing after it. A selection holds only what was chosen,
with the hash tiles that prove it and without the entry bundles, which hold everybody else's events.
"""

import base64
import contextlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit.read.decisions import Filter
from audit.read.reader import Question, Reader
from runtime.errors import CallerError
from runtime.fileio import private_dir

FORMAT = "exeat-evidence/1"
EVENTS_STRETCH, FRAMES_STRETCH = 20_000, 1_000  # log indexes per query: about 20 MB of bodies; frames may be large
# of other people's content these say nothing; without them what was pruned or masked anew cannot be told from theft,
# a newer key of the log, or of an approver, from a forged one, nor what was granted in advance from what never was
EXPLAINING = (
    "('retention.pruned', 'frame.remasked', 'log.key_rotated',"
    " 'person.authenticator_added', 'person.authenticator_removed',"
    " 'standing.given', 'standing.break_glass', 'standing.over', 'standing.revoked')"
)
PRUNED = """
SELECT sum(rows) AS n FROM
(
    SELECT argMax(arraySum(part -> if(JSONExtractString(part, 'table') = 'events', JSONExtractUInt(part, 'rows'), 0),
        JSONExtractArrayRaw(body, 'data', 'partitions')), log_index) AS rows
    FROM events
    WHERE type = 'retention.pruned' AND gateway = {gateway:String}
    GROUP BY JSONExtractString(body, 'data', 'id')
)
"""
WAITS = 50  # how often the store is asked whether it has what the checkpoint signed


class CannotExport(CallerError):
    code = "cannot_export"


@dataclass(frozen=True, slots=True)
class Published:
    """Where this gateway publishes its log; absent on a machine that only reads ClickHouse."""

    tiles: Path
    vkey: Path

    @property
    def checkpoint(self) -> Path:
        return self.tiles / "checkpoint"


@dataclass(slots=True)
class Package:
    """What was written, for the manifest and for people."""

    folder: Path
    gateway: str
    scope: str  # all | selection
    size: int = 0  # entries under the checkpoint of the cut; 0 when there is none
    events: int = 0
    frames: int = 0
    checkpoints: int = 0
    missing: int = 0  # signed, but not in ClickHouse when it was asked (scope all)

    def manifest(self, chosen: Mapping[str, Any]) -> bytes:
        fields: dict[str, Any] = {"format": FORMAT, "gateway": self.gateway, "scope": self.scope, "size": self.size}
        fields |= {"events": self.events, "frames": self.frames, "checkpoints": self.checkpoints}
        if self.scope == "selection":
            fields["selection"] = dict(chosen)
        return json.dumps(fields, indent=2, sort_keys=True).encode() + b"\n"


def export(
    reader: Reader, folder: Path, gateway: str, published: Published, which: Filter, wait: Callable[[], None]
) -> Package:
    """Writes the package into a new folder. `wait` pauses for a moment. Raises CannotExport, StoreSilent."""
    where, parameters = which.where()
    chosen = {name: value for name, value in parameters.items() if value}
    where = f"({where} OR type IN {EXPLAINING})"
    package = Package(folder, gateway, "selection" if chosen else "all")
    _make(folder)
    _copy_log(published, package)
    if chosen and not package.size:
        raise CannotExport(f"a selection needs the published log to prove it, and there is none in {published.tiles}")
    _await_rows(reader, package, wait)
    with (folder / "events.jsonl").open("wb") as events, (folder / "frames.jsonl").open("wb") as frames:
        for row in _events(reader, package, where, parameters):
            package.events += 1
            events.write(_line(row))
        for row in _frames(reader, package, where, parameters):
            package.frames += 1
            frames.write(_line(row))
    _checkpoints(reader, package)
    (folder / "manifest.json").write_bytes(package.manifest(chosen))
    return package


def _make(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise CannotExport(f"{folder} exists and is not empty")
    try:
        private_dir(folder)
    except OSError as error:
        raise CannotExport(f"{folder}: {error.strerror}") from None


def _copy_log(published: Published, package: Package) -> None:
    """The checkpoint first: tiles written after it do no harm, tiles before it are all there."""
    if published.vkey.exists():
        shutil.copyfile(published.vkey, package.folder / "log.vkey")
    if not published.checkpoint.exists():
        return
    note = published.checkpoint.read_bytes()
    package.size = int(note.splitlines()[1])
    target = package.folder / "tiles"
    # a partial tile may go while it is copied; its full one is durable by then, and the second pass finds it
    for _ in range(2):
        for file in sorted(published.tiles.rglob("*")):
            _copy(file, target / file.relative_to(published.tiles), package)
    (target / "checkpoint").write_bytes(note)
    for vouched in ("timestamps", "witnesses"):
        _copy_kept(published.tiles.with_name(vouched), package.folder / vouched, package.size)


def _copy(file: Path, target: Path, package: Package) -> None:
    bundle = "entries" in target.relative_to(package.folder).parts
    if target.exists() or (bundle and package.scope == "selection"):
        return
    with contextlib.suppress(FileNotFoundError):
        if file.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)


def _copy_kept(kept: Path, target: Path, size: int) -> None:
    """What strangers signed of checkpoints within the cut: with a newer one the log would look put back. Files that are
    being written, and others that are no checkpoint's, stay behind."""
    for file in sorted(kept.rglob("[0-9]*")):
        number = file.name.partition(".")[0]
        if not (number.isascii() and number.isdigit() and int(number) <= size and file.is_file()):
            continue
        copy = target / file.relative_to(kept)
        copy.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            shutil.copyfile(file, copy)


def _await_rows(reader: Reader, package: Package, wait: Callable[[], None]) -> None:
    """Entries are signed before ClickHouse has them; the shipper is usually within a second."""
    sql = "SELECT uniqExact(log_index) AS n FROM events WHERE gateway = {gateway:String} AND log_index < {size:UInt64}"
    question = Question("audit.export", sql, {"gateway": package.gateway, "size": package.size})
    pruned = int(reader.ask(Question("audit.export", PRUNED, {"gateway": package.gateway}))[0]["n"])
    for _ in range(WAITS):
        package.missing = package.size - pruned - int(reader.ask(question)[0]["n"])
        if package.missing <= 0:
            return
        wait()


def _stretches(reader: Reader, package: Package, stretch: int) -> Iterator[tuple[int, int]]:
    end = package.size
    if not end:  # no published log here: everything that ClickHouse holds
        sql = "SELECT max(log_index) + 1 AS n FROM events WHERE gateway = {gateway:String}"
        end = int(reader.ask(Question("audit.export", sql, {"gateway": package.gateway}))[0]["n"])
    for start in range(0, end, stretch):
        yield start, min(start + stretch, end)


def _events(reader: Reader, package: Package, where: str, parameters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    sql = (
        "SELECT log_index, writer, seq, body, lower(hex(hash)) AS hash FROM events"  # noqa: S608 - our own condition
        f" WHERE gateway = {{gateway:String}} AND log_index >= {{a:UInt64}} AND log_index < {{b:UInt64}} AND {where}"
        " ORDER BY log_index, writer, seq"
    )
    for start, end in _stretches(reader, package, EVENTS_STRETCH):
        span = {"gateway": package.gateway, "a": start, "b": end}
        yield from reader.ask(Question("audit.export", sql, span | dict(parameters)))


def _frames(reader: Reader, package: Package, where: str, parameters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    named = (
        "SELECT writer, seq FROM events WHERE gateway = {gateway:String}"  # noqa: S608 - our own condition
        f" AND log_index >= {{a:UInt64}} AND log_index < {{b:UInt64}} AND {where}"
    )
    sql = (
        "SELECT writer, seq, ordinal, direction, idx, toUnixTimestamp64Micro(at) AS at, media,"  # noqa: S608
        " lower(hex(salt)) AS salt, content, lower(hex(sha256)) AS sha256 FROM frames"
        f" WHERE (writer, seq) IN ({named}) ORDER BY writer, seq, ordinal"
    )
    for start, end in _stretches(reader, package, FRAMES_STRETCH):
        span = {"gateway": package.gateway, "a": start, "b": end}
        for row in reader.ask(Question("audit.export", sql, span | dict(parameters), binary=("content",))):
            yield row | {"content": base64.b64encode(row["content"]).decode()}


def _checkpoints(reader: Reader, package: Package) -> None:
    size = package.size or 2**63
    sql = (
        "SELECT gateway, note FROM checkpoints WHERE gateway = {gateway:String} AND size <= {size:UInt64} ORDER BY size"
    )
    rows = reader.ask(Question("audit.export", sql, {"gateway": package.gateway, "size": size}))
    package.checkpoints = len(rows)
    (package.folder / "checkpoints.jsonl").write_bytes(b"".join(map(_line, rows)))


def _line(row: Mapping[str, Any]) -> bytes:
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass") + b"\n"
