"""The embedded store over its HTTP interface: the clients people use, the gate, crashes."""

import asyncio
import base64
import datetime
import gzip
import re
import signal
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from audit.store.accounts import Account, password_file
from audit.store.client import (
    StoreDown,
    async_auditor_client,
    async_writer_client,
    auditor_client,
    migrator_client,
    writer_client,
)
from audit.store.cluster import clustered
from audit.store.migrate import shipped
from tests.kit.store import RunningStore, running, send

COLUMNS = [
    *("log_index", "writer", "seq", "epoch", "event_id", "ts", "kind", "type", "gateway", "exchange", "session"),
    *("connection", "issuer", "subject", "agent", "effect", "snapshot", "body", "hash", "prev"),
]
NOW = datetime.datetime(2026, 11, 20, 12, 0, 0, 123456, datetime.UTC)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    with running(tmp_path_factory.mktemp("store")) as started:
        yield started


def event(writer: str, seq: int, body: str = "{}") -> list[Any]:
    ids = [seq, writer, seq, 1, uuid.uuid4(), NOW, "decision", "decision.allow", "exeat", f"x{seq}", "s", "c"]
    return [*ids, "iss", "sub", "agent", "allow", "sha256:1", body, b"\x00\xff" * 16, bytes(32)]


def test_rows_inserted_by_the_writer_come_back_as_they_were(store: RunningStore) -> None:
    body = '{"data":{"path":"/a\\tb\'\\\\","reasons":[{"rule":"r1","message":"né","controls":["NIST-800-53:AC-3"]}]}}'
    with writer_client(store.settings) as client:
        row = event("typed.1", 7, body)
        summary = client.insert("audit.events", [row], column_names=COLUMNS, settings={"async_insert": 0})
        assert summary.written_rows >= 1  # rows of usage_minutes are counted, too
        read = client.query("SELECT * FROM audit.events WHERE writer = 'typed.1'")
    stored = dict(zip(read.column_names, read.first_row, strict=True))
    assert [stored[name] for name in COLUMNS] == [*row[:5], NOW.replace(tzinfo=stored["ts"].tzinfo), *row[6:]]


@pytest.mark.parametrize("compression", [False, "lz4", "zstd", "gzip"])
def test_compressed_inserts(store: RunningStore, compression: Any) -> None:
    import clickhouse_connect

    password = store.password(Account.WRITER)
    options = {"host": "127.0.0.1", "port": store.port, "username": "exeat_writer", "password": password}
    writer = f"compressed.{compression}"
    with clickhouse_connect.get_client(**options, compress=compression) as client:
        rows = [event(writer, seq, "x" * 100) for seq in range(3000)]
        client.insert("audit.events", rows, column_names=COLUMNS)
        found = client.query("SELECT count(), max(seq) FROM audit.events WHERE writer = {w:String}", {"w": writer})
    assert found.first_row == (3000, 2999)


def test_parameters_are_values_and_nothing_else(store: RunningStore) -> None:
    nasty = "a'b\"c\\d\te\nf\0 {x:String}; DROP TABLE audit.events -- é"
    with auditor_client(store.settings) as client:
        sql = "SELECT {a:String}, {b:Array(String)}, {c:DateTime64(6)}, {d:UInt64}, {e:Nullable(String)}"
        values = {"a": nasty, "b": [nasty, ""], "c": NOW, "d": 2**64 - 1, "e": None}
        row = client.query(sql, parameters=values).first_row
    assert row[:2] == (nasty, [nasty, ""])
    assert row[3:] == (2**64 - 1, None)


