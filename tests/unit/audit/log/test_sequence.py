import json
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from audit.log.cursor import Cursor, WrongLog
from audit.log.sequence import LogStateLost, Sequencer, broken
from audit.log.spools import Spooled
from audit.log.tiles import TileReader
from audit.verify import verify_tiles
from tests.kit.shipping import House, say, texts


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.close()


def story(house: House, size: int) -> list[str]:
    bodies = [json.loads(TileReader(house.tiles).body(index)) for index in range(size)]
    return [body["data"].get("text", body["type"]) for body in bodies]


def check(house: House, size: int) -> None:
    report = verify_tiles(house.tiles, [house.signer.vkey()])
    assert report.ok, report.lines()
    assert report.confirmed_size == size


def test_merges_writers_by_time_and_keeps_each_ones_order(house: House):
    one, two = house.writer("one"), house.writer("two")
    say(one, "a")
    say(two, "b")
    say(one, "c")
    house.clock.us -= 1_000_000  # the clock was set back: a writer's own order still holds
    say(two, "d")
    sequencer = house.sequencer()
    assert sequencer.step() == []
    order = story(house, sequencer.size)
    assert order[:2] == ["lifecycle.start", "lifecycle.start"]
    assert [text for text in order if text in "ac"] == ["a", "c"]
    assert [text for text in order if text in "bd"] == ["b", "d"]
    check(house, 6)


def test_goes_on_where_it_stopped_and_rests_when_nothing_is_new(house: House):
    writer = house.writer("one")
    sequencer = house.sequencer()
    sequencer.step()
    note = (house.tiles / "checkpoint").read_text()
    sequencer.step()
    assert (house.tiles / "checkpoint").read_text() == note
    say(writer, *[str(number) for number in range(300)])
    again = house.sequencer()
    assert again.size == 1
    again.step()
    check(house, 301)
    assert (house.state / "log" / "checkpoint").read_text() == (house.tiles / "checkpoint").read_text()


class Crash(Exception):
    pass


@pytest.mark.parametrize("moment", ["extend", "checkpoint", "publish"])
def test_a_crash_at_any_moment_repeats_the_same_order(house: House, moment: str):
    one, two = house.writer("one"), house.writer("two")
    say(one, "a")
    crashing = house.sequencer()
    crash_at(crashing, house, moment)
    with pytest.raises(Crash):
        crashing.step()
    house.clock.us -= 1_000_000
    say(two, "earlier, but it comes too late")
    sequencer = house.sequencer()
    sequencer.step()  # finishes what was begun
    assert story(house, sequencer.size)[-1] == "a"
    sequencer.step()
    assert story(house, sequencer.size)[-1] == "earlier, but it comes too late"
    check(house, 4)


def crash_at(sequencer: Sequencer, house: House, moment: str) -> None:
    """Makes the step fail right before the tiles, the checkpoint, or the note that it is published."""

    class Failing(Cursor):
        def publish(self, *arguments) -> None:
            raise Crash

    class Stopping(type(sequencer._tiles)):  # type: ignore[misc]
        def extend(self, *arguments) -> None:
            if moment == "checkpoint":
                super().extend(*arguments)
            raise Crash

    if moment == "publish":
        sequencer._cursor = Failing(house.state / "log" / "cursor.db", house.signer.name)
    else:
        sequencer._tiles = Stopping(house.tiles)


def test_a_published_step_needs_no_spool_to_be_finished(house: House):
    writer = house.writer("one")
    say(writer, "a")
    crashing = house.sequencer()
    crash_at(crashing, house, "publish")
    with pytest.raises(Crash):
        crashing.step()
    shutil.rmtree(house.state / "spool")
    sequencer = house.sequencer()
    sequencer.step()
    assert sequencer.size == 2
    check(house, 2)


def test_a_plan_whose_spool_is_lost_before_it_was_signed_is_given_up_and_told(house: House):
    one, two = house.writer("one"), house.writer("two")
    say(one, "a")
    crashing = house.sequencer()
    crash_at(crashing, house, "extend")
    with pytest.raises(Crash):
        crashing.step()
    for path in (house.state / "spool").glob("one.db*"):
        path.unlink()
    say(two, "b")
    sequencer = house.sequencer()
    assert [draft.type for draft in sequencer.step()] == ["log.chain_broken"]
    sequencer.step()
    assert story(house, sequencer.size) == ["lifecycle.start", "b"]
    check(house, 2)


def with_old_cursor(house: House, *, lost: bool) -> None:
    """Two publications, of which the cursor database remembers the first, or nothing."""
    writer = house.writer("one")
    say(writer, "a")
    house.sequencer().step()
    sender = house.sender()
    while sender.step()[0]:
        pass
    writer.trim()
    house.close()
    path = house.state / "log" / "cursor.db"
    kept = path.read_bytes()
    say(house.writer("two"), "b")
    house.sequencer().step()
    house.close()
    path.unlink() if lost else path.write_bytes(kept)


