"""Envoy's access log as the second witness: its lines, also of rotated files, as plain values. Pure but for reading.

One line is one finished request (snapshot/envoy/access_log.py). A file that is still being written ends in the middle
of a line, and so does one whose Envoy was killed; there the next Envoy goes on in the same row.
"""

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

EFFECTS = frozenset({"", "allow", "deny", "hold", "refused"})
MAX_LINE = 64 << 10  # far above what Envoy writes; a longer one is no line of ours


@dataclass(frozen=True, slots=True)
class Line:
    """`exchange` and `effect` come with authz's answer, "" when there was none. Times in unix microseconds."""

    where: str  # file:number
    start_us: int
    end_us: int
    request_id: str
    exchange: str
    effect: str
    connection: str
    status: int
    flags: str
    attempts: int  # how often an upstream was tried; 0: nothing went out


@dataclass(frozen=True, slots=True)
class Torn:
    """A row that is no line of Envoy's."""

    where: str


def files(path: Path) -> list[Path]:
    """The log and what rotation made of it (`access.log.1`, `access.log-20261129.gz`), the oldest first."""
    found = [file for file in path.parent.glob(f"{path.name}*") if file.is_file()]
    return sorted(found, key=lambda file: (file == path, file.stat().st_mtime_ns, file.name))


def digest(path: Path) -> str:
    """SHA-256 of what Envoy wrote, packed or not. Raises OSError; a damaged .gz has the digest of nothing."""
    found = hashlib.sha256()
    with _opened(path) as file:
        try:
            while block := file.read(1 << 20):
                found.update(block)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            return ""
    return found.hexdigest()


def _opened(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")


def read(path: Path) -> Iterator[Line | Torn]:
    """Every line of one file. Raises OSError."""
    with _opened(path) as file:
        number = 0
        try:
            while row := file.readline(MAX_LINE):
                number += 1
                if not row.endswith(b"\n") and len(row) < MAX_LINE:
                    return  # still being written, or cut off by the death of its Envoy
                yield from parse(row, f"{path.name}:{number}")
        except (EOFError, zlib.error, gzip.BadGzipFile):
            yield Torn(f"{path.name}:{number + 1}")


def begins_us(files: Sequence[Path]) -> int | None:
    """When the oldest line was written; what was decided from then on must have a line. None: no line at all."""
    firsts = (next((line for line in read(file) if isinstance(line, Line)), None) for file in files)
    return min((line.end_us for line in firsts if line is not None), default=None)


def parse(row: bytes, where: str) -> Iterator[Line | Torn]:
    """One row; two results where a killed Envoy's half line has the first line of the next behind it."""
    line = _line(row, where)
    if line is None:
        yield Torn(where)
        at = row.rfind(b"{")
        line = _line(row[at:], where) if at > 0 else None
    if line is not None:
        yield line


def _line(row: bytes, where: str) -> Line | None:
    try:
        raw = json.loads(row)
        start = _microseconds(raw["start"])
        duration = int(raw.get("duration_ms") or 0) * 1000
        return Line(
            where=where,
            start_us=start,
            end_us=start + duration,
            request_id=_text(raw, "request_id"),
            exchange=_text(raw, "exchange"),
            effect=effect if (effect := _text(raw, "effect")) in EFFECTS else "unknown",
            connection=_text(raw, "connection"),
            status=int(raw.get("status") or 0),
            flags=_text(raw, "flags"),
            attempts=int(raw["attempts"] or 0),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _microseconds(text: str) -> int:
    """`1795180292.818771` exactly, without a float in between."""
    seconds, _, fraction = text.partition(".")
    return int(seconds) * 1_000_000 + int(fraction.ljust(6, "0")[:6] or 0)


def _text(raw: dict[str, Any], name: str) -> str:
    """Envoy writes null, or `-`, for what is not there."""
    value = raw.get(name)
    return value if isinstance(value, str) and value != "-" else ""
