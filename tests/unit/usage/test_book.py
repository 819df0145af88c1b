"""The counter file: exact in order, safe in pieces, closed when broken."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from usage.amounts import MOST, Amounts
from usage.book import Book
from usage.errors import UsageDown
from usage.ledger import LEASE_US, SETTLED_US, Numbers, Reservation
from usage.scopes import Who
from usage.windows import SECOND

T = TypeVar("T")
WHO = Who("https://issuer", "bot", "runner", "s-1", "ledger")
ONE = Amounts(requests=1, input_tokens=10, output_tokens=100, request_bytes=7)
US = 1_700_000_000 * SECOND


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book(tmp_path / "usage.db")


def step(book: Book, do: Callable[[], T]) -> T:
    with book.transaction():
        return do()


def reserve(book: Book, exchange: str, now_us: int = US, who: Who = WHO, amounts: Amounts = ONE) -> Amounts:
    """What the identity's day is then."""
    return day(step(book, lambda: book.reserve(Reservation(exchange, who, amounts), now_us)))


def settle(book: Book, exchange: str, used: Amounts, *tokens: bytes, now_us: int = US, who: Who = WHO) -> None:
    step(book, lambda: book.settle(exchange, who, used, tokens, now_us))


def day(numbers: Numbers, scope: str = "identity") -> Amounts:
    return numbers.used[scope]["day"]


def read(book: Book, now_us: int = US, scope: str = "identity", window: str = "day") -> Amounts:
    return step(book, lambda: book.read(WHO, now_us)).used[scope][window]


def test_each_sees_those_before_it_and_itself(book: Book) -> None:
    assert [reserve(book, f"e{number}").requests for number in range(5)] == [1, 2, 3, 4, 5]
    assert step(book, lambda: book.look("e2", US)).used["identity"]["day"].requests == 3


def test_what_was_used_takes_the_place_of_what_was_reserved(book: Book) -> None:
    reserve(book, "e1")
    used = Amounts(requests=1, input_tokens=9, output_tokens=3, request_bytes=7, response_bytes=50, rows=2)
    settle(book, "e1", used)
    assert read(book) == used
    assert read(book, scope="connection", window="month") == used


def test_an_upstream_that_says_any_number_stops_nobody(book: Book) -> None:
    for number in range(3):
        settle(book, f"e{number}", Amounts(requests=1, output_tokens=1 << 106))
    assert read(book) == Amounts(requests=3, output_tokens=3 * MOST)


def test_the_same_end_twice_counts_once(book: Book) -> None:
    """Its commit was not heard of, so extproc says it again."""
    used = Amounts(requests=1, input_tokens=9, output_tokens=3)
    reserve(book, "e1")
    settle(book, "e1", used, b"one")
    settle(book, "e1", used, b"one", now_us=US + SECOND)
    settle(book, "unreserved", used)
    settle(book, "unreserved", used)
    assert read(book) == used + used + Amounts(values=1)
    step(book, lambda: book.renew({"e1": True}, US))
    step(book, lambda: book.release("e1", 1, US))
    settle(book, "e1", used + ONE)
    assert read(book) == used + used + ONE + Amounts(values=1)


def test_what_ended_is_open_no_more(book: Book) -> None:
    reserve(book, "e1")
    settle(book, "e1", ONE)
    with pytest.raises(UsageDown):
        step(book, lambda: book.look("e1", US))
    reserve(book, "e2")
    assert step(book, lambda: book.look("e2", US)).used["identity"]["day"] == ONE + ONE
    later = US + 86_400 * SECOND
    step(book, lambda: book.expire(later))
    assert step(book, book.untold) == []
    assert read(book, later) == ONE


def test_what_ended_is_remembered_without_its_names_and_for_a_while(book: Book) -> None:
    reserve(book, "e1")
    settle(book, "e1", ONE)

    def kept(now_us: int) -> list[str]:
        step(book, lambda: book.purge(now_us))
        with book.transaction():
            return [str(row[0]) for row in book._now.execute("SELECT who FROM reservations")]

    (who,) = kept(US + LEASE_US)
    assert not any(name in who for name in (WHO.issuer, WHO.subject, WHO.agent, WHO.session, WHO.connection))
    assert kept(US + SETTLED_US + 1) == []
    assert read(book) == ONE


def test_a_denied_one_gives_everything_back(book: Book) -> None:
    reserve(book, "e1")
    reserve(book, "e2")
    step(book, lambda: book.release("e1", 1, US))
    assert read(book) == ONE + Amounts(denied=1)
    assert step(book, lambda: book.look("e2", US)).used["identity"]["day"] == ONE + Amounts(denied=1)
    step(book, lambda: book.release("e1", 1, US))
    assert read(book).denied == 1


def test_usage_leaves_the_windows(book: Book) -> None:
    settle(book, "e1", ONE)
    assert read(book, US + 30 * SECOND, window="minute") == ONE
    assert read(book, US + 70 * SECOND, window="minute") == Amounts()
    assert read(book, US + 70 * SECOND, window="hour") == ONE
    assert read(book, US + 30 * 86_400 * SECOND, window="month") == ONE
    assert read(book, US + 32 * 86_400 * SECOND, window="month") == Amounts()