def test_arrow_dataframe_json_and_parquet(store: RunningStore) -> None:
    with auditor_client(store.settings) as client:
        sql = "SELECT number AS n, toString(number) AS s FROM numbers(100000)"
        assert client.query_arrow(sql).num_rows == 100_000
        assert client.query_df(sql)["n"].sum() == 4_999_950_000
        assert client.raw_query(sql, fmt="Parquet").startswith(b"PAR1")
        lines = client.raw_query(sql, fmt="JSONEachRow").splitlines()
        assert len(lines) == 100_000
        assert lines[-1] == b'{"n":99999,"s":"99999"}'
        assert client.query("SELECT 1 AS a, 'x' AS b LIMIT 0").column_names == ("a", "b")
        assert client.command("SELECT 3") == 3


def test_a_large_result_streams_block_by_block(store: RunningStore) -> None:
    with auditor_client(store.settings) as client:
        sql = "SELECT number, repeat('x', 50) FROM numbers(1000000)"
        with client.query_row_block_stream(sql) as blocks:
            assert sum(len(block) for block in blocks) == 1_000_000


async def test_many_at_once_with_the_async_client(store: RunningStore) -> None:
    writer = await async_writer_client(store.settings)
    reader = await async_auditor_client(store.settings)
    try:
        rows = [[event("async.1", seq) for seq in range(start, start + 50)] for start in range(0, 500, 50)]
        await asyncio.gather(*(writer.insert("audit.events", part, column_names=COLUMNS) for part in rows))
        found = await asyncio.gather(*(reader.query(f"SELECT {n}, count() FROM audit.events") for n in range(20)))
        assert [answer.first_row[0] for answer in found] == list(range(20))
        counted = await reader.query("SELECT count(), uniqExact(seq) FROM audit.events WHERE writer = 'async.1'")
        assert counted.first_row == (500, 500)
    finally:
        await writer.close()
        await reader.close()


@pytest.mark.parametrize(
    ("sql", "code", "status"),
    [
        ("SELEC 1", 62, 400),
        ("SELECT * FROM audit.no_such_table", 60, 404),
        ("SELECT no_such_column FROM audit.events", 47, 404),
        ("SELECT throwIf(1)", 395, 500),
        ("", 62, 400),
    ],
)
def test_errors_carry_clickhouses_code_and_status(store: RunningStore, sql: str, code: int, status: int) -> None:
    answer = store.ask(sql or " ")
    assert (answer.code, answer.status) == (code, status)
    assert answer.body.decode().startswith(f"Code: {code}. DB::Exception: ")


def test_the_client_raises_its_own_exception_with_the_code(store: RunningStore) -> None:
    with auditor_client(store.settings) as client, pytest.raises(DatabaseError) as raised:
        client.query("SELECT * FROM audit.no_such_table")
    assert raised.value.code == 60


def test_an_error_after_the_first_megabyte_is_still_an_error(store: RunningStore) -> None:
    sql = "SELECT throwIf(number = 3000000) FROM numbers(9000000)"
    with auditor_client(store.settings) as client, pytest.raises(Exception, match="throwIf"):
        client.query(sql)
    assert store.ask(sql, wait_end_of_query="1").status == 500


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO audit.events (seq) VALUES (1)",
        "INSERT INTO audit.events SELECT * FROM audit.events",
        "SELECT 1 INTO OUTFILE '/tmp/exeat-outfile'",
        "SELECT 1 /* x */ INTO -- y\n OUTFILE '/tmp/exeat-outfile'",
        "SYSTEM STOP MERGES",
        "KILL QUERY WHERE 1",
        "SET max_threads = 1",
        "DROP TABLE audit.events",
        "TRUNCATE TABLE audit.events",
        "ALTER TABLE audit.events DELETE WHERE 1",
        "CREATE TABLE audit.z (a Int8) ENGINE = Memory",
        "SELECT * FROM file('/etc/passwd', 'LineAsString')",
        "SELECT file('/etc/passwd')",
        "SELECT `fi\\x6ce`('/etc/passwd')",
        "SELECT * APPLY file FROM (SELECT '/etc/passwd')",
        "DESCRIBE file('/etc/passwd', 'LineAsString')",
        "EXPLAIN SELECT file('/etc/passwd')",
        "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
        "SELECT 1 IN url('http://127.0.0.1:1/', 'LineAsString', 'a UInt8')",
        "SELECT * FROM remote('127.0.0.1', 'audit.events')",
        "SELECT * FROM mongodb('mongodb://127.0.0.1:1/a', 'b', 'c Int8')",
        "SELECT * FROM executable('sh', 'TSV', 'a String')",
        "SELECT * FROM Python(accounts)",
        "SELECT * FROM `pyth\\x6fn`(accounts)",
        "SELECT 1 AS \"it's\", * FROM python(accounts) WHERE 'a' = 'a'",
        "SELECT 1 AS `a\\`'`, file('/etc/passwd') AS `'`",
        "SELECT $$ it's $$, file('/etc/passwd'), 'x'",
        "SELECT 1; SELECT 2",
        "SELECT 1 SETTINGS max_execution_time = 9999",
        "SELECT 1 SETTINGS readonly = 0",
    ],
)
def test_a_reader_only_reads_the_database(store: RunningStore, sql: str) -> None:
    answer = store.ask(sql)
    assert answer.status >= 400
    assert answer.code in (62, 164, 497)
    assert b"root:" not in answer.body
    assert not Path("/tmp/exeat-outfile").exists()


