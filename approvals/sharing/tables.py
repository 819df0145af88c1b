"""The shared tables, and every statement on them. Shell: SQL and nothing else. The driver's connections are untyped."""

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from approvals.attendance import Seat
from approvals.errors import StoreFailed
from approvals.evidence import Change
from approvals.facts import Shown
from approvals.rows import ADAPTERS, Entry, body
from approvals.store import DELIVERIES_KEPT_US, FINISHED_SHOWN
from runtime.ids import uuid7

CHANNEL = "exeat_approvals"
AWAY_SECONDS = 90  # three times as long as a process is silent
GONE_SECONDS = 31 * 86_400  # nothing is kept for a gateway that was away for so long
AT_ONCE = 5000
ROW = "gateway, kind, id, n, body"
Row = tuple[str, int, bytes]  # id, n, body


def lock(conn: Any) -> tuple[str, int, str]:
    """(database, last position, its mark); nobody else's round begins before this transaction ends."""
    row = conn.execute("SELECT database, pos, mark FROM house FOR UPDATE").fetchone()
    return str(row[0]), int(row[1]), str(row[2])


def last(conn: Any) -> tuple[int, str]:
    row = conn.execute("SELECT pos, mark FROM house").fetchone()
    return int(row[0]), str(row[1])


def mark(conn: Any, pos: int) -> str | None:
    """Of the commit that ended there; None: none did, or nobody needs to know any more."""
    row = conn.execute("SELECT mark FROM marks WHERE pos = %s", (pos,)).fetchone()
    return str(row[0]) if row else None


def drained(conn: Any, gateway: str) -> int | None:
    """Up to where this gateway said last that its own facts are recorded; None: it never was here."""
    row = conn.execute("SELECT drained FROM gateways WHERE id = %s", (gateway,)).fetchone()
    return int(row[0]) if row else None


def since(conn: Any, seen: int, until: int) -> list[Entry]:
    """What stands after `seen`, up to `until`. Raises StoreFailed when some of it is gone."""
    query = f"SELECT {ROW} FROM log WHERE pos > %s AND pos <= %s ORDER BY pos"  # noqa: S608 - names of ours
    rows = conn.execute(query, (seen, until)).fetchall()
    if len(rows) != until - seen:
        raise StoreFailed("what others did was forgotten before this process read it")
    return [entry(row) for row in rows]


def own(conn: Any, gateway: str, after: int, until: int) -> list[tuple[int, Entry]]:
    """What this gateway made there, with positions; at most 500."""
    query = f"SELECT pos, {ROW} FROM log WHERE gateway = %s AND pos > %s AND pos <= %s ORDER BY pos LIMIT 500"  # noqa: S608
    return [(int(row[0]), entry(row[1:])) for row in conn.execute(query, (gateway, after, until)).fetchall()]


def facts(conn: Any, kind: str, ids: Sequence[str] | None = None) -> list[Row]:
    """In order, of these or of all."""
    query = "SELECT id, n, body FROM log WHERE kind = %s AND (%s::text[] IS NULL OR id = ANY(%s)) ORDER BY id, n"
    wanted = None if ids is None else list(ids)
    return [(row[0], int(row[1]), bytes(row[2])) for row in conn.execute(query, (kind, wanted, wanted)).fetchall()]


def latest(conn: Any, kind: str) -> list[Row]:
    """The last fact of each."""
    query = "SELECT DISTINCT ON (id) id, n, body FROM log WHERE kind = %s ORDER BY id, n DESC"
    return [(row[0], int(row[1]), bytes(row[2])) for row in conn.execute(query, (kind,)).fetchall()]


def grouped(kind: str, rows: Iterable[Row]) -> dict[str, list[Any]]:
    """By id, in their order. Raises StoreFailed."""
    found: dict[str, list[Any]] = {}
    for id_, n, content in rows:
        found.setdefault(id_, []).append(decoded(kind, id_, n, content))
    return found


def decoded(kind: str, id_: str, n: int, content: bytes) -> Any:
    """A fact of the kind's own type. Raises StoreFailed, which quotes nothing of it."""
    adapter = ADAPTERS.get(kind)
    with contextlib.suppress(ValueError):  # pydantic's quotes what it read
        if adapter is not None:
            return adapter.validate_json(content)
    raise StoreFailed(f"{kind} {id_}, fact {n}: this version of Exeat does not know it, or it was tampered with")


def append(conn: Any, pos: int, entries: Sequence[Entry]) -> tuple[int, str]:
    """They take the positions after `pos`; returns the last one and its mark. Who listens hears of it at the commit."""
    made, new = str(uuid7()), pos + len(entries)
    rows = [
        (pos + place, each.gateway, each.kind, each.id, each.fact.n, each.exchange, body(each))
        for place, each in enumerate(entries, 1)
    ]
    with conn.cursor() as cursor:
        cursor.executemany("INSERT INTO log VALUES (%s,%s,%s,%s,%s,%s,%s)", rows)
    conn.execute("INSERT INTO marks VALUES (%s, %s)", (new, made))
    conn.execute("UPDATE house SET pos = %s, mark = %s", (new, made))
    conn.execute("SELECT pg_notify(%s, '')", (CHANNEL,))
    return new, made


