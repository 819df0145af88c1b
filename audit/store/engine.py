"""The only file that imports chDB: one embedded engine per data folder, one handle per request.

The engine has a single user; what that user may do right now is its *duty*, written as grants in an XML file that is
read when the first handle opens. Serving needs no more than SELECT and INSERT, so DROP, TRUNCATE, DELETE, file() and
url() are refused by the engine itself, whatever the HTTP side lets through. Duties change by closing every handle
and opening again (0.05 s).
"""

import contextlib
import importlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from audit.store.faults import Fault, from_engine
from audit.store.migrate import check_database
from runtime.errors import GatewayError
from runtime.fileio import atomic_write, exclusive, private_dir

SPARE_BYTES = 16 << 20  # for merges and what the engine keeps beside the rows
RESERVED_BYTES = 2 << 20  # the engine reserves 1 MiB for the smallest part


class StoreBusy(GatewayError):
    """Another process holds the data folder: chDB's lock is exclusive."""

    code = "store_busy"


class StoreBroken(GatewayError):
    code = "store_broken"


class Duty(Enum):
    """What the engine's user is granted on the database. DROP PARTITION asks for the grant ALTER DELETE."""

    SERVE = "SELECT, INSERT"
    MIGRATE = "SELECT, INSERT, CREATE DATABASE, CREATE TABLE, CREATE VIEW, DROP VIEW, ALTER ADD COLUMN, ALTER ADD INDEX"
    PRUNE = "SELECT, ALTER DELETE"


class Engine:
    """`open(duty)`, then `handle()` per request, then `close()`. Handles may be used from any one thread at a time."""

    def __init__(self, data_dir: Path, database: str = "audit") -> None:
        self.database = check_database(database)
        self.version = ""
        self.table_functions: frozenset[str] = frozenset()
        self._data = data_dir
        self._lock: int | None = None
        self._anchor: Any = None  # keeps the engine alive between requests

    def open(self, duty: Duty) -> None:
        """Raises StoreBusy when another process serves this folder, StoreBroken when the engine cannot start."""
        private_dir(self._data)
        self._take_lock()
        self._write_config(duty)
        try:
            self._anchor = self._connect()
        except RuntimeError as error:
            raise StoreBroken(f"the engine cannot open {self._data}: {error}") from None
        self.version = self.rows("SELECT version()")[0][0]
        names = self.rows("SELECT lower(name) FROM system.table_functions")
        self.table_functions = frozenset(str(row[0]) for row in names)

    def close(self) -> None:
        """Flushes and releases the folder; open handles must be closed before."""
        if self._anchor is not None:
            self._anchor.close()
            self._anchor = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @contextlib.contextmanager
    def handle(self) -> Iterator["Handle"]:
        """A fresh session (about 1 ms): settings and limits of one request never reach the next. Raises Fault."""
        if self._anchor is None:  # a connection now would open the engine without our lock
            raise Fault(439, "CANNOT_SCHEDULE_TASK", "the store is not open")
        raw = self._connect()
        try:
            yield Handle(raw, self.database, lambda: shutil.disk_usage(self._data).free)
        finally:
            raw.close()

    def rows(self, sql: str) -> list[list[Any]]:
        """For our own statements (migrations, start-up); everything fits in memory. Raises Fault."""
        with self.handle() as handle:
            text = handle.query(sql, "JSONCompactEachRow").decode()
        return [json.loads(line) for line in text.splitlines()]

    def _take_lock(self) -> None:
        """Our own lock beside the engine's: its error does not say which process or why."""
        try:
            self._lock = exclusive(self._data / "lock")
        except BlockingIOError:
            raise StoreBusy(f"another process has {self._data} open; one store serves one folder") from None

    def _connect(self) -> Any:
        chdb: Any = importlib.import_module("chdb._chdb")  # 300 MB and about a second: only the store pays for it
        return chdb.connect(f"{self._data / 'data'}?config-file={self._data / 'config.xml'}")

    def _write_config(self, duty: Duty) -> None:
        scripts, files = private_dir(self._data / "scripts"), private_dir(self._data / "files")
        users = self._data / "users.xml"
        atomic_write(users, _USERS.format(grants=f"GRANT {duty.value} ON {self.database}.*").encode())
        folders = {name: escape(str(path.absolute())) for name, path in (("scripts", scripts), ("files", files))}
        config = _CONFIG.format(users=escape(str(users.absolute())), **folders)
        atomic_write(self._data / "config.xml", config.encode())


