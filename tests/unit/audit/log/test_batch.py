import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from audit.log import batch
from audit.log.target import TargetAway
from audit.log.tiles import TileReader
from tests.kit.shipping import House, say


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.close()


def load(house: House, size: int = 1 << 20) -> list[batch.Loaded]:
    return batch.load(house.cursor().unshipped(100), house.spools, TileReader(house.tiles), size)


def test_an_event_comes_with_its_row_and_frames(house: House):
    say(house.writer("one"), "a", frame=b"content")
    house.sequencer().step()
    start, event = load(house)
    assert (start.frames, event.place.seq) == ((), 2)
    assert event.row is not None
    assert event.row.body.encode() == event.body
    assert [frame.content for frame in event.frames] == [b"content"]


def test_a_spool_that_tells_another_story_is_not_believed(house: House):
    writer = house.writer("one")
    say(writer, "a")
    house.sequencer().step()
    with sqlite3.connect(writer.path) as conn:
        conn.execute("UPDATE events SET body = CAST('{}' AS BLOB)")
    conn.close()
    assert b'"text":"a"' in load(house)[1].body


def test_a_damaged_spool_is_made_up_for_by_the_log(house: House):
    writer = house.writer("one")
    say(writer, *[str(number) for number in range(200)], frame=b"x" * 100)
    house.sequencer().step()
    house.close()
    content = bytearray(writer.path.read_bytes())
    content[4096 * 4 : 4096 * 20] = b"\xa5" * 4096 * 16  # pages beyond the first tables' roots
    writer.path.write_bytes(content)
    assert b'"text":"5"' in load(house)[6].body


def test_a_spool_that_is_only_busy_is_waited_for(house: House):
    writer = house.writer("one")
    say(writer, "a", frame=b"content")
    house.sequencer().step()
    writer.release()
    stranger = sqlite3.connect(writer.path, isolation_level=None)
    stranger.execute("PRAGMA locking_mode = EXCLUSIVE")
    stranger.execute("BEGIN EXCLUSIVE")
    with pytest.raises(TargetAway, match="spool"):
        load(house)  # its frames are nowhere else
    stranger.close()


def test_what_is_set_aside_comes_back_whole(house: House):
    say(house.writer("one"), "a", frame=b"\xff\x00")
    house.sequencer().step()
    event = load(house)[1]
    again = batch.restored(batch.set_aside(event, "why", 7))
    assert (again.row, again.frames, again.place) == (event.row, event.frames, event.place)
