"""Verifying what stands in ClickHouse.

Bodies travel here and are hashed here. Frames are hashed by the server unless they are asked for: their content may
be a thousand times the events'.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from audit.verify.body import Event
from audit.verify.findings import CannotVerify, Finding, Flaw, Report
from audit.verify.frames import Expected, FrameRecord
from audit.verify.handover import EVENT, followed, note_in
from audit.verify.notes import Checkpoint, Key, NoteRefused, open_checkpoint, parse_keys
from audit.verify.package import told_beside
from audit.verify.retention import Retention
from audit.verify.rows import Row, verify_rows
from audit.verify.signatures import Signatures
from audit.verify.tiles import NO_WITNESS, Published, read_tiles

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

STRETCH = 20_000  # log indexes per query: about 20 MB of bodies, sorted by the server within its limits
FRESH_US = 60_000_000  # entries published less than this ago may be on their way: batches, backoff, a restart

EVENTS = (
    "log_index, writer, seq, epoch, toString(event_id), toUnixTimestamp64Micro(ts), kind, type, gateway, exchange,"
    " session, connection, issuer, subject, agent, effect, snapshot, prev, body, hash"
)
FRAMES = (
    "writer, seq, ordinal, direction, idx, toUnixTimestamp64Micro(at), media, length(content),"
    " SHA256(concat(salt, content)), sha256"
)


def connect(url: str) -> "Client":
    """A client for `http://user:password@host:port`. Raises CannotVerify."""
    import clickhouse_connect
    from clickhouse_connect.driver.exceptions import ClickHouseError

    parts = urlsplit(url)
    secure = parts.scheme == "https"
    try:
        client: Client = clickhouse_connect.get_client(
            host=parts.hostname or "127.0.0.1",
            port=parts.port or (8443 if secure else 8123),
            secure=secure,
            username=unquote(parts.username or "default"),
            password=unquote(parts.password or ""),
            autogenerate_session_id=False,
        )
    except ClickHouseError:
        raise CannotVerify(
            f"ClickHouse at {parts.hostname}:{parts.port} does not answer, or refuses the user"
        ) from None
    return client


def verify_clickhouse(
    client: "Client",
    vkeys: Sequence[str],
    *,
    tiles: Path | None = None,
    witnessed: Sequence[Checkpoint] = (),
    database: str = "audit",
    gateway: str | None = None,
    beside: Sequence[Path] = (),
) -> Report:
    """Every event, frame and checkpoint of `gateway` (default: of the log that the first key signs).

    `tiles`: the published log, which names each flaw exactly. `witnessed`: checkpoints kept off this machine.
    `beside`: packages of gateways that share approvals with this one (`verify_package`).
    """
    keys = parse_keys(vkeys)
    if not keys:
        raise CannotVerify("a verifier key of the log is needed (keys/log.vkey)")
    return _Live(client, keys, database, gateway or keys[0].name).verify(tiles, witnessed, beside)


class _Live:
    def __init__(self, client: "Client", keys: Sequence[Key], database: str, gateway: str) -> None:
        self._client, self._database, self._gateway = client, database, gateway
        self._report = Report(f"gateway {gateway} in ClickHouse")
        self._keys = followed(keys, handovers(client, database, gateway), self._report)
        self._expected, self._retention, self._signatures = Expected(), Retention(), Signatures()

    def verify(self, tiles: Path | None, witnessed: Sequence[Checkpoint], beside: Sequence[Path]) -> Report:
        report = self._report
        self._signatures.beside(told_beside(beside, report))
        checkpoints = [*self._checkpoints(), *witnessed]
        last = self._last_index()
        log = read_tiles(tiles, self._keys, report) if tiles is not None else None
        end = max(last, log.size - 1 if log else -1)
        fresh = self._now_us() - FRESH_US
        rows = self._rows(end)
        gone = self._retention
        found = verify_rows(rows, checkpoints, log=log, told=self._told, fresh_us=fresh, retention=gone)
        self._check_frames()
        self._orphans(found.writers, fresh)
        report.merge(found)
        gone.settle(report)
        self._signatures.settle(report, gone.record_gone(seen=log is not None))
        self._strangers(log)
        if not witnessed:
            report.note(NO_WITNESS)
        report.sort()
        return report

    def _told(self, event: Event, log_index: int) -> None:
        self._expected.add(event, log_index)
        self._signatures.told(event, log_index)

    def _rows(self, end: int) -> Iterator[Row]:
        """Rows by log index, in stretches; frames are checked between them, so that memory stays bounded. The server
        prepares the next stretch while this one is looked at."""
        with ThreadPoolExecutor(1) as ahead:
            start = 0
            coming = ahead.submit(self._stretch, start, end)
            while start <= end:
                rows, stop = coming.result(), start + STRETCH
                if not rows:
                    stop = self._next_index(stop, end)
                coming = ahead.submit(self._stretch, stop, end)
                yield from map(_row, rows)
                self._check_frames()
                start = stop

    def _stretch(self, start: int, end: int) -> Sequence[Sequence[Any]]:
        if start > end:
            return []
        where = "gateway = {g:String} AND log_index >= {a:UInt64} AND log_index < {b:UInt64}"
        sql = f"SELECT {EVENTS} FROM {self._database}.events WHERE {where} ORDER BY log_index, writer, seq"  # noqa: S608
        values = {"g": self._gateway, "a": start, "b": min(start + STRETCH, end + 1)}
        return _ask(self._client, sql, values, {"body": "bytes"})

    def _next_index(self, start: int, end: int) -> int:
        """Jumps over emptiness: a forged row may claim any index."""
        where = "gateway = {g:String} AND log_index >= {a:UInt64}"
        query = f"SELECT count(), min(log_index) FROM {self._database}.events WHERE {where}"  # noqa: S608
        count, first = self._query(query, {"g": self._gateway, "a": start})[0]
        return int(first) if count else end + 1

    def _last_index(self) -> int:
        query = f"SELECT count(), max(log_index) FROM {self._database}.events WHERE gateway = {{g:String}}"  # noqa: S608
        count, last = self._query(query, {"g": self._gateway})[0]
        return int(last) if count else -1

    def _check_frames(self) -> None:
        """The frames of the events read since the last time."""
        spans = self._expected.spans()
        if not spans:
            return
        where, values = _within(spans)
        query = f"SELECT {FRAMES} FROM {self._database}.frames WHERE {where} ORDER BY writer, seq, ordinal"  # noqa: S608
        self._expected.check((FrameRecord(*row) for row in self._query(query, values)), self._report, self._retention)
        self._expected.clear()

    def _orphans(self, writers: Mapping[str, tuple[int, int]], fresh_us: int) -> None:
        """Frames outside of every writer's sequence; new ones may stand here for a moment before their events."""
        where, values = _within(writers)
        query = (
            f"SELECT writer, seq, count() FROM {self._database}.frames WHERE NOT ({where})"  # noqa: S608
            " AND toUnixTimestamp64Micro(at) < {f:Int64} GROUP BY writer, seq ORDER BY writer, seq LIMIT 1000"
        )
        for writer, seq, count in self._query(query, {**values, "f": fresh_us}):
            self._report.add(Finding(Flaw.FRAME, f"{count} frames that no event names", None, writer, seq))

    def _checkpoints(self) -> Iterator[Checkpoint]:
        """The checkpoints that stand in ClickHouse, each as its note says and not as its columns do."""
        query = f"SELECT size, root, note FROM {self._database}.checkpoints WHERE gateway = {{g:String}} ORDER BY size"  # noqa: S608
        seen: set[str] = set()
        for size, root, note in self._query(query, {"g": self._gateway}):
            if note in seen:
                continue  # a reply that was lost doubles a row, and equal notes say the same
            seen.add(note)
            source = f"the checkpoint over {size} entries in ClickHouse"
            try:
                point = open_checkpoint(note, self._keys, source)
            except NoteRefused as error:
                self._report.add(Finding(Flaw.FORGED, f"{source}: {error}"))
                continue
            if (point.size, point.root) != (size, bytes(root)):
                self._report.add(Finding(Flaw.EDITED, f"{source}: its columns are not what its note says"))
            yield point

    def _strangers(self, log: Published | None) -> None:
        """Events of gateways that no key of ours vouches for: a forged row need not claim to be ours."""
        names = ", ".join(repr(key.name) for key in self._keys)
        query = f"SELECT gateway, count() FROM {self._database}.events GROUP BY gateway ORDER BY gateway"  # noqa: S608
        for gateway, count in self._query(query, {}):
            if gateway != self._gateway:
                self._report.note(f"{count} events of gateway {gateway!r} were not looked at (keys given: {names})")
        if log is None:
            self._report.note("without the log's tiles a changed event is named by its chain, or else as a span")

    def _now_us(self) -> int:
        return int(self._query("SELECT toUnixTimestamp64Micro(now64(6))", {})[0][0])

    def _query(self, sql: str, values: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        return _ask(self._client, sql, values)


def handovers(client: "Client", database: str, gateway: str) -> list[str]:
    """Notes by which the log was handed to another key, as they stand in ClickHouse; each proves itself."""
    query = f"SELECT body FROM {database}.events WHERE gateway = {{g:String}} AND type = {{t:String}} LIMIT 1000"  # noqa: S608
    return [note_in(str(row[0])) for row in _ask(client, query, {"g": gateway, "t": EVENT})]


def _ask(
    client: "Client", sql: str, values: Mapping[str, Any], formats: dict[str, str] | None = None
) -> Sequence[Sequence[Any]]:
    """`formats`: how columns are to be read, in clickhouse-connect's words. Raises CannotVerify."""
    from clickhouse_connect.driver.exceptions import ClickHouseError

    try:
        rows: Sequence[Sequence[Any]] = client.query(sql, parameters=dict(values), column_formats=formats).result_rows
    except ClickHouseError as error:
        raise CannotVerify(f"ClickHouse refused a question of the verifier: {error}") from None
    return rows


def _row(values: Sequence[Any]) -> Row:
    return Row(values[0], values[1], values[2], values[-2], values[-1], tuple(values[3:-2]))


def _within(spans: Mapping[str, tuple[int, int]]) -> tuple[str, dict[str, Any]]:
    """A condition over (writer, seq), and its parameters."""
    parts, values = ["0"], dict[str, Any]()
    for number, (writer, (first, last)) in enumerate(spans.items()):
        parts.append(f"(writer = {{w{number}:String}} AND seq BETWEEN {{a{number}:UInt64}} AND {{b{number}:UInt64}})")
        values |= {f"w{number}": writer, f"a{number}": first, f"b{number}": last}
    return " OR ".join(parts), values
