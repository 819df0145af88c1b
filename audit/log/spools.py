"""Reading the spools of all writers. Read-only: nothing here can change what a writer said.

Connections live for one look: a spool that was replaced, or whose writer died, is simply opened anew.
"""

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

MAX_ROWS = 4096  # per spool and look; 16 full bundles
MAX_BYTES = 8 << 20  # of bodies per spool and look

# whatever types a tampering hand left in the file, these are the ones that we go on with
EVENT = "seq, CAST(body AS BLOB), CAST(hash AS BLOB), CAST(ts AS INTEGER)"
BEYOND_REPAIR = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


@dataclass(slots=True)  # not frozen, here and below: that would double what it costs to make one
class Spooled:
    """An event as its writer left it."""

    writer: str
    seq: int
    body: bytes
    hash: bytes
    ts_us: int


@dataclass(slots=True)
class SpooledFrame:
    writer: str
    seq: int
    ordinal: int
    direction: str
    index: int
    at_us: int
    media: str
    salt: bytes
    content: bytes
    exchange: str
    session: str


class SpoolFile:
    """One spool, open for reading."""

    def __init__(self, conn: sqlite3.Connection, writer: str) -> None:
        self._conn, self.writer = conn, writer

    def last(self) -> int:
        """The last sequence its writer gave out, trimmed or not."""
        return int(self._conn.execute("SELECT value FROM meta WHERE key = 'seq'").fetchone()[0])

    def check(self) -> None:
        """Raises sqlite3.DatabaseError if the file is damaged."""
        if self._conn.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError("damaged")

    def after(self, seq: int, rows: int = MAX_ROWS, size: int = MAX_BYTES) -> list[Spooled]:
        """The events after `seq` in order, up to `rows` of them or about `size` bytes."""
        found: list[Spooled] = []
        cursor = self._conn.execute(f"SELECT {EVENT} FROM events WHERE seq > ? ORDER BY seq", (seq,))  # noqa: S608
        for row in cursor:
            found.append(Spooled(self.writer, *row))
            size -= len(row[1])
            if len(found) >= rows or size <= 0:
                break
        cursor.close()
        return found

    def events(self, first: int, last: int) -> dict[int, Spooled]:
        cursor = self._conn.execute(f"SELECT {EVENT} FROM events WHERE seq BETWEEN ? AND ?", (first, last))  # noqa: S608
        return {row[0]: Spooled(self.writer, *row) for row in cursor}

    def frame_sizes(self, first: int, last: int) -> dict[int, int]:
        """Bytes of frame content per event, without reading the content."""
        query = "SELECT seq, sum(length(content)) FROM frames WHERE seq BETWEEN ? AND ? GROUP BY seq"
        return {int(seq): int(size) for seq, size in self._conn.execute(query, (first, last))}

    def frames(self, first: int, last: int) -> list[SpooledFrame]:
        query = (
            "SELECT seq, ordinal, direction, idx, at_us, media, CAST(salt AS BLOB), CAST(content AS BLOB),"
            " exchange, session FROM frames WHERE seq BETWEEN ? AND ? ORDER BY seq, ordinal"
        )
        return [SpooledFrame(self.writer, *row) for row in self._conn.execute(query, (first, last))]


class OpenSpools(dict[str, SpoolFile]):
    """Readable spools by writer. `busy`: another one is there and cannot be read now; later it can."""

    busy = False


class Spools:
    """All spools of a gateway: `<state_dir>/spool/*.db` and `<state_dir>/approvals.db`."""

    def __init__(self, state_dir: Path) -> None:
        self._state_dir = state_dir

    def paths(self) -> list[Path]:
        approvals = self._state_dir / "approvals.db"
        return [*sorted((self._state_dir / "spool").glob("*.db")), *([approvals] if approvals.exists() else [])]

    @contextlib.contextmanager
    def open(self) -> Iterator[OpenSpools]:
        with contextlib.ExitStack() as stack:
            found = OpenSpools()
            for path in self.paths():
                try:
                    spool = _open(path, stack)
                except sqlite3.Error as error:
                    found.busy |= not beyond_repair(error)
                    continue
                if spool is not None:
                    found[spool.writer] = spool
            yield found


def beyond_repair(error: sqlite3.Error) -> bool:
    """True if the file is damaged; false if waiting may help."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in BEYOND_REPAIR


def _open(path: Path, stack: contextlib.ExitStack) -> SpoolFile | None:
    """None if no writer has made its tables yet."""
    conn = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=1, isolation_level=None)
    stack.callback(conn.close)
    made = conn.execute("SELECT count(*) FROM sqlite_master WHERE name = 'meta'").fetchone()[0]
    row = conn.execute("SELECT value FROM meta WHERE key = 'writer'").fetchone() if made else None
    return SpoolFile(conn, str(row[0])) if row else None


def spans(places: Sequence[tuple[str, int]]) -> dict[str, tuple[int, int]]:
    """The first and last sequence per writer of (writer, seq) pairs."""
    found: dict[str, tuple[int, int]] = {}
    for writer, seq in places:
        first, last = found.get(writer, (seq, seq))
        found[writer] = (min(first, seq), max(last, seq))
    return found
