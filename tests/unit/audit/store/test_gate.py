"""What an account's SQL must pass. The statements are as the engine's formatter writes them."""

import pytest

from audit.store import gate
from audit.store.accounts import Account
from audit.store.faults import Fault

READ, WRITE, CONTROL = ("READ_ONLY", 1, True), ("MUTATING", 1, True), ("CONTROL", 1, False)
TABLE_FUNCTIONS = {"file", "url", "s3", "numbers", "merge", "executable", "a_new_source_of_a_later_engine"}


def code(call, *arguments) -> int:
    with pytest.raises(Fault) as raised:
        call(*arguments)
    return raised.value.code


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM events",
        "SELECT count() FROM merge('audit', '.*')",
        "SELECT number FROM numbers(3)",
        "SELECT 'file(x) and python(y) and s3(z)'",
        "SELECT 'it\\'s a file'",
        "SELECT profile, filename FROM t",
        "SELECT url FROM t WHERE s3 = 1",
    ],
)
def test_words_that_stay_inside_the_database(sql: str):
    gate.check_words(sql, TABLE_FUNCTIONS)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT file('/etc/passwd')",
        "SELECT * APPLY file",
        "SELECT FILE ('x')",
        "SELECT `file`('x')",
        "SELECT * FROM url('http://x')",
        "SELECT * FROM `s3`('x')",
        "SELECT * FROM a_new_source_of_a_later_engine(1)",
        "SELECT 1 AS `it's`, * FROM python(x) WHERE 'a' = 'a'",
        "SELECT 'a\\\\', file('x'), 'b'",
        "SELECT 1 AS `a\\`'`, file('x') AS `'`",
    ],
)
def test_words_that_reach_out(sql: str):
    assert code(gate.check_words, sql, TABLE_FUNCTIONS) == 497


def test_a_reader_gets_one_statement_that_reads():
    gate.check_read(READ)
    assert code(gate.check_read, ("READ_ONLY", 2, True)) == 62
    for classes in (WRITE, CONTROL, ("UNKNOWN", 1, True)):
        assert code(gate.check_read, classes) == 497


@pytest.mark.parametrize("account", [Account.AUDITOR, Account.PRUNER])
def test_only_writer_and_migrator_insert(account: Account):
    assert code(gate.check_insert, account, "INSERT INTO events FORMAT Native", WRITE) == 497


@pytest.mark.parametrize(
    ("sql", "classes"),
    [
        ("INSERT INTO FUNCTION file('x') FORMAT Native", WRITE),
        ("INSERT INTO TABLE FUNCTION file('x') FORMAT Native", WRITE),
        ("INSERT INTO system.x FORMAT Native", ("MUTATING", 1, False)),
        ("INSERT INTO events FROM INFILE '/etc/passwd' FORMAT CSV", WRITE),
        ("INSERT INTO events FORMAT Native", ("MUTATING", 2, True)),
        ("DROP TABLE events", WRITE),
        ("INSERT INTO migrations FORMAT Native", WRITE),
        ("INSERT INTO audit.usage_minutes FORMAT Native", WRITE),
        ("INSERT INTO events_of_somebody FORMAT Native", WRITE),
    ],
)
def test_the_writer_inserts_into_tables_only(sql: str, classes: tuple[str, int, bool]):
    assert code(gate.check_insert, Account.WRITER, sql, classes) == 497
    for table in ("events", "audit.events", "frames", "audit.checkpoints"):
        gate.check_insert(Account.WRITER, f"INSERT INTO {table} (a) FORMAT Native", WRITE)
    gate.check_insert(Account.MIGRATOR, "INSERT INTO audit.migrations (a) FORMAT Values", WRITE)


def test_who_may_change_what():
    gate.check_change(Account.MIGRATOR, "CREATE TABLE t (a UInt8)", WRITE)
    gate.check_change(Account.PRUNER, "ALTER TABLE audit.events (DROP PARTITION ('record', 202611))", WRITE)
    gate.check_change(Account.PRUNER, "ALTER TABLE audit.events\n    (DROP PARTITION ('record', 202611))", WRITE)
    gate.check_change(Account.PRUNER, "ALTER TABLE frames (DROP PARTITION 202611)", WRITE)
    old = f"'{'a' * 64}'"
    anew = f"(DELETE WHERE lower(hex(sha256)) IN ({old}, {old}))"
    gate.check_change(Account.PRUNER, f"ALTER TABLE audit.frames\n    {anew}", WRITE)
    for more in (
        f"ALTER TABLE audit.events {anew}",
        "ALTER TABLE audit.frames (DELETE WHERE 1)",
        f"ALTER TABLE audit.frames (DELETE WHERE (lower(hex(sha256)) IN ({old})) OR 1)",
        f"ALTER TABLE audit.frames (DELETE WHERE lower(hex(sha256)) NOT IN ({old}))",
        "ALTER TABLE audit.events (DELETE WHERE 1)",
        "ALTER TABLE audit.events (DROP PARTITION ('record', 202611)), (DELETE WHERE 1)",
        "ALTER TABLE audit.events (DROP PARTITION ALL)",
        "ALTER TABLE audit.checkpoints (DROP PARTITION 202611)",
        "ALTER TABLE audit.events (DROP PARTITION ('record', toYYYYMM(now())))",
    ):
        assert code(gate.check_change, Account.PRUNER, more, WRITE) == 497
    assert code(gate.check_change, Account.PRUNER, "DROP TABLE audit.events", WRITE) == 497
    assert code(gate.check_change, Account.MIGRATOR, "SYSTEM SHUTDOWN", CONTROL) == 48


def test_limits_can_be_lowered_and_never_raised():
    caps = {"max_execution_time": 60, "max_memory_usage": 1000}
    assert gate.check_settings({}, caps) == {"max_execution_time": "60", "max_memory_usage": "1000"}
    asked = {"max_execution_time": "5", "max_memory_usage": "2000"}
    assert gate.check_settings(asked, caps) == {"max_execution_time": "5", "max_memory_usage": "1000"}
    for unlimited in ("0", "-1", "1e9", "", "61"):
        assert gate.check_settings({"max_execution_time": unlimited}, caps)["max_execution_time"] == "60"


@pytest.mark.parametrize(
    "name",
    [
        "format_schema",
        "output_format_schema",
        "input_format_record_errors_file_path",
        "dialect",
        "allow_introspection_functions",
        "allow_experimental_eval_table_function",
        "format_template_row",
        "no_such_setting",
    ],
)
def test_settings_outside_of_the_list_are_refused(name: str):
    assert code(gate.check_settings, {name: "1"}, {}) == 452


def test_what_clients_send_by_themselves_is_passed_by():
    assert (
        gate.check_settings({"readonly": "0", "log_comment": "x", "http_headers_progress_interval_ms": "1"}, {}) == {}
    )
    assert gate.check_settings({"date_time_input_format": "best_effort"}, {}) == {
        "date_time_input_format": "best_effort"
    }
