"""Sessions of callers without a key are one over restarts and processes."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from authz.idle import FILE, Idle
from authz.session import IDLE_US, Seen, Sessions
from identity import Identity
from runtime.clock import FixedClock

BOT, OTHER = Identity("https://issuer", "bot", agent="runner"), Identity("https://issuer", "other")
CALLER = (BOT.issuer, BOT.subject, BOT.agent)


def restarted(folder: Path, clock: FixedClock, *callers: Identity) -> list[str]:
    """One life of a process: what it calls the sessions of these callers."""
    with Idle(folder) as idle:
        sessions = Sessions(clock, idle)
        found = [sessions.of(caller, "", "").id for caller in callers]
        idle.save(sessions.unsaved(), clock.us)
        return found


def test_a_restart_begins_no_new_session(tmp_path: Path) -> None:
    clock = FixedClock()
    before = restarted(tmp_path, clock, BOT, OTHER)
    clock.advance(IDLE_US)
    assert restarted(tmp_path, clock, OTHER) == before[1:]
    assert restarted(tmp_path, clock, BOT) == before[:1]
    clock.advance(IDLE_US + 1)
    assert restarted(tmp_path, clock, BOT) != before[:1], "thirty idle minutes end it, restart or not"


def test_all_processes_of_a_gateway_agree(tmp_path: Path) -> None:
    clock = FixedClock()
    with Idle(tmp_path) as one, Idle(tmp_path) as two:
        first, second = Sessions(clock, one), Sessions(clock, two)
        session = first.of(BOT, "", "")
        clock.advance(1_000_000)
        assert second.of(BOT, "", "") == session
        for _ in range(3):  # it talks to the second alone
            clock.advance(IDLE_US - 1)
            assert second.of(BOT, "", "") == session
            two.save(second.unsaved(), clock.us)
        assert first.of(BOT, "", "") == session, "the first has not seen it for long, and asks"


def test_only_who_was_seen_is_written_and_what_is_over_is_dropped(tmp_path: Path) -> None:
    clock = FixedClock()
    sessions = Sessions(clock)
    sessions.of(BOT, "", "")
    sessions.of(OTHER, "key", "")
    assert sessions.unsaved() == [Seen(CALLER, clock.us, clock.us)]
    assert sessions.unsaved() == []
    with Idle(tmp_path) as idle:
        began = idle.began(CALLER, clock.us, clock.us)
        assert began == clock.us
        assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
        clock.advance(IDLE_US + 1)
        idle.save([Seen(("i", "s", "a"), began, clock.us)], clock.us)
    with sqlite3.connect(tmp_path / FILE) as conn:
        assert conn.execute("SELECT count(*) FROM idle").fetchone() == (0,)
    conn.close()


def overwritten(file: Path) -> None:
    file.write_bytes(b"no database at all" * 1000)


def without_a_page(file: Path) -> None:
    """Its head is whole, so that it opens."""
    page = int.from_bytes(file.read_bytes()[16:18])
    with file.open("r+b") as there:
        there.seek(page)
        there.write(bytes(page))


@pytest.mark.parametrize("damage", [overwritten, without_a_page])
def test_a_damaged_file_is_forgotten_and_the_next_life_is_remembered(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    clock = FixedClock()
    restarted(tmp_path, clock, BOT)
    damage(tmp_path / FILE)
    clock.advance(1)
    second = restarted(tmp_path, clock, BOT)
    assert second == [Sessions(clock).of(BOT, "", "").id]
    clock.advance(1)
    assert restarted(tmp_path, clock, BOT) == second
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_of_two_that_find_it_damaged_one_removes_it(tmp_path: Path) -> None:
    overwritten(tmp_path / FILE)
    clock = FixedClock()
    with Idle(tmp_path) as one:
        assert one.began(CALLER, clock.us, clock.us) == clock.us
        second = Idle(tmp_path)._open_anew()  # it saw the damage too, and comes late
        assert second.execute("SELECT count(*) FROM idle").fetchone() == (1,)
        second.close()


def test_a_file_that_cannot_be_used_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    clock = FixedClock()
    with Idle(tmp_path) as idle:
        sessions = Sessions(clock, idle)
        session = sessions.of(BOT, "", "")
        clock.advance(1)
        assert sessions.of(BOT, "", "") == session, "one session as long as the process lives"


def test_whoever_could_not_ask_asks_again(tmp_path: Path) -> None:
    clock = FixedClock()
    with Idle(tmp_path) as one, Idle(tmp_path) as two:
        first, second = Sessions(clock, one), Sessions(clock, two)
        session = first.of(BOT, "", "")
        with locked(tmp_path / FILE):
            clock.advance(1)
            alone = [second.of(BOT, "", ""), second.of(OTHER, "", "")]
            assert alone[0] != session
            clock.advance(1)
            assert [second.of(BOT, "", ""), second.of(OTHER, "", "")] == alone
        clock.advance(1)
        assert second.of(BOT, "", "") == session
        assert second.of(OTHER, "", "") == alone[1] == first.of(OTHER, "", ""), "nobody knew of another"


@contextlib.contextmanager
def locked(file: Path) -> Iterator[None]:
    """Somebody writes for longer than a check waits."""
    db = sqlite3.connect(file, isolation_level=None)
    db.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        db.execute("ROLLBACK")
        db.close()
