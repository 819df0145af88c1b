"""What an account's SQL must pass before the engine sees it. Pure: the engine's opinions come in as arguments.

A reader passes five layers: one READ_ONLY statement by the engine's own parser; no function or table function that
reaches out of the database; only settings from an allow-list; `readonly = 1` on its session; an engine user whose
grants end at the audit database; and limits of time, memory and threads. Each layer is there because the others
have a hole (measured with chDB 26.9): readonly lets INTO OUTFILE, SYSTEM and KILL through, the parser's class does
not see file() and url(), grants do not cover the scalar function `file()` nor `Python()`.
"""

import re
from collections.abc import Iterable, Mapping

from audit.store.accounts import Account
from audit.store.faults import Fault, access_denied, not_implemented

# Table functions that read nothing but their arguments and tables which the grants cover. All others are refused.
SAFE_TABLE_FUNCTIONS = frozenset(
    [
        "format",
        "generate_series",
        "generaterandom",
        "generateseries",
        "merge",
        "null",
        "numbers",
        "numbers_mt",
        "primes",
        "sqlstandardvalues",
        "values",
        "view",
        "viewexplain",
        "viewifpermitted",
        "zeros",
        "zeros_mt",
    ]
)
# Refused wherever they stand, also without parentheses: `SELECT * APPLY file` calls a function by its bare name.
REFUSED_WORDS = frozenset({"file", "python", "stack_trace", "catboostevaluate"})

