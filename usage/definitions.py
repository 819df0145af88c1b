"""What MCP servers say their tools are: the digest of each definition as it was first and last seen.

One SQLite file a gateway. extproc writes it when a list of tools passes; authz reads it when one of them is called, so
that policies can hold a call of a tool that is not what it was. It is a memory, not evidence: that is the event
`tools.seen`.
"""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

FILE = "definitions.db"
MAX_TOOLS = 5_000  # of one connection; a server that names more has only these remembered
BUSY_MS = 1_000
TABLE = """
CREATE TABLE IF NOT EXISTS definitions (
    connection TEXT NOT NULL, tool TEXT NOT NULL, first TEXT NOT NULL, last TEXT NOT NULL, at_us INTEGER NOT NULL,
    PRIMARY KEY (connection, tool)
) WITHOUT ROWID
"""


@dataclass(frozen=True, slots=True)
class Definition:
    """Hex SHA-256 of the sorted, compact JSON of a tool, without `_meta`."""

    first: str
    last: str


class Known(Protocol):
    def of(self, connection: str, tool: str) -> Definition | None:
        """What is known of a tool; None when no list with it ever passed."""
        ...

    def seen(self, connection: str, found: Mapping[str, str], now_us: int) -> dict[str, Definition | None]:
        """Remembers digests by tool; returns what was known before of each that is new (None) or another."""
        ...


class Definitions:
    """`with Definitions(state_dir) as known:`. Any number of processes may open it; extproc alone writes."""

    def __init__(self, state_dir: Path) -> None:
        self._path = state_dir / FILE

    def __enter__(self) -> Self:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._db = sqlite3.connect(self._path, isolation_level=None)
        self._path.chmod(0o600)
        self._db.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.execute(TABLE)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    def of(self, connection: str, tool: str) -> Definition | None:
        query = "SELECT first, last FROM definitions WHERE connection = ? AND tool = ?"
        row = self._db.execute(query, (connection, tool)).fetchone()
        return Definition(*row) if row else None

    def seen(self, connection: str, found: Mapping[str, str], now_us: int) -> dict[str, Definition | None]:
        changed: dict[str, Definition | None] = {}
        known = self._all(connection)
        for tool, digest in found.items():
            before = known.get(tool)
            if before is None and len(known) >= MAX_TOOLS:
                continue
            if before is None or before.last != digest:
                changed[tool] = before
                known[tool] = Definition(before.first if before else digest, digest)
        rows = [(connection, tool, known[tool].first, known[tool].last, now_us) for tool in changed]
        if rows:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("INSERT OR REPLACE INTO definitions VALUES (?, ?, ?, ?, ?)", rows)
            self._db.execute("COMMIT")
        return changed

    def _all(self, connection: str) -> dict[str, Definition]:
        query = "SELECT tool, first, last FROM definitions WHERE connection = ?"
        return {tool: Definition(first, last) for tool, first, last in self._db.execute(query, (connection,))}


class Memory:
    """The same without a file, for tests."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Definition] = {}

    def of(self, connection: str, tool: str) -> Definition | None:
        return self._known.get((connection, tool))

    def seen(self, connection: str, found: Mapping[str, str], now_us: int) -> dict[str, Definition | None]:
        changed: dict[str, Definition | None] = {}
        for tool, digest in found.items():
            before = self.of(connection, tool)
            if before is None or before.last != digest:
                changed[tool] = before
                self._known[connection, tool] = Definition(before.first if before else digest, digest)
        return changed