@pytest.mark.parametrize(
    "name",
    [
        "readonly",
        "format_schema",
        "output_format_schema",
        "input_format_record_errors_file_path",
        "dialect",
        "max_memory_usage",
    ],
)
def test_a_reader_changes_no_setting_that_matters(store: RunningStore, name: str) -> None:
    value = {"readonly": "0", "max_memory_usage": "0"}.get(name, "/etc/passwd")
    answer = store.ask(f"SELECT value FROM system.settings WHERE name = '{name}'", **{name: value})
    assert answer.code == 452 or answer.body.decode().strip() in ("1", str(1 << 30))


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TABLE audit.events",
        "CREATE TABLE audit.z (a Int8) ENGINE = Memory",
        "SYSTEM STOP MERGES",
        "ALTER TABLE audit.events DELETE WHERE 1",
        "INSERT INTO FUNCTION file('/tmp/exeat-outfile', 'CSV', 'a Int8') VALUES (1)",
        "INSERT INTO audit.events FROM INFILE '/etc/passwd' FORMAT LineAsString",
        "INSERT INTO system.zeros VALUES (1)",
        "INSERT INTO audit.migrations (version) VALUES (99)",
        "INSERT INTO audit.usage_minutes (requests) VALUES (99)",
    ],
)
def test_the_writer_only_inserts_and_selects(store: RunningStore, sql: str) -> None:
    answer = store.ask(sql, Account.WRITER)
    assert answer.status >= 400
    assert not Path("/tmp/exeat-outfile").exists()


def test_the_migrator_adds_and_never_drops(store: RunningStore) -> None:
    with migrator_client(store.settings) as client:
        client.command("CREATE TABLE audit.extra (a UInt8) ENGINE = MergeTree ORDER BY a")
        with pytest.raises(DatabaseError) as raised:
            client.command("DROP TABLE audit.extra")
        assert raised.value.code == 497
    assert store.ask("SELECT count() FROM audit.extra").body == b"0\n"
    assert store.ask("CREATE TABLE audit.more (a UInt8) ENGINE = Memory", Account.WRITER).code == 497


