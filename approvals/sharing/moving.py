"""A gateway that begins to share brings what it knows: open cards, standing grants, and above all revocations.

Once, when its file does not name a shared database yet. Their events are in its spool already, so positions that they
take count as recorded. A second try after a crash finds them there.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any

from approvals.facts import Shown
from approvals.rows import ADAPTERS, Entry
from approvals.sharing import tables

OWN = {
    "authenticator": "SELECT id, body FROM authenticators ORDER BY id",
    "revocation": "SELECT id, body FROM revocations ORDER BY id, n",
    "standing": "SELECT id, body FROM standings ORDER BY id, n",
    "approval": "SELECT approval, body FROM facts JOIN cards ON cards.id = approval AND open = 1 ORDER BY approval, n",
}


def own(local: sqlite3.Connection, gateway: str) -> list[Entry]:
    """What it has to bring: read before the house is locked, since ten thousand cards take a while."""
    return [
        Entry(gateway, kind, row[0], ADAPTERS[kind].validate_json(bytes(row[1])))
        for kind, query in OWN.items()
        for row in local.execute(query).fetchall()
    ]


def move(local: sqlite3.Connection, conn: Any, entries: Sequence[Entry], pos: int, mark: str) -> tuple[int, str]:
    """Inside a transaction that has locked the house; returns its last position and mark."""
    there = {
        (kind, row[0])
        for kind in OWN
        for row in tables.facts(conn, kind, [each.id for each in entries if each.kind == kind])
    }
    entries = [each for each in entries if (each.kind, each.id) not in there]
    ids = {each.id for each in entries if each.kind == "approval"}
    for row in local.execute("SELECT id, state, changed_us FROM cards WHERE open = 1").fetchall():
        if row[0] in ids:
            conn.execute("INSERT INTO cards VALUES (%s,%s,true,%s)", row)
            content = _shown(local, row[0])
            conn.execute("INSERT INTO shown VALUES (%s,%s,%s)", (row[0], content.media, content.content))
    told = local.execute("SELECT notifier, note, at_us FROM deliveries").fetchall()
    for notifier, note, at_us in told:
        tables.deliver(conn, [(notifier, note)], at_us)
    return tables.append(conn, pos, entries) if entries else (pos, mark)


def _shown(local: sqlite3.Connection, approval_id: str) -> Shown:
    row = local.execute("SELECT media, content FROM shown WHERE id = ?", (approval_id,)).fetchone()
    return Shown(row[0], bytes(row[1]))
