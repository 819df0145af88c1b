"""What a gateway that shares notes in its own file: up to where its events are recorded, and what it saw last.

shared(database, pos)   one row: which database, and up to where this gateway's own facts are in its spool
saw(pos, mark)          one row: the last commit that it knows of, anybody's
"""

import sqlite3


def joined(local: sqlite3.Connection) -> tuple[str, int] | None:
    """(database, drained); None: it has never shared."""
    row = local.execute("SELECT database, pos FROM shared").fetchone()
    return (str(row[0]), int(row[1])) if row else None


def join(local: sqlite3.Connection, database: str, drained: int) -> None:
    local.execute("INSERT INTO shared VALUES (?,?)", (database, drained))


def drain(local: sqlite3.Connection, pos: int) -> None:
    local.execute("UPDATE shared SET pos = ?", (pos,))


def saw(local: sqlite3.Connection) -> tuple[int, str]:
    row = local.execute("SELECT pos, mark FROM saw").fetchone()
    return (int(row[0]), str(row[1])) if row else (0, "")


def note(local: sqlite3.Connection, pos: int, mark: str) -> None:
    local.execute("INSERT OR REPLACE INTO saw VALUES (1,?,?)", (pos, mark))
