"""The shipper's own database, `<state_dir>/log/cursor.db`: how far the log has come.

    state(key, value)                      origin, size, edge (of the published tree), shipped
    positions(writer, seq, hash)           the last event of each writer in the published log
    plan(log_index, writer, seq, leaf, hash) the next entries, in an order that is fixed before anything is signed
    sequenced(…)                           published, not yet shipped
    checkpoints(size, root, ts, note)      published, not yet in ClickHouse
    acked(writer, seq)                     shipped: what writers may trim. The only table that others read.
    quarantine(…)                          what ClickHouse refused, kept here in full until it takes it

Every step is one transaction with `synchronous = FULL`. Two threads use it, each with a connection of its own.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit.log.tree import HASH_BYTES, Tree
from audit.write.commit import connect, transaction
from runtime.errors import GatewayError
from runtime.fileio import private_dir

SCHEMA = """
CREATE TABLE IF NOT EXISTS state (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS positions (writer TEXT PRIMARY KEY, seq INTEGER NOT NULL, hash BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS plan (
  log_index INTEGER PRIMARY KEY, writer TEXT NOT NULL, seq INTEGER NOT NULL, leaf BLOB NOT NULL, hash BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS sequenced (
  log_index INTEGER PRIMARY KEY, writer TEXT NOT NULL, seq INTEGER NOT NULL, leaf BLOB NOT NULL, hash BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS checkpoints (
  size INTEGER PRIMARY KEY, root BLOB NOT NULL, ts INTEGER NOT NULL, note TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS acked (writer TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS quarantine (
  writer TEXT NOT NULL, seq INTEGER NOT NULL, log_index INTEGER NOT NULL, reason TEXT NOT NULL, ts INTEGER NOT NULL,
  body BLOB NOT NULL, frames TEXT NOT NULL, PRIMARY KEY (writer, seq));
"""


class WrongLog(GatewayError):
    """The state directory holds the log of another gateway."""

    code = "wrong_log"


class CursorDamaged(GatewayError):
    code = "cursor_damaged"


@dataclass(frozen=True, slots=True)
class Placed:
    """An event's place in the log, its leaf hash there, and its hash in its writer's chain."""

    log_index: int
    writer: str
    seq: int
    leaf: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class Published:
    """A checkpoint as it was signed. `ts_us`: when, unix microseconds."""

    size: int
    root: bytes
    ts_us: int
    note: str


@dataclass(frozen=True, slots=True)
class Quarantined:
    """An event that ClickHouse refused. `frames`: JSON, as `send.py` writes it."""

    writer: str
    seq: int
    log_index: int
    reason: str
    ts_us: int
    body: bytes
    frames: str


class Cursor:
    def __init__(self, path: Path, origin: str) -> None:
        """Opens or makes the database. Raises WrongLog if it was made for another origin, CursorDamaged."""
        private_dir(path.parent)
        try:
            self._conn = connect(path)
            with transaction(self._conn):
                for statement in filter(str.strip, SCHEMA.split(";")):
                    self._conn.execute(statement)
                known = str(self._state("origin", origin))
                self._keep({"origin": known})
        except sqlite3.Error as error:
            name = getattr(error, "sqlite_errorname", type(error).__name__)
            raise CursorDamaged(f"{path} ({name}): move it away, and it is made anew from the published log") from None
        if known != origin:
            self.close()
            raise WrongLog(f"{path} belongs to the log of {known!r}, not of {origin!r}: gateway.id was changed")

    def close(self) -> None:
        self._conn.close()

    # the published log

    def tree(self) -> Tree:
        edge = bytes(self._state("edge", b""))
        parts = [edge[at : at + HASH_BYTES] for at in range(0, len(edge), HASH_BYTES)]
        return Tree(int(self._state("size", 0)), parts)

    def positions(self) -> dict[str, tuple[int, bytes]]:
        rows = self._conn.execute("SELECT writer, seq, hash FROM positions")
        return {str(writer): (int(seq), bytes(hash_)) for writer, seq, hash_ in rows}

    def plan(self, entries: Sequence[Placed]) -> None:
        """Fixes the order of the next entries."""
        with transaction(self._conn):
            self._conn.execute("DELETE FROM plan")
            rows = [(entry.log_index, entry.writer, entry.seq, entry.leaf, entry.hash) for entry in entries]
            self._conn.executemany("INSERT INTO plan VALUES (?,?,?,?,?)", rows)

    def planned(self) -> list[Placed]:
        rows = self._conn.execute("SELECT log_index, writer, seq, leaf, hash FROM plan ORDER BY log_index")
        return [Placed(*row) for row in rows]

    def publish(self, tree: Tree, positions: Mapping[str, tuple[int, bytes]], checkpoint: Published) -> None:
        """The plan is in the tiles and under `checkpoint`."""
        with transaction(self._conn):
            self._conn.execute("INSERT INTO sequenced SELECT * FROM plan")
            self._conn.execute("DELETE FROM plan")
            rows = [(writer, seq, hash_) for writer, (seq, hash_) in positions.items()]
            self._conn.executemany("INSERT OR REPLACE INTO positions VALUES (?,?,?)", rows)
            values = (checkpoint.size, checkpoint.root, checkpoint.ts_us, checkpoint.note)
            self._conn.execute("INSERT OR REPLACE INTO checkpoints VALUES (?,?,?,?)", values)
            self._keep({"size": tree.size, "edge": b"".join(tree.edge)})

    def set_aside(self, event: Quarantined) -> None:
        """Keeps an event that cannot even become an entry of the log."""
        with transaction(self._conn):
            self._quarantine([event])

    def restore(
        self,
        tree: Tree,
        positions: Mapping[str, tuple[int, bytes]],
        again: Sequence[Placed],
        acked: Mapping[str, int],
    ) -> None:
        """Begins anew from the published log; `again`: its entries that may not be in ClickHouse."""
        with transaction(self._conn):
            for table in ("plan", "sequenced", "positions", "acked"):
                self._conn.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
            rows = [(entry.log_index, entry.writer, entry.seq, entry.leaf, entry.hash) for entry in again]
            self._conn.executemany("INSERT INTO sequenced VALUES (?,?,?,?,?)", rows)
            heads = [(writer, seq, hash_) for writer, (seq, hash_) in positions.items()]
            self._conn.executemany("INSERT INTO positions VALUES (?,?,?)", heads)
            self._conn.executemany("INSERT INTO acked VALUES (?,?)", list(acked.items()))
            shipped = tree.size - len(again)
            self._keep({"size": tree.size, "edge": b"".join(tree.edge), "shipped": shipped})

    # the way to ClickHouse

    def size(self) -> int:
        return int(self._state("size", 0))

    def shipped(self) -> int:
        """How many entries of the log are safely in ClickHouse (or in quarantine)."""
        return int(self._state("shipped", 0))

    def unshipped(self, limit: int) -> list[Placed]:
        query = "SELECT log_index, writer, seq, leaf, hash FROM sequenced ORDER BY log_index LIMIT ?"
        return [Placed(*row) for row in self._conn.execute(query, (limit,))]

    def ship(self, size: int, refused: Sequence[Quarantined] = ()) -> None:
        """The first `size` entries are in ClickHouse, but for `refused`, which are kept here: writers may trim."""
        with transaction(self._conn):
            self._quarantine(refused)
            self._conn.execute(
                "INSERT INTO acked SELECT writer, max(seq) FROM sequenced WHERE log_index < ? GROUP BY writer"
                " ON CONFLICT (writer) DO UPDATE SET seq = max(seq, excluded.seq)",
                (size,),
            )
            self._conn.execute("DELETE FROM sequenced WHERE log_index < ?", (size,))
            self._keep({"shipped": size})

    def checkpoints(self, up_to: int) -> list[Published]:
        """Checkpoints that ClickHouse lacks and whose entries it has."""
        query = "SELECT size, root, ts, note FROM checkpoints WHERE size <= ? ORDER BY size"
        return [Published(*row) for row in self._conn.execute(query, (up_to,))]

    def forget_checkpoints(self, up_to: int) -> None:
        with transaction(self._conn):
            self._conn.execute("DELETE FROM checkpoints WHERE size <= ?", (up_to,))

    def quarantined(self) -> list[Quarantined]:
        query = "SELECT writer, seq, log_index, reason, ts, body, frames FROM quarantine ORDER BY log_index"
        return [Quarantined(*row) for row in self._conn.execute(query)]

    def quarantine_size(self) -> int:
        return int(self._conn.execute("SELECT count(*) FROM quarantine").fetchone()[0])

    def release(self, writer: str, seq: int) -> None:
        with transaction(self._conn):
            self._conn.execute("DELETE FROM quarantine WHERE writer = ? AND seq = ?", (writer, seq))

    def _quarantine(self, events: Sequence[Quarantined]) -> None:
        rows = [(q.writer, q.seq, q.log_index, q.reason, q.ts_us, q.body, q.frames) for q in events]
        self._conn.executemany("INSERT OR REPLACE INTO quarantine VALUES (?,?,?,?,?,?,?)", rows)

    def _state(self, key: str, default: Any) -> Any:
        row = self._conn.execute("SELECT value FROM state WHERE key = ?", (key,)).fetchone()
        return default if row is None else row[0]

    def _keep(self, values: Mapping[str, str | int | bytes]) -> None:
        self._conn.executemany("INSERT OR REPLACE INTO state VALUES (?,?)", list(values.items()))