def index(conn: Any, changes: Iterable[Change]) -> None:
    """The cards of these changes, and what approvers are to be shown."""
    after = {change.after.id: change.after for change in changes}
    rows = [(at.id, str(at.state), not at.state.final, at.changed_us) for at in after.values()]
    contents = [(change.after.id, change.shown.media, change.shown.content) for change in changes if change.shown]
    with conn.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO cards VALUES (%s,%s,%s,%s) ON CONFLICT (id) DO UPDATE"
            " SET state = excluded.state, open = excluded.open, changed_us = excluded.changed_us",
            rows,
        )
        cursor.executemany("INSERT INTO shown VALUES (%s,%s,%s)", contents)


def cards(conn: Any, *, opened: bool) -> list[str]:
    """Ids: all that are open, oldest first, or the latest that ended, newest first."""
    if opened:
        return [row[0] for row in conn.execute("SELECT id FROM cards WHERE open ORDER BY id").fetchall()]
    query = "SELECT id FROM cards WHERE NOT open ORDER BY changed_us DESC LIMIT %s"
    return [row[0] for row in conn.execute(query, (FINISHED_SHOWN,)).fetchall()]


def shown(conn: Any, approval_id: str) -> Shown | None:
    row = conn.execute("SELECT media, content FROM shown WHERE id = %s", (approval_id,)).fetchone()
    return Shown(row[0], bytes(row[1])) if row else None


def elsewhere(conn: Any, gateway: str) -> Mapping[Seat, str]:
    """By where the client of each exchange of what is open came last, if not here."""
    query = (
        "SELECT l.id, l.exchange, l.gateway FROM log l JOIN cards c ON c.id = l.id AND c.open"
        " WHERE l.kind = 'approval' AND l.exchange <> '' ORDER BY l.pos"
    )
    found = {(row[0], row[1]): row[2] for row in conn.execute(query).fetchall()}
    return {seat: other for seat, other in found.items() if other != gateway}


def delivered(conn: Any) -> frozenset[tuple[str, str]]:
    return frozenset((row[0], row[1]) for row in conn.execute("SELECT notifier, note FROM deliveries").fetchall())


def deliver(conn: Any, deliveries: Iterable[tuple[str, str]], at_us: int) -> None:
    with conn.cursor() as cursor:
        query = "INSERT INTO deliveries VALUES (%s,%s,%s) ON CONFLICT DO NOTHING"
        cursor.executemany(query, [(*each, at_us) for each in deliveries])


def alive(conn: Any, gateway: str, drained: int, marked: int) -> frozenset[str]:
    """Says that this gateway lives; returns those that do not. Time is the server's, for all of them."""
    conn.execute(
        "INSERT INTO gateways VALUES (%s, %s, now(), %s) ON CONFLICT (id) DO UPDATE"
        " SET drained = excluded.drained, seen = excluded.seen, marked = excluded.marked",
        (gateway, drained, marked),
    )
    query = "SELECT id FROM gateways WHERE seen < now() - %s * interval '1 second'"
    return frozenset(row[0] for row in conn.execute(query, (AWAY_SECONDS,)).fetchall())


def forget(conn: Any, before_us: int, most: int) -> int:
    """Not what its own gateway has still to record."""
    query = (
        "SELECT id FROM cards c WHERE NOT open AND changed_us < %s AND NOT EXISTS (SELECT 1 FROM log l"
        " LEFT JOIN gateways g ON g.id = l.gateway"
        " WHERE l.kind = 'approval' AND l.id = c.id AND l.pos > coalesce(g.drained, 0))"
        " ORDER BY changed_us LIMIT %s FOR UPDATE OF c SKIP LOCKED"
    )
    ids = [row[0] for row in conn.execute(query, (before_us, most)).fetchall()]
    conn.execute("DELETE FROM shown WHERE id = ANY(%s)", (ids,))
    conn.execute("DELETE FROM log WHERE kind = 'approval' AND id = ANY(%s)", (ids,))
    conn.execute("DELETE FROM cards WHERE id = ANY(%s)", (ids,))
    conn.execute("DELETE FROM deliveries WHERE at_us < %s", (before_us - DELIVERIES_KEPT_US,))
    _forget_what_all_know(conn)
    return len(ids)


def _forget_what_all_know(conn: Any) -> None:
    """Old marks, and what an authenticator was before: each signature makes a fact of it, and the last one says all."""
    row = conn.execute(
        "SELECT min(marked) FROM gateways WHERE seen > now() - %s * interval '1 second'", (GONE_SECONDS,)
    ).fetchone()
    conn.execute(
        "DELETE FROM marks WHERE pos IN"
        " (SELECT pos FROM marks WHERE pos < %s ORDER BY pos LIMIT %s FOR UPDATE SKIP LOCKED)",
        (row[0], AT_ONCE),
    )
    conn.execute(
        "DELETE FROM log WHERE pos IN"
        " (SELECT l.pos FROM log l JOIN gateways g ON g.id = l.gateway AND l.pos <= g.drained"
        " WHERE l.kind = 'authenticator' AND l.pos < %s"
        " AND EXISTS (SELECT 1 FROM log m WHERE m.kind = l.kind AND m.id = l.id AND m.n > l.n)"
        " LIMIT %s FOR UPDATE OF l SKIP LOCKED)",
        (row[0], AT_ONCE),
    )


def claim(conn: Any, what: str) -> bool:
    """Ours until the connection ends, if it is nobody else's."""
    row = conn.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", (f"exeat approvals {what}",)).fetchone()
    return bool(row[0])


def entry(row: Sequence[Any]) -> Entry:
    gateway, kind, id_, n, content = row
    return Entry(gateway, kind, id_, decoded(kind, id_, int(n), bytes(content)))
