"""One HTTP request, taken apart."""

import gzip
import zlib

import lz4.frame
import pytest

from audit.store import request
from audit.store.faults import Fault
from audit.store.request import Insert, Query, decompress, read, split_insert


def parsed(body: bytes = b"", media: str = "", **pairs: str) -> Query:
    return read(list(pairs.items()), body, media, "")


def test_the_statement_comes_in_the_url_the_body_or_half_in_each():
    assert parsed(query="SELECT 1").sql == "SELECT 1"
    assert parsed(b"SELECT 1").sql == "SELECT 1"
    assert parsed(b"1 FORMAT JSON", query="SELECT").sql == "SELECT\n1 FORMAT JSON"


def test_parameters_settings_and_transport_are_told_apart():
    query = parsed(
        b"SELECT {a:String}", param_a="x\\ty", max_threads="1", session_id="s", database="audit", query_id="q"
    )
    assert (query.parameters, query.settings) == ({"a": "x\\ty"}, {"max_threads": "1"})
    assert (query.database, query.query_id, query.output, query.whole) == ("audit", "q", "TabSeparated", False)
    assert parsed(b"SELECT 1", wait_end_of_query="1", default_format="CSV").whole
    assert read([], b"SELECT 1", "", "JSON").output == "JSON"


@pytest.mark.parametrize(
    ("statement", "head", "format_", "data"),
    [
        (b"INSERT INTO t (a, b) FORMAT Native\n\x01 \n", "INSERT INTO t (a, b) ", "Native", b"\x01 \n"),
        (b"insert into t format CSV\r\n1,2", "insert into t ", "CSV", b"1,2"),
        (b"INSERT INTO t FORMAT CSV ;\n1", "INSERT INTO t ", "CSV", b"1"),
        (b"INSERT INTO t FORMAT JSONEachRow {}", "INSERT INTO t ", "JSONEachRow", b"{}"),
        (b"INSERT INTO t SETTINGS a = 0 FORMAT TSV\n1", "INSERT INTO t SETTINGS a = 0 ", "TSV", b"1"),
        (b"INSERT INTO t (a) VALUES (1), ('FORMAT CSV')", "INSERT INTO t (a) ", "Values", b" (1), ('FORMAT CSV')"),
        (b"INSERT INTO `format csv` (\"values\") FORMAT TSV\n1", "INSERT INTO `format csv` (\"values\") ", "TSV", b"1"),
        (b"/* FORMAT A */ INSERT INTO t --FORMAT B\nFORMAT C\n1", "/* FORMAT A */ INSERT INTO t --FORMAT B\n",
         "C", b"1"),
        (b"INSERT INTO t FORMAT Native\n\n\t ", "INSERT INTO t ", "Native", b"\n\t "),
    ],
)  # fmt: skip
def test_rows_follow_the_format_clause(statement: bytes, head: str, format_: str, data: bytes):
    assert split_insert(statement) == Insert(head, format_, data)


@pytest.mark.parametrize(
    "statement",
    [
        b"SELECT 1 FORMAT CSV",
        b"INSERT INTO t SELECT * FROM u FORMAT Null",
        b"INSERT INTO t WITH 1 AS x SELECT x",
        b"-- INSERT INTO t FORMAT CSV\nSELECT 1",
        b"",
        b"'unterminated",
    ],
)
def test_what_carries_no_rows(statement: bytes):
    assert split_insert(statement) is None


def test_any_bytes_may_be_rows():
    data = bytes(range(256)) * 10
    query = parsed(b"INSERT INTO t FORMAT RowBinary\n" + data)
    assert query.insert is not None
    assert query.insert.data == data


@pytest.mark.parametrize("body", [b"", b" \n", b"\xff", b"x" * (request.MAX_STATEMENT_BYTES + 1)])
def test_what_is_no_statement_is_a_syntax_error(body: bytes):
    with pytest.raises(Fault) as raised:
        parsed(body)
    assert raised.value.code == 62


def test_forms_carry_statement_and_parameters_but_no_files():
    form = (
        b'--b\r\nContent-Disposition: form-data; name="query"\r\n\r\nSELECT {a:String}\r\n'
        b'--b\r\nContent-Disposition: form-data; name="param_a"\r\n\r\n\xc3\xa9 x\r\n--b--\r\n'
    )
    query = parsed(form, "multipart/form-data; boundary=b")
    assert (query.sql, query.parameters) == ("SELECT {a:String}", {"a": "é x"})
    file = b'--b\r\nContent-Disposition: form-data; name="t"; filename="t"\r\n\r\n1\r\n--b--\r\n'
    with pytest.raises(Fault, match="external data"):
        parsed(file, "multipart/form-data; boundary=b", query="SELECT 1")


@pytest.mark.parametrize(
    ("encoding", "squeeze"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("lz4", lz4.frame.compress),
        ("zstd", lambda data: request._zstd().compress(data)),
        ("identity", bytes),
    ],
)
def test_every_frame_of_a_compressed_body_counts(encoding: str, squeeze):
    assert decompress(squeeze(b"one ") + squeeze(b"two"), encoding) == b"one two"
    assert decompress(b"", encoding) == b""


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "lz4", "zstd"])
def test_broken_and_cut_bodies_are_faults(encoding: str):
    whole = {
        "gzip": gzip.compress,
        "deflate": zlib.compress,
        "lz4": lz4.frame.compress,
        "zstd": request._zstd().compress,
    }
    for broken in (b"not compressed at all", whole[encoding](b"x" * 5000)[:-9]):
        with pytest.raises(Fault) as raised:
            decompress(broken, encoding)
        assert raised.value.code == 354


def test_a_bomb_is_stopped_at_the_limit():
    for bomb in (gzip.compress(bytes(10_000)), gzip.compress(bytes(600)) * 2):
        with pytest.raises(Fault) as raised:
            decompress(bomb, "gzip", 1000)
        assert raised.value.code == 223


def test_encodings_that_are_not_offered():
    for make in (lambda: decompress(b"x", "br"), lambda: parsed(b"SELECT 1", decompress="1")):
        with pytest.raises(Fault) as raised:
            make()
        assert raised.value.status == 501
