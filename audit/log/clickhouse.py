"""The real target: clickhouse-connect over HTTP, to the embedded store or to a server.

Durability points are explicit: `async_insert=0` (an insert returns when its part is written), no deduplication.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from audit.log.rows import CheckpointRow, EventRow, FrameRow
from audit.log.target import Spans, StoredEvent, StoredFrame, TargetAway, TargetRefused
from runtime.errors import GatewayError

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

INSERT_SETTINGS: dict[str, Any] = {"async_insert": 0, "deduplicate_insert": "disable"}
# of a cluster: most replicas have it before it counts as written, and what is read back is what they have
QUORUM_INSERT: dict[str, Any] = {"insert_quorum": "auto", "insert_quorum_parallel": 0}
QUORUM_SELECT: dict[str, Any] = {"select_sequential_consistency": 1}

# Errors of the server or of its set-up, whatever the rows are: waiting or an operator helps, quarantine would not.
# Codes of ClickHouse's ErrorCodes.cpp.
SERVER_ERRORS = {
    16: "NO_SUCH_COLUMN_IN_TABLE",
    60: "UNKNOWN_TABLE",
    81: "UNKNOWN_DATABASE",
    159: "TIMEOUT_EXCEEDED",
    160: "TOO_SLOW",
    164: "READONLY",
    192: "UNKNOWN_USER",
    193: "WRONG_PASSWORD",
    194: "REQUIRED_PASSWORD",
    201: "QUOTA_EXCEEDED",
    202: "TOO_MANY_SIMULTANEOUS_QUERIES",
    209: "SOCKET_TIMEOUT",
    210: "NETWORK_ERROR",
    236: "ABORTED",
    241: "MEMORY_LIMIT_EXCEEDED",
    242: "TABLE_IS_READ_ONLY",
    243: "NOT_ENOUGH_SPACE",
    252: "TOO_MANY_PARTS",
    285: "TOO_FEW_LIVE_REPLICAS",
    286: "UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE",
    289: "REPLICA_IS_NOT_IN_QUORUM",
    319: "UNKNOWN_STATUS_OF_INSERT",
    394: "QUERY_WAS_CANCELLED",
    452: "SETTING_CONSTRAINT_VIOLATION",
    473: "DEADLOCK_AVOIDED",
    497: "ACCESS_DENIED",
    516: "AUTHENTICATION_FAILED",
    999: "KEEPER_EXCEPTION",
}

EVENT_TYPES = (
    "UInt64",
    "LowCardinality(String)",
    "UInt64",
    "UInt32",
    "UUID",
    "DateTime64(6, 'UTC')",
    *["LowCardinality(String)"] * 3,
    "String",
    "String",
    *["LowCardinality(String)"] * 2,
    "String",
    *["LowCardinality(String)"] * 3,
    "String",
    "FixedString(32)",
    "FixedString(32)",
)
FRAME_TYPES = (
    "LowCardinality(String)",
    "UInt64",
    "UInt32",
    "String",
    "String",
    "LowCardinality(String)",
    "UInt32",
    "DateTime64(6, 'UTC')",
    "LowCardinality(String)",
    "FixedString(16)",
    "FixedString(32)",
    "String",
)
CHECKPOINT_TYPES = ("LowCardinality(String)", "UInt64", "FixedString(32)", "DateTime64(6, 'UTC')", "String")


class ClickHouseTarget:
    def __init__(self, connect: Callable[[], "Client"], database: str, *, quorum: bool = False) -> None:
        """`connect` may fail (GatewayError): it is tried again with each call. `quorum`: for replicated tables."""
        self._connect, self._database = connect, database
        self._insert_settings = INSERT_SETTINGS | (QUORUM_INSERT if quorum else {})
        self._select_settings = QUORUM_SELECT if quorum else {}
        self._client: Client | None = None

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def events(self, spans: Spans) -> Sequence[StoredEvent]:
        rows = self._select("writer, seq, log_index, SHA256(body)", "events", spans)
        return [(writer, seq, index, digest) for writer, seq, index, digest in rows]

    def frames(self, spans: Spans) -> Sequence[StoredFrame]:
        rows = self._select("writer, seq, ordinal, SHA256(concat(salt, content))", "frames", spans)
        return [(writer, seq, ordinal, digest) for writer, seq, ordinal, digest in rows]

    def insert_events(self, rows: Sequence[EventRow]) -> None:
        self._insert("events", rows, EventRow._fields, EVENT_TYPES)

    def insert_frames(self, rows: Sequence[FrameRow]) -> None:
        self._insert("frames", rows, FrameRow._fields, FRAME_TYPES)

    def insert_checkpoints(self, rows: Sequence[CheckpointRow]) -> None:
        self._insert("checkpoints", rows, CheckpointRow._fields, CHECKPOINT_TYPES)

    def _select(self, columns: str, table: str, spans: Spans) -> Sequence[Sequence[Any]]:
        """Rows within `spans`; names and numbers travel as server-side parameters."""
        parts, values = [], dict[str, Any]()
        for number, (writer, (first, last)) in enumerate(spans.items()):
            parts.append(
                f"(writer = {{w{number}:String}} AND seq BETWEEN {{a{number}:UInt64}} AND {{b{number}:UInt64}})"
            )
            values |= {f"w{number}": writer, f"a{number}": first, f"b{number}": last}
        query = f"SELECT {columns} FROM {self._database}.{table} WHERE {' OR '.join(parts)}"  # noqa: S608 - bound above
        with self._mapped() as client:
            rows: Sequence[Sequence[Any]] = client.query(
                query, parameters=values, settings=self._select_settings
            ).result_rows
            return rows

    def _insert(self, table: str, rows: Sequence[Any], names: Sequence[str], types: Sequence[str]) -> None:
        with self._mapped() as client:
            client.insert(
                table,
                list(zip(*rows, strict=True)),
                column_names=names,
                database=self._database,
                column_type_names=types,
                column_oriented=True,
                settings=self._insert_settings,
            )

    @contextmanager
    def _mapped(self) -> Iterator["Client"]:
        """A connected client; its errors as ours."""
        from clickhouse_connect.driver.exceptions import ClickHouseError, OperationalError

        try:
            if self._client is None:
                self._client = self._connect()
            yield self._client
        except OperationalError as error:
            raise TargetAway(f"ClickHouse does not answer: {_reason(error)}") from None
        except ClickHouseError as error:
            if _servers_fault(error):
                raise TargetAway(f"ClickHouse cannot take rows now: {_reason(error)}") from None
            raise TargetRefused(_reason(error)) from None
        except (TargetAway, TargetRefused):
            raise
        except GatewayError as error:
            raise TargetAway(error.message) from None
        except OSError as error:
            raise TargetAway(f"ClickHouse does not answer: {type(error).__name__}") from None


def _servers_fault(error: Exception) -> bool:
    """Without a code it was a proxy in between that answered, unless the client itself could not write the rows."""
    from clickhouse_connect.driver.exceptions import DataError

    code = getattr(error, "code", None)
    return code in SERVER_ERRORS or (code is None and not isinstance(error, DataError))


def _reason(error: Exception) -> str:
    """The server's error name or code; never its text, which may quote a row."""
    code = getattr(error, "code", None)
    name = getattr(error, "name", None) or (SERVER_ERRORS.get(code) if code is not None else None)
    return name or (f"code {code}" if code is not None else type(error).__name__)