def test_a_lease_that_nobody_renews_is_given_back_if_nothing_left(book: Book) -> None:
    reserve(book, "e1")
    other = Who("https://issuer", "other", "other", "s-2", "other")
    reserve(book, "e2", US + LEASE_US, who=other)
    assert read(book, US + LEASE_US) == Amounts()
    assert step(book, book.untold) == []


def test_a_lease_that_is_renewed_stays(book: Book) -> None:
    reserve(book, "e1")
    step(book, lambda: book.renew({"e1": False}, US + LEASE_US - 1))
    step(book, lambda: book.expire(US + LEASE_US))
    assert read(book, US + LEASE_US) == ONE


def test_what_left_and_was_lost_is_charged_told_once_and_settled_late(book: Book) -> None:
    reserve(book, "e1")
    step(book, lambda: book.renew({"e1": True}, US))
    step(book, lambda: book.expire(US + LEASE_US))
    assert read(book, US + LEASE_US) == Amounts(requests=1, input_tokens=10, request_bytes=7)
    (lost,) = step(book, book.untold)
    assert (lost.exchange, lost.who, lost.charged.input_tokens) == ("e1", WHO, 10)
    step(book, lambda: book.told(["e1"]))
    assert step(book, book.untold) == []
    used = Amounts(requests=1, input_tokens=12, output_tokens=40, request_bytes=7)
    settle(book, "e1", used, now_us=US + LEASE_US)
    assert read(book, US + LEASE_US) == used


def test_values_are_distinct_in_each_window(book: Book) -> None:
    settle(book, "e1", ONE, b"one", b"two", b"one")
    settle(book, "e2", ONE, b"two", b"three", now_us=US + 50 * SECOND)
    assert read(book, US + 50 * SECOND).values == 3
    assert read(book, US + 50 * SECOND, window="minute").values == 3
    assert read(book, US + 70 * SECOND, window="minute").values == 2  # one has left, two was seen again
    assert read(book, US + 130 * SECOND, window="minute").values == 0


def test_two_processes_share_the_file(book: Book, tmp_path: Path) -> None:
    other = Book(tmp_path / "usage.db")
    reserve(book, "e1")
    settle(other, "e1", ONE)
    assert read(book) == ONE
    book.close()
    assert read(Book(tmp_path / "usage.db")) == ONE


def test_the_file_is_ours_alone(book: Book) -> None:
    reserve(book, "e1")
    assert book.path.stat().st_mode & 0o777 == 0o600


def test_a_failed_step_leaves_nothing(book: Book) -> None:
    with pytest.raises(UsageDown):
        step(book, lambda: (book.reserve(Reservation("e1", WHO, ONE), US), book.look("unknown", US)))
    assert read(book) == Amounts()


def test_a_broken_file_closes_until_it_is_replaced(book: Book) -> None:
    reserve(book, "e1")
    book.close()
    kept = book.path.read_bytes()
    book.path.write_bytes(b"no database at all" * 1000)
    with pytest.raises(UsageDown):
        reserve(book, "e2")
    book.path.unlink()
    book.path.write_bytes(kept)
    assert reserve(book, "e3").requests == 2


def test_a_file_that_was_exchanged_is_opened_anew(book: Book) -> None:
    reserve(book, "e1")
    for name in ("usage.db", "usage.db-wal", "usage.db-shm"):
        (book.path.parent / name).unlink(missing_ok=True)
    assert reserve(book, "e2").requests == 1


def test_a_file_of_another_version_is_refused(book: Book) -> None:
    reserve(book, "e1")
    book.close()
    with sqlite3.connect(book.path) as conn:
        conn.execute("UPDATE meta SET version = 99")
    with pytest.raises(UsageDown, match="version"):
        reserve(book, "e2")


def test_what_no_window_reaches_is_dropped(book: Book) -> None:
    settle(book, "e1", ONE, b"one")
    step(book, lambda: book.purge(US + 33 * 86_400 * SECOND))
    book.close()
    with sqlite3.connect(book.path) as conn:
        for table in ("cells", "sightings"):
            assert conn.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table


def test_a_reservation_costs_the_same_beside_thousands(book: Book) -> None:
    """In steps of SQLite's machine: ten thousand holds are ten thousand open reservations."""

    def steps(exchange: str) -> int:
        counted: list[None] = []
        with book.transaction():
            conn = book._now
            conn.set_progress_handler(lambda: counted.append(None), 10)
            book.reserve(Reservation(exchange, WHO, ONE), US)
            book.untold()
            conn.set_progress_handler(None, 0)
        return len(counted)

    reserve(book, "e-0")
    settle(book, "e-0", ONE)
    few = steps("e-1")
    with book.transaction():
        for number in range(2, 2000):
            book.reserve(Reservation(f"e-{number}", WHO, ONE), US)
    assert steps("among the open") <= few + 5
    with book.transaction():
        for number in range(2, 2000):
            book.settle(f"e-{number}", WHO, ONE, (), US)
    assert steps("among the ended") <= few + 5