_CONFIG = """<clickhouse>
  <logger><level>none</level></logger>
  <timezone>UTC</timezone>
  <user_files_path>{files}</user_files_path>
  <user_scripts_path>{scripts}</user_scripts_path>
  <user_directories><users_xml><path>{users}</path></users_xml></user_directories>
</clickhouse>
"""
_USERS = """<clickhouse>
  <profiles><default/></profiles><quotas><default/></quotas>
  <users><default>
    <password></password><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota>
    <grants><query>{grants}</query></grants>
  </default></users>
</clickhouse>
"""


class Handle:
    """One session of the engine. Every method raises Fault with ClickHouse's own code and name."""

    def __init__(self, raw: Any, database: str, free: Callable[[], int]) -> None:
        """`free`: bytes left on the engine's disk."""
        self._raw = raw
        self._database = database
        self._free = free

    def use_database(self) -> None:
        self._query(f"USE {self._database}", "TSV")

    def set(self, settings: dict[str, str]) -> None:
        """Values are bound as literals; names must be plain (the caller's allow-list has seen them)."""
        if settings:
            pairs = ", ".join(f"{_plain(name)} = {literal(value)}" for name, value in settings.items())
            self._query(f"SET {pairs}", "TSV")

    def query(self, sql: str, output: str, params: dict[str, str] | None = None) -> bytes:
        return bytes(self._query(sql, output, params).bytes())

    def stream(self, sql: str, output: str, params: dict[str, str]) -> Iterator[tuple[bytes, int]]:
        """(bytes, rows) block by block; only for formats without head or tail. Closing the iterator cancels."""
        with _faults():
            running = self._raw.send_query(sql, output, params=params)
        ended = False
        try:
            while True:
                with _faults():
                    block = self._raw.streaming_fetch_result(running)
                if block is None or block.rows_read() == 0:
                    ended = True
                    return
                yield bytes(block.bytes()), int(block.rows_read())
        finally:
            if not ended:
                with contextlib.suppress(Exception):
                    self._raw.streaming_cancel_query(running)

    def insert(self, head: str, input_format: str, data: bytes) -> int:
        """Appends `data` to an INSERT without FORMAT clause; returns rows written, durable on return.

        Out of disk, this way of inserting ends as if it had succeeded (chDB 4.4; `query` raises). So the room is looked
        at before, and after: were it gone in between, nobody would know what is there, and we say no.
        """
        self._room(SPARE_BYTES + 2 * len(data))
        with _faults():
            inserter = self._raw.send_insert(head, input_format)
            self._raw.insert_append(inserter, data)
            result = self._raw.insert_done(inserter)
        self._room(RESERVED_BYTES)
        return int(result.rows_written())

    def _room(self, needed: int) -> None:
        free = self._free()
        if free < needed:
            raise Fault(243, "NOT_ENOUGH_SPACE", f"The disk of the store has {free} bytes left, {needed} are needed.")

    def classify(self, sql: str) -> tuple[str, int, bool]:
        """(READ_ONLY | MUTATING | CONTROL | UNKNOWN, number of statements, writes nothing outside our database)."""
        with _faults():
            report = self._raw.classify_query(sql, self._database)
        kind = str(getattr(report["query_class"], "name", report["query_class"]))
        return kind, int(report["statement_count"]), bool(report["writes_only_target_database"])

    def normalised(self, sql: str) -> str:
        """The statement as the engine's own parser understood it: no comments, no escapes in names."""
        try:
            return self.query("SELECT formatQuery({sql:String})", "RawBLOB", {"sql": escaped(sql)}).decode()
        except Fault as fault:
            raise Fault(fault.code, fault.name, fault.text.partition(": In scope SELECT formatQuery(")[0]) from None

    def _query(self, sql: str, output: str, params: dict[str, str] | None = None) -> Any:
        with _faults():
            return self._raw.query(sql, output, params=params or {})


@contextlib.contextmanager
def _faults() -> Iterator[None]:
    try:
        yield
    except Fault:
        raise
    except RuntimeError as error:
        raise from_engine(str(error)) from None


def escaped(text: str) -> str:
    """Text as ClickHouse's parameters carry it (TSV escapes)."""
    return (
        text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r").replace("\0", "\\0")
    )


def literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _plain(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise Fault(115, "UNKNOWN_SETTING", f"Unknown setting '{name}'.")
    return name
