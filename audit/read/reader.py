"""The one way to read the evidence: a question in, plain rows out, and every read is said before it happens."""

import contextlib
import datetime
import uuid
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from runtime.errors import CallerError, GatewayError

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

Plain = str | int | float | bool | None | list[Any] | dict[str, Any]


class QueryRefused(CallerError):
    """ClickHouse refused the question: its own words, because they are about the asker's SQL."""

    code = "query_refused"


class NothingFound(CallerError):
    code = "nothing_found"


class StoreSilent(GatewayError):
    """ClickHouse stopped answering in the middle of a read."""

    code = "store_silent"


@dataclass(frozen=True, slots=True)
class Question:
    """SQL with `{name:Type}` placeholders and their values; `binary` names String columns that hold bytes."""

    what: str  # e.g. "decisions.list": what the read is called in the record
    sql: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    binary: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Read:
    """That somebody is about to read: what a recorder of reads is told."""

    what: str
    sql: str
    parameters: Mapping[str, Any]


class Reader:
    """Blocking. `noted` is called before each read; if it raises, nothing is read (evidence before effect)."""

    def __init__(self, client: "Client", noted: Callable[[Read], None] = lambda read: None) -> None:
        self._client = client
        self._noted = noted

    def ask(self, question: Question) -> list[dict[str, Any]]:
        """Rows as dicts of Python values. Raises QueryRefused, StoreSilent."""
        self._note(question)
        formats = {name: "bytes" for name in question.binary}
        with _translated():
            result = self._client.query(question.sql, dict(question.parameters), column_formats=formats)
        return [dict(zip(result.column_names, row, strict=True)) for row in result.result_rows]

    def raw(self, question: Question, output: str) -> Generator[bytes, None, None]:
        """The answer in one of ClickHouse's own formats, block by block. Raises QueryRefused, StoreSilent."""
        self._note(question)
        with (
            _translated(),
            contextlib.closing(self._client.raw_stream(question.sql, dict(question.parameters), fmt=output)) as stream,
        ):
            yield from iter(lambda: stream.read(1 << 16), b"")

    def _note(self, question: Question) -> None:
        self._noted(Read(question.what, question.sql, question.parameters))


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Foreign exceptions become ours here. A ClickHouse code means that it understood and refused."""
    from clickhouse_connect.driver.exceptions import ClickHouseError, OperationalError

    try:
        yield
    except OperationalError:
        raise StoreSilent("ClickHouse stopped answering; the question may be too heavy, or the store is down") from None
    except ClickHouseError as error:
        raise QueryRefused(own_words(str(error))) from None


def own_words(text: str) -> str:
    """From clickhouse-connect's wrapping to `DB::Exception`'s sentence on one line, without version and URL."""
    text = text.partition("DB::Exception: ")[2] or text
    return " ".join(text.partition(" (version ")[0].partition(" (for url ")[0].split())


def plain(value: Any) -> Plain:
    """A value as JSON can hold it: times as ISO 8601 UTC with microseconds, bytes as hex, big integers as they are."""
    match value:
        case datetime.datetime():
            return value.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
        case bytes():
            return value.hex()
        case uuid.UUID() | datetime.date() | Decimal():
            return str(value)
        case list() | tuple() | set():
            return [plain(item) for item in value]
        case dict():
            return {str(key): plain(item) for key, item in value.items()}
        case None | str() | bool() | int() | float():
            return value
    return str(value)
