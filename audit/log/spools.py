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


@dataclass(frozen=True, slots=True)
class Spooled:
    """An event as its writer left it."""

    writer: str
    seq: int
    body: bytes
    hash: bytes
    ts_us: int


@dataclass(frozen=True, slots=True)
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

    def after(self, seq: int, rows: int = MAX_ROWS, size: int = MAX_BYTES) -> list[Spooled]:
        """The events after `seq` in order, up to `rows` of them or about `size` bytes."""
        found: list[Spooled] = []
        cursor = self._conn.execute("SELECT seq, body, hash, ts FROM events WHERE seq > ? ORDER BY seq", (seq,))
        for row in cursor:
            found.append(Spooled(self.writer, int(row[0]), bytes(row[1]), bytes(row[2]), int(row[3])))
            size -= len(row[1])
            if len(found) >= rows or size <= 0:
                break
        cursor.close()
        return found

    def events(self, first: int, last: int) -> dict[int, Spooled]:
        cursor = self._conn.execute("SELECT seq, body, hash, ts FROM events WHERE seq BETWEEN ? AND ?", (first, last))
        return {int(row[0]): Spooled(self.writer, int(row[0]), bytes(row[1]), bytes(row[2]), row[3]) for row in cursor}

    def frame_sizes(self, first: int, last: int) -> dict[int, int]:
        """Bytes of frame content per event, without reading the content."""
        query = "SELECT seq, sum(length(content)) FROM frames WHERE seq BETWEEN ? AND ? GROUP BY seq"
        return {int(seq): int(size) for seq, size in self._conn.execute(query, (first, last))}

    def frames(self, first: int, last: int) -> list[SpooledFrame]:
        query = (
            "SELECT seq, ordinal, direction, idx, at_us, media, salt, content, exchange, session FROM frames"
            " WHERE seq BETWEEN ? AND ? ORDER BY seq, ordinal"
        )
        return [SpooledFrame(self.writer, *row) for row in self._conn.execute(query, (first, last))]


class Spools:
    """All spools of a gateway: `<state_dir>/spool/*.db` and `<state_dir>/approvals.db`."""

    def __init__(self, state_dir: Path) -> None:
        self._state_dir = state_dir

    def paths(self) -> list[Path]:
        approvals = self._state_dir / "approvals.db"
        return [*sorted((self._state_dir / "spool").glob("*.db")), *([approvals] if approvals.exists() else [])]

    @contextlib.contextmanager
    def open(self) -> Iterator[dict[str, SpoolFile]]:
        """Every readable spool by writer. One that cannot be read now (just being made, locked) is left for later."""
        with contextlib.ExitStack() as stack:
            found: dict[str, SpoolFile] = {}
            for path in self.paths():
                with contextlib.suppress(sqlite3.Error):
                    spool = _open(path, stack)
                    found[spool.writer] = spool
            yield found


def _open(path: Path, stack: contextlib.ExitStack) -> SpoolFile:
    conn = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=1, isolation_level=None)
    stack.callback(conn.close)
    row = conn.execute("SELECT value FROM meta WHERE key = 'writer'").fetchone()
    if row is None:
        raise sqlite3.OperationalError("no writer yet")
    return SpoolFile(conn, str(row[0]))


def spans(places: Sequence[tuple[str, int]]) -> dict[str, tuple[int, int]]:
    """The first and last sequence per writer of (writer, seq) pairs."""
    found: dict[str, tuple[int, int]] = {}
    for writer, seq in places:
        first, last = found.get(writer, (seq, seq))
        found[writer] = (min(first, seq), max(last, seq))
    return found
