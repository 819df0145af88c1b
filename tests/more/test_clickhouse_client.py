"""Clients of ClickHouse that are not Python's, against the store's process: npm `@clickhouse/client`, and curl."""

import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from audit.store.accounts import Account
from tests.kit import more
from tests.kit.node import Program, program
from tests.kit.store import RunningStore, running

pytestmark = pytest.mark.more
WRITER, AUDITOR = Account.WRITER.value, Account.AUDITOR.value
NASTY = "a'b\"c\\d\te\nf {x:String}; DROP TABLE audit.events -- é \U0001f600"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    with running(tmp_path_factory.mktemp("store")) as started:
        yield started


@pytest.fixture(scope="module")
def node(store: RunningStore) -> Iterator[Program]:
    accounts = {account.value: store.password(account) for account in Account}
    with program("clickhouse", "client.mjs", {"url": store.url, "accounts": accounts}) as started:
        yield started


def value(node: Program, verb: str, account: str = AUDITOR, **given: Any) -> Any:
    answer = node.ask({"as": account, "do": verb, **given})
    assert "error" not in answer, answer
    return answer["value"]


def error(node: Program, verb: str, account: str = AUDITOR, **given: Any) -> tuple[str, str]:
    """ClickHouse's code and name, as the client parsed them."""
    answer = node.ask({"as": account, "do": verb, **given})
    assert "error" in answer, answer
    assert answer["error"]["kind"] == "ClickHouseError", answer
    return answer["error"]["code"], answer["error"]["type"]


def event(writer: str, seq: int) -> dict[str, Any]:
    texts = {"exchange": f"x{seq}", "session": "s", "connection": "c", "issuer": "i", "subject": NASTY, "agent": "a"}
    when = {"event_id": f"00000000-0000-7000-8000-{seq:012d}", "ts": "2026-11-20 12:00:00.123456"}
    place = {"log_index": str(seq), "writer": writer, "seq": str(seq), "epoch": 1}
    kind = {"kind": "decision", "type": "decision.allow", "gateway": "exeat", "effect": "allow", "snapshot": "sha256:1"}
    return {**place, **when, **kind, **texts, "body": '{"v":1}', "hash": "h" * 32, "prev": "p" * 32}


def count(node: Program, writer: str) -> Any:
    sql = "SELECT count() AS rows, uniqExact(seq) AS different FROM events WHERE writer = {writer:String}"
    (row,) = value(node, "query", sql=sql, params={"writer": writer})["rows"]
    return int(row["rows"]), int(row["different"])


def test_ping(node: Program) -> None:
    assert value(node, "ping")["success"] is True


def test_parameters_are_values_and_nothing_else(node: Program) -> None:
    sql = (
        "SELECT {a:String} AS a, {b:Array(String)} AS b, toString({c:UInt64}) AS c, {d:Nullable(String)} AS d,"
        " {e:Bool} AS e, {f:Map(String, String)} AS f, {g:Float64} AS g, {h:Identifier} AS h FROM (SELECT 7 AS seven)"
    )
    given = {"a": NASTY, "b": [NASTY, ""], "c": "18446744073709551615", "d": None, "e": True}
    given |= {"f": {NASTY: "x"}, "g": 1.5, "h": "seven"}
    (row,) = value(node, "query", sql=sql, params=given)["rows"]
    assert row == {**given, "h": 7}


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("streamed", [False, True])
def test_the_writer_inserts_and_the_auditor_reads(node: Program, compressed: bool, streamed: bool) -> None:
    writer = f"node.{compressed}.{streamed}"
    options = {"compression": {"request": compressed, "response": compressed}}
    rows = [event(writer, seq) for seq in range(1, 501)]
    done = value(node, "insert", WRITER, table="audit.events", rows=rows, streamed=streamed, options=options)
    assert done["executed"] is True
    assert int(done["written"]) >= 500
    assert count(node, writer) == (500, 500)
    sql = "SELECT seq, ts, subject, body FROM events WHERE writer = {writer:String} ORDER BY seq DESC LIMIT 1"
    (row,) = value(node, "query", sql=sql, params={"writer": writer}, options=options)["rows"]
    assert int(row["seq"]) == 500
    assert (row["ts"], row["subject"], row["body"]) == ("2026-11-20 12:00:00.123456", NASTY, '{"v":1}')