@pytest.mark.parametrize("lost", [True, False])
def test_a_lost_or_old_cursor_is_made_anew_from_the_signed_log(house: House, lost: bool):
    with_old_cursor(house, lost=lost)
    sequencer = house.sequencer()
    size = sequencer.size
    assert size == len(story(house, size)) >= 5
    sender = house.sender()
    while sender.step()[0]:
        pass
    assert texts(house) == story(house, size)
    say(house.writer("two"), "c")
    sequencer.step()
    assert story(house, sequencer.size)[-1] == "c"
    check(house, sequencer.size)


@pytest.mark.parametrize("damage", ["cut off", "edited", "gone"])
def test_a_lost_cursor_and_a_damaged_log_are_refused(house: House, damage: str):
    with_old_cursor(house, lost=True)
    bundles = [path for path in (house.tiles / "tile" / "entries").rglob("*") if path.is_file()]
    for bundle in bundles:
        content = bundle.read_bytes()
        bundle.write_bytes(content[:-1] if damage == "cut off" else content.replace(b"decision", b"incision", 1))
        if damage == "gone":
            bundle.unlink()
    with pytest.raises(LogStateLost, match="cannot be made anew"):
        house.sequencer()


def test_a_checkpoint_of_another_history_is_refused(house: House):
    house.writer("one")
    house.sequencer().step()
    note = (house.tiles / "checkpoint").read_text()
    lines = note.split("\n")
    (house.tiles / "checkpoint").write_text("\n".join([lines[0], lines[1], "A" * 43 + "=", *lines[3:]]))
    with pytest.raises(LogStateLost):
        house.sequencer()
    (house.tiles / "checkpoint").write_text("rubbish")
    with pytest.raises(LogStateLost):
        house.sequencer()


def test_a_state_folder_belongs_to_one_gateway(house: House):
    house.cursor()
    with pytest.raises(WrongLog, match=r"gateway\.id was changed"):
        Cursor(house.state / "log" / "cursor.db", "other")


def tamper(house: House, sql: str, *values: object) -> None:
    with sqlite3.connect(house.state / "spool" / "one.db") as conn:
        conn.execute(sql, values)
    conn.close()


def test_a_spool_that_was_tampered_with_is_told_once_and_still_shipped(house: House):
    writer = house.writer("one")
    say(writer, "a", "b", "c", "d")
    tamper(house, "UPDATE events SET body = replace(CAST(body AS TEXT), '\"a\"', '\"x\"') WHERE seq = 2")
    tamper(house, "DELETE FROM events WHERE seq = 4")
    sequencer = house.sequencer()
    told = sequencer.step()
    assert [(draft.type, draft.data["seq"]) for draft in told] == [
        ("log.chain_broken", 2),
        ("log.chain_broken", 3),
        ("log.chain_broken", 5),
    ]
    assert sequencer.step() == []
    report = verify_tiles(house.tiles, [house.signer.vkey()])
    assert [(found.flaw.value, found.seq) for found in report.findings] == [("edited", 2), ("missing", 4)]


def test_a_spool_put_back_to_an_earlier_state_is_told(house: House):
    writer = house.writer("one")
    house.sequencer().step()
    house.close()
    kept = writer.path.read_bytes()
    say(house.writer("one"), "a", "b")
    house.sequencer().step()
    house.close()
    writer.path.write_bytes(kept)
    assert [draft.data["what"] for draft in house.sequencer().step()] == ["the spool was put back to an earlier state"]


def test_an_oversized_body_is_set_aside_and_blocks_nobody(house: House):
    writer = house.writer("one")
    say(writer, "a", "b")
    tamper(house, "UPDATE events SET body = zeroblob(70000) WHERE seq = 2")
    sequencer = house.sequencer()
    sequencer.step()
    assert sequencer.size == 2
    assert [(kept.seq, kept.reason, len(kept.body)) for kept in house.cursor().quarantined()] == [
        (2, "oversized", 70000)
    ]


def test_what_is_no_spool_is_passed_over(house: House):
    house.writer("one")
    (house.state / "spool" / "empty.db").write_bytes(b"")
    (house.state / "spool" / "rubbish.db").write_bytes(b"x" * 5000)
    sequencer = house.sequencer()
    sequencer.step()
    assert sequencer.size == 1


def test_broken_names_each_kind_of_break():
    good = Spooled("w", 1, b'{"prev":"' + b"0" * 64 + b'"}', b"", 0)
    assert [found.what for found in broken([good], 0, bytes(32))] == ["its body is not what its hash says"]
    assert [found.what for found in broken([good], 5, bytes(32))] == ["events before it are missing"]
