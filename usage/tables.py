"""The tables of the counters, and every statement on them. Shell: SQL and nothing else.

The statements are ones that SQLite and PostgreSQL read alike; the latter's schema stands in `migrations/`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from usage.amounts import NAMES, Amounts
from usage.errors import UsageDown
from usage.ledger import NOW, Cell, Deltas, Reservation
from usage.scopes import Who
from usage.windows import SECOND, WINDOWS

VERSION = 1
COUNTS = [f"n_{name}" for name in NAMES]  # `values` is a word of SQL's own
COLUMNS = ", ".join(COUNTS)
SUMS = ", ".join(f"CAST(sum({name}) AS BIGINT)" for name in COUNTS)  # PostgreSQL's sums are no integers
RESERVED = ", ".join(f"r_{name}" for name in NAMES)
CHARGED = ", ".join(f"c_{name}" for name in NAMES)
MARKS = ", ".join("?" for _ in NAMES)
SCOPED = "identity, agent, session, connection"  # in the order of `scopes.SCOPES`
SCHEMA = (
    "CREATE TABLE meta (version INTEGER NOT NULL)",
    f"""CREATE TABLE cells (
        key BLOB NOT NULL, grain INTEGER NOT NULL, at INTEGER NOT NULL,
        {", ".join(f"{name} INTEGER NOT NULL" for name in COUNTS)}, PRIMARY KEY (key, grain, at)) WITHOUT ROWID""",
    "CREATE INDEX cells_by_age ON cells (grain, at)",
    f"""CREATE TABLE reservations (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, exchange TEXT NOT NULL UNIQUE, who TEXT NOT NULL,
        expires_us INTEGER NOT NULL, sent INTEGER NOT NULL, lost INTEGER NOT NULL, told INTEGER NOT NULL,
        identity BLOB NOT NULL, agent BLOB NOT NULL, session BLOB NOT NULL, connection BLOB NOT NULL,
        {", ".join(f"r_{name} INTEGER NOT NULL" for name in NAMES)},
        {", ".join(f"c_{name} INTEGER NOT NULL" for name in NAMES)})""",
    "CREATE INDEX reservations_by_expiry ON reservations (lost, expires_us)",
    """CREATE TABLE sightings (key BLOB NOT NULL, token BLOB NOT NULL, last_us INTEGER NOT NULL,
        PRIMARY KEY (key, token)) WITHOUT ROWID""",
    "CREATE INDEX sightings_by_age ON sightings (last_us)",
)
ADD = (
    f"INSERT INTO cells (key, grain, at, {COLUMNS}) VALUES (?, ?, ?, {MARKS})"  # noqa: S608 - names of ours
    " ON CONFLICT (key, grain, at) DO UPDATE SET "
    f"{', '.join(f'{name} = cells.{name} + excluded.{name}' for name in COUNTS)}"
)
OPEN, LOST, SETTLED = range(3)  # what `lost` says of a reservation
NOBODY = json.dumps(Who("", "", "", "", "").to_json())
PURGED = 5000  # of what was settled, in one purge: more than one second settles
READ = (
    f"SELECT grain, {SUMS} FROM cells WHERE key = ? AND (grain = {NOW}"  # noqa: S608
    + "".join(f" OR (grain = {window.length} AND at >= ?)" for window in WINDOWS)
    + ") GROUP BY grain"
)
FOUND = f"SELECT exchange, who, sent, lost, {RESERVED}, {CHARGED} FROM reservations"  # noqa: S608


class Conn(Protocol):
    """What is used of a connection."""

    def execute(self, sql: str, parameters: Any = ..., /) -> Any: ...
    def executemany(self, sql: str, parameters: Any, /) -> Any: ...


def install(conn: Conn) -> None:
    """Raises UsageDown when the file is of another version."""
    if not conn.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        for statement in SCHEMA:
            conn.execute(statement)
        conn.execute("INSERT INTO meta VALUES (?)", (VERSION,))
    found = conn.execute("SELECT version FROM meta").fetchall()
    if found != [(VERSION,)]:
        raise UsageDown("the counter file is not of this version")


def write(conn: Conn, deltas: Deltas) -> None:
    conn.executemany(ADD, [(*cell, *amounts.counts()) for cell, amounts in deltas.items() if amounts])


def read(conn: Conn, keys: Iterable[bytes], now_us: int) -> dict[bytes, dict[int, Amounts]]:
    since = [window.first(now_us) for window in WINDOWS]
    return {key: {row[0]: Amounts(*row[1:]) for row in conn.execute(READ, (key, *since))} for key in keys}


def put(conn: Conn, found: Reservation, expires_us: int) -> None:
    places = ", ".join("?" for _ in range(4))
    conn.execute(
        f"INSERT INTO reservations (exchange, who, expires_us, sent, lost, told, {SCOPED},"  # noqa: S608
        f" {RESERVED}, {CHARGED}) VALUES (?, ?, ?, 0, 0, 0, {places}, {MARKS}, {MARKS})",
        (found.exchange, json.dumps(found.who.to_json()), expires_us, *found.who.keys,
         *found.reserved.counts(), *found.charged.counts()),
    )  # fmt: skip


def get(conn: Conn, exchange: str) -> Reservation | None:
    row = conn.execute(f"{FOUND} WHERE exchange = ?", (exchange,)).fetchone()
    return _reservation(row) if row else None


def drop(conn: Conn, exchange: str) -> None:
    conn.execute("DELETE FROM reservations WHERE exchange = ?", (exchange,))


def ahead(conn: Conn, exchange: str, keys: Sequence[bytes]) -> list[Amounts]:
    """What is reserved per scope by this exchange and those before it. One scan: for the rare second look."""
    sums = ", ".join(f"CAST(sum(r_{name}) AS BIGINT)" for name in NAMES)
    found = [Amounts() for _ in keys]
    rows = conn.execute(
        f"SELECT {SCOPED}, {sums} FROM reservations WHERE lost = 0"  # noqa: S608
        f" AND seq <= (SELECT seq FROM reservations WHERE exchange = ?) GROUP BY {SCOPED}",
        (exchange,),
    )
    for row in rows:
        amounts = Amounts(*row[len(keys) :])
        for index, (theirs, ours) in enumerate(zip(row, keys, strict=False)):
            found[index] += amounts if theirs == ours else Amounts()
    return found


def renew(conn: Conn, exchanges: Mapping[str, bool], expires_us: int) -> None:
    """`exchanges`: to whether the request was let out. What was given up is not taken up again."""
    conn.executemany(
        "UPDATE reservations SET expires_us = ?, sent = CASE WHEN ? THEN 1 ELSE sent END"
        " WHERE exchange = ? AND lost = 0",
        [(expires_us, sent, exchange) for exchange, sent in exchanges.items()],
    )


def expired(conn: Conn, now_us: int, most: int) -> list[Reservation]:
    rows = conn.execute(f"{FOUND} WHERE lost = 0 AND expires_us <= ? LIMIT ?", (now_us, most))
    return [_reservation(row) for row in rows]


def lost(conn: Conn, exchange: str, charged: Amounts) -> None:
    """Kept, so that an end that comes late is charged only for what it is more."""
    values = ", ".join(f"c_{name} = ?" for name in NAMES)
    conn.execute(
        f"UPDATE reservations SET lost = 1, {values} WHERE exchange = ?",  # noqa: S608
        (*charged.counts(), exchange),
    )


def settled(conn: Conn, exchange: str, charged: Amounts, until_us: int) -> None:
    """Kept until then without its names."""
    values = ", ".join(f"c_{name} = ?" for name in NAMES)
    conn.execute(
        f"UPDATE reservations SET lost = {SETTLED}, who = ?, expires_us = ?, {values} WHERE exchange = ?",  # noqa: S608
        (NOBODY, until_us, *charged.counts(), exchange),
    )


def untold(conn: Conn, most: int, also: str = "") -> list[Reservation]:
    """`also`: a further condition, written in code."""
    query = f"{FOUND} WHERE lost = 1 AND told = 0{also} LIMIT ?"
    return [_reservation(row) for row in conn.execute(query, (most,))]


def told(conn: Conn, exchanges: Iterable[str]) -> None:
    conn.executemany("UPDATE reservations SET told = 1 WHERE exchange = ?", [(exchange,) for exchange in exchanges])


def seen(conn: Conn, key: bytes, tokens: Sequence[bytes], now_us: int) -> list[int | None]:
    """When each token was seen before; from now on, now."""
    before: list[int | None] = []
    for token in tokens:
        row = conn.execute("SELECT last_us FROM sightings WHERE key = ? AND token = ?", (key, token)).fetchone()
        before.append(row[0] if row else None)
    conn.executemany(
        "INSERT INTO sightings VALUES (?, ?, ?) ON CONFLICT (key, token) DO UPDATE SET last_us ="
        " CASE WHEN sightings.last_us > excluded.last_us THEN sightings.last_us ELSE excluded.last_us END",
        [(key, token, now_us) for token in tokens],
    )
    return before


def purge(conn: Conn, now_us: int, most: int) -> None:
    """Drops what no window reaches any more; at most `most` rows of each kind."""
    for window in WINDOWS:
        conn.execute(
            "DELETE FROM cells WHERE (key, grain, at) IN"
            " (SELECT key, grain, at FROM cells WHERE grain = ? AND at < ? LIMIT ?)",
            (window.length, window.first(now_us), most),
        )
    oldest = now_us - WINDOWS[-1].length * SECOND
    conn.execute(
        "DELETE FROM sightings WHERE (key, token) IN (SELECT key, token FROM sightings WHERE last_us < ? LIMIT ?)",
        (oldest - WINDOWS[-1].bucket * SECOND, most),
    )
    # a cell of reservations is dropped when it is empty; a lost exchange when its end can no longer come
    empty = " AND ".join(f"{name} = 0" for name in COUNTS)
    conn.execute(f"DELETE FROM cells WHERE grain = {NOW} AND {empty}")  # noqa: S608
    day = WINDOWS[2].length * SECOND
    conn.execute("DELETE FROM reservations WHERE lost = 1 AND told = 1 AND expires_us < ?", (now_us - day,))
    conn.execute(
        "DELETE FROM reservations WHERE seq IN"
        " (SELECT seq FROM reservations WHERE lost = ? AND expires_us < ? LIMIT ?)",
        (SETTLED, now_us, PURGED),
    )


def _reservation(row: Sequence[object]) -> Reservation:
    exchange, who, sent, lost_, *amounts = row
    count = len(NAMES)
    return Reservation(
        exchange=str(exchange),
        who=Who(**json.loads(str(who))),
        sent=bool(sent),
        lost=lost_ == LOST,
        settled=lost_ == SETTLED,
        reserved=Amounts(*amounts[:count]),  # type: ignore[arg-type]
        charged=Amounts(*amounts[count:]),  # type: ignore[arg-type]
    )


__all__ = ["Cell", "ahead", "drop", "expired", "get", "install", "lost", "purge", "put", "read", "renew", "seen",
           "settled", "told", "untold", "write"]  # fmt: skip
