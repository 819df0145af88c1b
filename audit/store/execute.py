"""One query in one worker thread: through the gate, into the engine, out block by block. No HTTP, no event loop."""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from audit.store import gate
from audit.store.accounts import Account
from audit.store.engine import Duty, Engine, Handle
from audit.store.faults import Fault, access_denied
from audit.store.request import Query

# A reader may use half the machine for a minute: the shipper's inserts and the gateway itself need the rest.
READ_CAPS = {
    "max_execution_time": 60,
    "max_memory_usage": 1 << 30,
    "max_threads": max(1, (os.cpu_count() or 2) // 2),
    "max_bytes_before_external_group_by": 512 << 20,
    "max_bytes_before_external_sort": 512 << 20,
}
# Joins by sorting can spill to disk and need no table in memory: over 2 million exchanges joined with their ends
# 1.4 s instead of 2.8 s, one session of them 0.2 s instead of 1.0 s. `hash` is for joins that cannot be sorted.
READ_DEFAULTS = {"join_algorithm": "full_sorting_merge,hash"}
WRITE_CAPS = {"max_execution_time": 60, "max_memory_usage": 2 << 30, "max_threads": max(1, (os.cpu_count() or 2) // 2)}
# A result that cannot be sent block by block is held in memory first.
WHOLE_RESULT_BYTES = 256 << 20
# Formats without head or tail: the blocks, one after the other, are the document.
STREAMED = frozenset(
    {"Native", "TabSeparated", "TSV", "TabSeparatedRaw", "TSVRaw", "CSV", "JSONEachRow", "JSONCompactEachRow"}
    | {"RowBinary", "LineAsString", "RawBLOB"}
)
_FORMAT = re.compile(r"\bFORMAT\s+([A-Za-z0-9_]+)\s*(?:\bSETTINGS\b[^']*)?;?\s*$")
_SELECT = re.compile(r"[\s(]*(?:SELECT|WITH)\b")  # the engine streams nothing else: not DESCRIBE, SHOW, EXPLAIN
_DUTIES = {Account.MIGRATOR: Duty.MIGRATE, Account.PRUNER: Duty.PRUNE}

Emit = Callable[[bytes], None]  # blocks until the client took it; raises to stop the query


class NeedsDuty(Exception):
    """The statement changes schema or partitions: it must run alone, under another duty of the engine."""

    def __init__(self, duty: Duty) -> None:
        super().__init__(duty.name)
        self.duty = duty


@dataclass(slots=True)
class Progress:
    """What the answer's headers tell; `output` is known before the first block."""

    output: str
    result_rows: int = 0
    result_bytes: int = 0
    written_rows: int = 0
    written_bytes: int = 0
    extra: dict[str, str] = field(default_factory=dict)


def execute(
    engine: Engine, account: Account, query: Query, *, tag: str, emit: Emit, progress: Progress, duty: Duty
) -> None:
    """Runs `query` for `account`; `tag` names it in system.processes, for `kill`. Raises Fault, NeedsDuty."""
    with engine.handle() as handle:
        _use(handle, engine, query.database)
        text = query.sql if query.insert is None else f"{query.sql} FORMAT {query.insert.format}"
        normalised = handle.normalised(text)
        classes = handle.classify(text)
        gate.check_words(normalised, engine.table_functions)
        if query.insert is not None or gate.is_insert(normalised):
            gate.check_insert(account, normalised, classes)
            handle.set(gate.check_settings(query.settings, WRITE_CAPS) | {"log_comment": tag})
            _insert(handle, query, progress)
        elif classes[0] == "MUTATING" and account in _DUTIES:
            gate.check_change(account, normalised, classes)
            if duty is not _DUTIES[account]:
                raise NeedsDuty(_DUTIES[account])
            handle.set({"mutations_sync": "1"})  # a change is done when it is answered
            handle.query(query.sql, "TabSeparated", dict(query.parameters))
        else:
            gate.check_read(classes)
            handle.set(READ_DEFAULTS | gate.check_settings(query.settings, READ_CAPS) | {"log_comment": tag})
            _read(handle, query, normalised, emit, progress, readonly="1" if account is Account.AUDITOR else "2")


def _use(handle: Handle, engine: Engine, database: str) -> None:
    """The engine's own database `default` is an overlay over the file system, so nobody is let into it."""
    if database not in ("", "default", engine.database):
        known = {str(row[0]) for row in engine.rows("SHOW DATABASES")}
        if database not in known:
            raise Fault(81, "UNKNOWN_DATABASE", f"Database {database} does not exist.")
        raise access_denied(f"the database of this store is {engine.database}; name other tables in full")
    handle.use_database()


def _insert(handle: Handle, query: Query, progress: Progress) -> None:
    if query.insert is None:
        handle.query(query.sql, "TabSeparated", dict(query.parameters))
        return
    progress.written_rows = handle.insert(query.insert.head, query.insert.format, query.insert.data)
    progress.written_bytes = len(query.insert.data)


def _read(handle: Handle, query: Query, normalised: str, emit: Emit, progress: Progress, *, readonly: str) -> None:
    """`readonly` 2 reads as strictly as 1 but shows settings as changeable: clients ask before they send any."""
    named = _FORMAT.search(gate.without_strings(normalised))
    progress.output = named[1] if named else query.output
    streamed = progress.output in STREAMED and _SELECT.match(normalised) is not None
    if not streamed:
        handle.set({"max_result_bytes": str(WHOLE_RESULT_BYTES), "result_overflow_mode": "throw"})
    handle.set({"readonly": readonly})  # last: it cannot be lifted
    parameters = dict(query.parameters)
    if streamed:
        for block, rows in handle.stream(query.sql, progress.output, parameters):
            progress.result_rows += rows
            progress.result_bytes += len(block)
            emit(block)
    else:
        block = handle.query(query.sql, progress.output, parameters)
        progress.result_bytes = len(block)
        emit(block)


def kill(engine: Engine, tag: str) -> None:
    """Stops the query with this tag, if it still runs. Not gated: `tag` is ours, never a client's text."""
    if not re.fullmatch(r"[0-9a-f-]{36}", tag):
        raise ValueError("a tag is a UUID")
    engine.rows(f"KILL QUERY WHERE Settings['log_comment'] = '{tag}' ASYNC")
