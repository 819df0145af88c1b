"""The one way to read: every read is said first, and errors are ours."""

import datetime
import io
import uuid
from decimal import Decimal
from types import SimpleNamespace

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

from audit.read import NothingFound, QueryRefused, Question, Read, Reader, StoreSilent, decisions, sessions
from audit.read.decisions import Filter
from audit.read.reader import plain

WORDS = (
    "Received ClickHouse exception, code: 60, server response: Code: 60. DB::Exception: Unknown table 'x'."
    " (UNKNOWN_TABLE) (version 26.9.2.1 (official build)) (for url http://127.0.0.1:8123)"
)


class Client:
    """Answers every query with the same rows, or fails."""

    def __init__(self, *rows: dict, error: Exception | None = None):
        self.rows, self.error, self.asked = rows, error, []

    def query(self, sql: str, parameters: dict, column_formats: dict) -> SimpleNamespace:
        self.asked.append((sql, parameters, column_formats))
        if self.error:
            raise self.error
        names = tuple(self.rows[0]) if self.rows else ()
        return SimpleNamespace(column_names=names, result_rows=[tuple(row.values()) for row in self.rows])

    def raw_stream(self, sql: str, parameters: dict, fmt: str) -> io.BytesIO:
        self.asked.append((sql, parameters, fmt))
        return io.BytesIO(b"x" * 100_000)


def test_every_read_is_said_before_it_happens():
    client, said = Client({"a": 1}), []
    reader = Reader(client, lambda read: said.append((read, len(client.asked))))
    assert reader.ask(Question("what", "SELECT 1", {"p": 2}, binary=("a",))) == [{"a": 1}]
    assert sum(map(len, reader.raw(Question("raw", "SELECT 2"), "CSV"))) == 100_000
    assert said == [(Read("what", "SELECT 1", {"p": 2}), 0), (Read("raw", "SELECT 2", {}), 1)]
    assert client.asked[0] == ("SELECT 1", {"p": 2}, {"a": "bytes"})


def test_what_cannot_be_said_is_not_read():
    client = Client()

    def refuse(read: Read) -> None:
        raise NothingFound("the spool is full")

    with pytest.raises(NothingFound):
        Reader(client, refuse).ask(Question("what", "SELECT 1"))
    assert client.asked == []


def test_a_refusal_is_in_clickhouses_words_without_version_and_address():
    with pytest.raises(QueryRefused) as raised:
        Reader(Client(error=DatabaseError(WORDS, code=60))).ask(Question("what", "SELECT"))
    assert raised.value.message == "Unknown table 'x'. (UNKNOWN_TABLE)"


def test_silence_is_another_error():
    with pytest.raises(StoreSilent):
        Reader(Client(error=OperationalError("timed out"))).ask(Question("what", "SELECT"))


def test_values_as_json_can_hold_them():
    moment = datetime.datetime(2026, 11, 20, 12, 0, 0, 5, datetime.UTC)
    name = uuid.UUID(int=1)
    assert plain({"t": moment, "b": b"\x00\xff", "u": name, "n": [None, True, 2**64, (1.5, Decimal("1.10"))]}) == {
        "t": "2026-11-20T12:00:00.000005Z", "b": "00ff", "u": str(name), "n": [None, True, 2**64, [1.5, "1.10"]],
    }  # fmt: skip


def test_a_filter_is_parameters_never_text():
    where, parameters = Filter(since_us=1, until_us=2, agent="a' OR 1", effect="deny").where()
    assert "OR" not in where
    assert parameters == {"since_us": 1, "until_us": 2, "agent": "a' OR 1", "effect": "deny"}
    assert Filter().where() == ("1", {})


def test_one_decision_or_none():
    row = {"exchange": "abc", "effect": "deny"}
    assert decisions.one(Reader(Client(row)), "ab") == row
    with pytest.raises(NothingFound, match="no recorded decision"):
        decisions.one(Reader(Client()), "ab")
    with pytest.raises(NothingFound, match="give more"):
        decisions.one(Reader(Client(row, {"exchange": "abd", "effect": "deny"})), "ab")


def test_a_session_by_its_key_or_its_beginning():
    assert sessions.key(Reader(Client({"session": "abc"})), "ab") == "abc"
    assert sessions.key(Reader(Client({"session": "ab"}, {"session": "abc"})), "ab") == "ab"
    with pytest.raises(NothingFound, match="several"):
        sessions.key(Reader(Client({"session": "abc"}, {"session": "abd"})), "ab")
    with pytest.raises(NothingFound, match="no recorded session"):
        sessions.key(Reader(Client()), "ab")


@pytest.mark.parametrize(("content", "value"), [(b'{"a":1}', {"a": 1}), (b"[]", None), (b"", None), (b"\xff", None)])
def test_an_input_is_a_json_object(content: bytes, value: object):
    assert decisions.as_input(content) == value