def test_the_pruner_drops_partitions_and_nothing_else(store: RunningStore) -> None:
    with writer_client(store.settings) as client:
        rows = [event("prune.1", seq) for seq in range(3)]
        for row in rows:
            row[5] = datetime.datetime(2001, 2, 3, tzinfo=datetime.UTC)
        client.insert("audit.events", rows, column_names=COLUMNS)
    assert store.ask("ALTER TABLE audit.events DELETE WHERE 1", Account.PRUNER).code == 497
    for more in (", DELETE WHERE 1", ", DROP PARTITION ALL"):
        answer = store.ask(f"ALTER TABLE audit.events DROP PARTITION ('traffic', 200102){more}", Account.PRUNER)
        assert answer.code == 497
    assert store.ask("ALTER TABLE audit.events DROP PARTITION ('traffic', 200102)", Account.PRUNER).status == 200
    assert store.ask("SELECT count() FROM audit.events WHERE writer = 'prune.1'").body == b"3\n"
    assert store.ask("ALTER TABLE audit.events DROP PARTITION ('record', 200102)", Account.PRUNER).status == 200
    assert store.ask("SELECT count() FROM audit.events WHERE writer = 'prune.1'").body == b"0\n"


def test_minutes_are_summed_while_events_arrive(store: RunningStore) -> None:
    with writer_client(store.settings) as client:
        rows = [event("minutes.1", seq) for seq in range(7)]
        for row in rows:
            row[14] = "agent-of-minutes"
        client.insert("audit.events", rows, column_names=COLUMNS)
    sql = "SELECT minute, sum(requests), sum(allowed) FROM {}_minutes WHERE agent = 'agent-of-minutes' GROUP BY minute"
    assert store.ask(sql.format("usage")).body == b"2026-11-20 12:00:00\t7\t7\n"


def test_the_schema_for_a_cluster_is_sql_that_the_engine_reads(store: RunningStore) -> None:
    statements = [clustered(sql, "bank") for migration in shipped() for sql in migration.statements("audit")]
    with auditor_client(store.settings) as client:
        for statement in statements:
            read = client.query("SELECT formatQuery({sql:String})", {"sql": statement}).first_row[0]
            assert "ON CLUSTER bank" in read


def test_the_grants_for_a_server_are_sql_that_the_engine_reads(store: RunningStore) -> None:
    """A server is not at hand here; its grammar is. What the grants do is in deploy/clickhouse/grants.sql."""
    text = (Path(__file__).parents[2] / "deploy" / "clickhouse" / "grants.sql").read_text()
    statements = [part.strip() for part in re.sub(r"(?m)^--.*$", "", text).split(";") if part.strip()]
    assert len(statements) == 14
    for statement in statements:
        answer = store.ask("SELECT formatQuery({q:String})", param_q=statement.replace("\n", "\\n"))
        assert answer.status == 200, answer.body


@pytest.mark.parametrize(
    ("header", "status", "code"),
    [
        ("Basic " + base64.b64encode(b"exeat_auditor:wrong").decode(), 403, 516),
        ("Basic " + base64.b64encode(b"nobody:x").decode(), 403, 516),
        ("Basic !!!", 403, 516),
        ("Bearer abc", 403, 516),
        (None, 401, 194),
    ],
)
def test_no_password_no_answer(store: RunningStore, header: str | None, status: int, code: int) -> None:
    request = urllib.request.Request(f"{store.url}/?query=SELECT+1")
    if header:
        request.add_header("Authorization", header)
    answer = send(request)
    assert (answer.status, answer.code) == (status, code)


def test_passwords_are_private_files_and_stand_in_no_other(store: RunningStore) -> None:
    for account in Account:
        file = password_file(store.folder, account)
        assert file.stat().st_mode & 0o777 == 0o600
        assert len(store.password(account)) >= 43
        assert store.password(account) not in store.log.read_text()