# The two quotes that the engine's formatter writes; a name may hold the quote of a string: `it's`.
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|(`(?:[^`\\]|\\.)*`)", re.DOTALL)
_CALL = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)`?\s*\(")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_INSERT = re.compile(r"\s*INSERT\s+INTO\s+(?!(?:TABLE\s+)?FUNCTION\b)", re.IGNORECASE)
# The tables that the shipper fills; what is derived of them is filled by the engine, migrations by the migrator.
_EVIDENCE = re.compile(r"\s*INSERT\s+INTO\s+(?:\w+\.)?(?:events|frames|checkpoints)\b", re.IGNORECASE)
# One whole partition and nothing after it: ALTER takes a list of commands, and the duty's grant covers DELETE, too.
_PRUNE = re.compile(
    r"ALTER TABLE (?:\w+\.)?(?:events|frames) "
    r"\(?DROP PARTITION (?:ID )?(?:\('(?:record|traffic)', \d{6}\)|'?\d{6}'?)\)?"
)

# `exeat audit remask`: old content of frames, by its salted hash, after the new one is stored and the log says so.
_REMASK = re.compile(
    r"ALTER TABLE (?:\w+\.)?frames \(?DELETE WHERE lower\(hex\(sha256\)\) (?:IN|=) \(?"
    r"'[0-9a-f]{64}'(?:, '[0-9a-f]{64}')*\)?\)?"
)

_PASSED_BY = frozenset({"readonly", "log_comment", "query_id"})  # clients send them; ours decide
_SETTINGS = frozenset(
    [
        "allow_experimental_json_type",
        "async_insert",
        "cast_string_to_dynamic_use_inference",
        "date_time_input_format",
        "date_time_output_format",
        "deduplicate_insert",
        "enable_json_type",
        "extremes",
        "group_by_overflow_mode",
        "insert_deduplicate",
        "insert_deduplication_token",
        "insert_null_as_default",
        "join_use_nulls",
        "max_block_size",
        "max_execution_time",
        "max_insert_block_size",
        "max_memory_usage",
        "max_result_bytes",
        "max_result_rows",
        "max_rows_to_read",
        "max_threads",
        "min_insert_block_size_bytes",
        "min_insert_block_size_rows",
        "result_overflow_mode",
        "session_timezone",
        "wait_for_async_insert",
        "wait_for_async_insert_timeout",
    ]
)
_PREFIXES = ("output_format_", "input_format_", "format_csv_", "format_tsv_", "http_", "send_progress_in_http_")
_NAMES_A_FILE = ("path", "file", "schema")  # e.g. output_format_schema, input_format_record_errors_file_path


def check_settings(given: Mapping[str, str], caps: Mapping[str, int]) -> dict[str, str]:
    """The settings to apply: those of `given` that are allowed, never above `caps`. Raises Fault for any other."""
    out: dict[str, str] = {name: str(cap) for name, cap in caps.items()}
    for name, value in given.items():
        if name in _PASSED_BY or name.startswith(("http_", "send_progress_in_http_")):
            continue
        if not _allowed(name):
            raise Fault(452, "SETTING_CONSTRAINT_VIOLATION", f"Setting {name} should not be changed")
        out[name] = _capped(name, value, caps)
    return out


def _allowed(name: str) -> bool:
    if any(part in name for part in _NAMES_A_FILE):
        return False
    return name in _SETTINGS or name.startswith(_PREFIXES)


def _capped(name: str, value: str, caps: Mapping[str, int]) -> str:
    """Zero means "without limit" to ClickHouse, so it becomes the cap; so does what is no number."""
    if name not in caps:
        return value
    asked = int(value) if value.isdigit() else 0
    return str(min(asked, caps[name]) if asked else caps[name])


def without_strings(normalised: str) -> str:
    """Every string literal emptied, names kept. Sound on the engine's own formatting only, which knows two quotes."""
    return _QUOTED.sub(lambda found: found[1] or "''", normalised)


def check_words(normalised: str, table_functions: Iterable[str]) -> None:
    """Refuses what reaches out of the database. `normalised` is the engine's own formatting of the statement."""
    text = without_strings(normalised)
    for word in _WORD.findall(text):
        if word.lower() in REFUSED_WORDS:
            raise access_denied(f"{word} is not available here: it reaches out of the database")
    outward = frozenset(table_functions) - SAFE_TABLE_FUNCTIONS
    for call in _CALL.findall(text):
        if call.lower() in outward:
            raise access_denied(f"table function {call} is not available here: it reaches out of the database")


def check_read(classes: tuple[str, int, bool]) -> None:
    """`classes` is the engine's own (class, statements, writes only our database) of the statement."""
    kind, statements, _ = classes
    if statements != 1:
        raise Fault(62, "SYNTAX_ERROR", "Multi-statements are not allowed")
    if kind != "READ_ONLY":
        raise access_denied("this user may only read: SELECT, SHOW, DESCRIBE, EXPLAIN, EXISTS, without INTO OUTFILE")


def is_insert(sql: str) -> bool:
    return _INSERT.match(sql) is not None


def check_insert(account: Account, normalised: str, classes: tuple[str, int, bool]) -> None:
    kind, statements, inside = classes
    if account not in (Account.WRITER, Account.MIGRATOR):
        raise access_denied(f"{account.value} may not insert")
    if statements != 1 or kind != "MUTATING" or not inside or not is_insert(normalised):
        raise access_denied("only INSERT INTO a table of the audit database is allowed")
    if account is Account.WRITER and not _EVIDENCE.match(normalised):
        raise access_denied("the writer inserts into events, frames and checkpoints only")
    if re.search(r"\bINFILE\b", without_strings(normalised), re.IGNORECASE):
        raise access_denied("INSERT … FROM INFILE is not allowed")


def check_change(account: Account, normalised: str, classes: tuple[str, int, bool]) -> None:
    """Statements that change the schema or drop partitions; they run under another duty of the engine."""
    kind, statements, _ = classes
    if statements != 1 or kind != "MUTATING":
        raise not_implemented("only one statement that changes the database is allowed here")
    if account is Account.MIGRATOR:
        return  # the duty's grants say which statements
    told = " ".join(normalised.split())
    if account is Account.PRUNER and (_PRUNE.fullmatch(told) or _REMASK.fullmatch(told)):
        return
    raise access_denied(f"{account.value} may not run this statement")