def test_other_formats_of_insert(node: Program) -> None:
    names = list(event("", 0))
    rows = [list(event("node.compact", seq).values()) for seq in range(1, 4)]
    value(node, "insert", WRITER, table="events", rows=rows, format="JSONCompactEachRow", columns=names)
    assert count(node, "node.compact") == (3, 3)


def test_the_auditor_writes_nothing(node: Program) -> None:
    refused = ("497", "ACCESS_DENIED")
    assert error(node, "insert", table="audit.events", rows=[event("node.auditor", 1)]) == refused
    assert error(node, "command", sql="INSERT INTO audit.events SELECT * FROM audit.events") == refused
    assert error(node, "command", sql="TRUNCATE TABLE audit.events")[0] in ("164", "497")
    assert count(node, "node.auditor") == (0, 0)


def test_the_writer_drops_nothing(node: Program) -> None:
    assert error(node, "command", WRITER, sql="DROP TABLE audit.events")[0] in ("164", "497")


def test_errors_are_those_of_clickhouse(node: Program) -> None:
    assert error(node, "query", sql="SELEC 1") == ("62", "SYNTAX_ERROR")
    assert error(node, "query", sql="SELECT * FROM audit.no_such_table") == ("60", "UNKNOWN_TABLE")
    assert error(node, "query", password="wrong", sql="SELECT 1") == ("516", "AUTHENTICATION_FAILED")
    assert error(node, "query", "nobody", password="x", sql="SELECT 1") == ("516", "AUTHENTICATION_FAILED")
    assert error(node, "query", sql="SELECT * FROM file('/etc/passwd', 'LineAsString')")[0] == "497"


def test_whole_documents_and_their_meta_data(node: Program) -> None:
    found = value(node, "query", sql="SELECT toUInt8(1) AS a, 'x' AS b", format="JSON", id="node-query-1")
    assert found["id"] == "node-query-1"
    document = found["rows"]
    assert (document["data"], document["rows"]) == ([{"a": 1, "b": "x"}], 1)
    assert document["meta"] == [{"name": "a", "type": "UInt8"}, {"name": "b", "type": "String"}]
    assert value(node, "text", sql="SELECT 1, 'a,b'", format="CSVWithNames") == '"1","\'a,b\'"\n1,"a,b"\n'


def test_a_setting_that_a_reader_may_send(node: Program) -> None:
    settings = {"output_format_json_quote_64bit_integers": 1}
    found = value(node, "query", sql="SELECT toUInt64(7) AS n", settings=settings)
    assert found["rows"] == [{"n": "7"}]


def test_a_large_result_row_by_row(node: Program) -> None:
    sql = "SELECT number AS n, repeat('x', 50) AS text FROM numbers(300000)"
    found = value(node, "stream", sql=sql, options={"compression": {"response": True}})
    assert (found["rows"], int(found["last"]["n"])) == (300_000, 299_999)


def test_who_leaves_early_leaves_nothing_running(node: Program, store: RunningStore) -> None:
    assert value(node, "stream", sql="SELECT number FROM numbers(1000000000)", most=1000)["rows"] >= 1000
    sql = "SELECT count() FROM numbers(100000000000) WHERE NOT ignore(sipHash64(number))"
    assert "error" in node.ask({"as": AUDITOR, "do": "aborted", "sql": sql, "after": 300})
    assert value(node, "query", sql="SELECT 1 AS one")["rows"] == [{"one": 1}]
    assert store.process is not None
    assert store.process.poll() is None


def test_curl(store: RunningStore) -> None:
    """As docs and habit have it: user and key in the URL's place, as headers, as Basic; the query in body or URL."""
    found = shutil.which("curl") or more.missing("curl is not on this machine", "curl")
    auditor, key = Account.AUDITOR.value, store.password(Account.AUDITOR)
    query = "SELECT 40 + 2 FORMAT TSV"

    def curl(*arguments: str) -> str:
        command = [found, "-sS", "--noproxy", "*", "--max-time", "20", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    headers = ["-H", f"X-ClickHouse-User: {auditor}", "-H", f"X-ClickHouse-Key: {key}"]
    assert curl(*headers, store.url, "--data-binary", query) == "42\n"
    assert curl(*headers, "-G", f"{store.url}/", "--data-urlencode", f"query={query}") == "42\n"
    assert curl("-u", f"{auditor}:{key}", "--compressed", store.url, "--data-binary", query) == "42\n"
    assert "516" in curl("-u", f"{auditor}:wrong", store.url, "--data-binary", query)
    assert curl(f"{store.url}/ping") == "Ok.\n"