def test_by_hand_as_curl_does_it(store: RunningStore) -> None:
    with urllib.request.urlopen(f"{store.url}/ping") as response:
        assert response.read() == b"Ok.\n"
    assert store.ask("SELECT 1, 'a'").body == b"1\ta\n"
    assert store.ask("1 FORMAT JSON", query="SELECT").headers["Content-Type"].startswith("application/json")
    assert store.ask("SELECT 1", default_format="CSV").headers["X-ClickHouse-Format"] == "CSV"
    rows = gzip.compress(b"hand.1\t1\nhand.1\t2\n")
    sql = "INSERT INTO audit.events (writer, seq) FORMAT TSV"
    request = urllib.request.Request(f"{store.url}/?{urllib.parse.urlencode({'query': sql})}", data=rows)
    request.add_header("Content-Encoding", "gzip")
    request.add_header("X-ClickHouse-User", "exeat_writer")
    request.add_header("X-ClickHouse-Key", store.password(Account.WRITER))
    assert send(request).status == 200
    assert store.ask("SELECT count() FROM audit.events WHERE writer = 'hand.1'").body == b"2\n"


def test_a_reader_who_leaves_takes_the_query_along(store: RunningStore) -> None:
    command = ["curl", "-sS", "-u", f"exeat_auditor:{store.password(Account.AUDITOR)}", store.url]
    with subprocess.Popen([*command, "-d", "SELECT sum(cityHash64(number)) FROM numbers(1000000000000)"]) as process:
        others = "SELECT count() FROM system.processes WHERE query LIKE '%cityHash64%' AND query NOT LIKE '%LIKE%'"
        assert _until(lambda: store.ask(others).body == b"1\n")
        process.kill()
    assert _until(lambda: store.ask(others).body == b"0\n")


def test_heavy_readers_do_not_keep_the_writer_waiting(store: RunningStore) -> None:
    command = ["curl", "-s", "-o", "/dev/null", "-u", f"exeat_auditor:{store.password(Account.AUDITOR)}", store.url]
    heavy = [*command, "-d", "SELECT sum(cityHash64(number)) FROM numbers(1000000000000)"]
    readers = [subprocess.Popen(heavy) for _ in range(8)]
    try:
        with writer_client(store.settings) as client:
            client.insert("audit.events", [event("busy.1", 1)], column_names=COLUMNS)
            assert client.query("SELECT count() FROM audit.events WHERE writer = 'busy.1'").first_row == (1,)
    finally:
        for reader in readers:
            reader.kill()
            reader.wait()


def test_a_second_process_gets_one_sentence(store: RunningStore) -> None:
    other = RunningStore(store.folder)
    other.start(wait=False)
    assert other.wait() == 1
    last = store.log.read_text().splitlines()[-1]
    assert last == f"another process has {store.folder}/store open; one store serves one folder"


def test_acknowledged_rows_survive_kill_9(tmp_path: Path) -> None:
    with running(tmp_path) as store:
        with writer_client(store.settings) as client:
            for seq in range(0, 500, 100):
                rows = [event("crash.1", seq + n) for n in range(100)]
                client.insert("audit.events", rows, column_names=COLUMNS)
            store.kill()
            store.start()
            found = client.query("SELECT count(), uniqExact(seq) FROM audit.events WHERE writer = 'crash.1'")
        assert found.first_row == (500, 500)
        store.stop()


def test_a_frozen_store_is_a_timeout_and_then_the_same_client_works_again(tmp_path: Path) -> None:
    with running(tmp_path) as store:
        with writer_client(store.settings) as client:
            store.signal(signal.SIGSTOP)
            assert client.ping() is False
            store.signal(signal.SIGCONT)
            assert client.query("SELECT 1").first_row == (1,)
        store.stop()
        with pytest.raises(StoreDown):
            writer_client(store.settings)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://127.0.0.1:8443", "needs http://host:port"),
        ("http://0.0.0.0:8123", "loopback only"),
        ("x", "needs http"),
    ],
)
def test_the_store_listens_without_tls_and_so_only_here(tmp_path: Path, url: str, words: str) -> None:
    env = {"EXEAT_GATEWAY__STATE_DIR": str(tmp_path), "EXEAT_CLICKHOUSE__URL": url}
    done = subprocess.run([sys.executable, "-m", "audit.store"], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def _until(true: Any, seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if true():
            return True
        time.sleep(0.1)
    return False
