from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from audit.log.deliver import Unconfirmed
from audit.log.send import Sender
from audit.log.target import TargetAway, TargetRefused
from audit.write import acknowledged
from tests.kit.shipping import GATEWAY, House, say, texts


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.close()


def drain(sender: Sender) -> list[str]:
    """Steps until nothing is left; returns the types of what was told."""
    told = []
    while True:
        count, drafts = sender.step()
        told += [draft.type for draft in drafts]
        if not count:
            return told


def acked(house: House, writer: str) -> int:
    return acknowledged(house.state / "log" / "cursor.db", writer)


def test_ships_events_frames_and_checkpoints_and_acknowledges(house: House):
    one, two = house.writer("one"), house.writer("two")
    say(one, "a", "b", frame=b"\xff\x00content")
    say(two, "c")
    house.sequencer().step()
    sender = house.sender()
    assert sender.behind() == 5
    assert drain(sender) == []
    assert sender.behind() == 0
    assert texts(house) == ["lifecycle.start", "lifecycle.start", "a", "b", "c"]
    assert [row.content for row in house.target.frame_rows] == [b"\xff\x00content"] * 2
    assert sorted(acked(house, row.writer) for row in house.target.event_rows if row.seq == 1) == [2, 3]
    house.clock.advance(2_000_000)  # a quiet moment: now the checkpoint follows
    drain(sender)
    assert [(row.gateway, row.size) for row in house.target.checkpoint_rows] == [(GATEWAY, 5)]
    assert house.verify().lines()[0].startswith("OK")


def test_nothing_is_shipped_that_is_not_signed(house: House):
    say(house.writer("one"), "a")
    assert house.sender().step() == (0, [])
    assert house.target.inserts == {}


def test_checkpoints_wait_while_events_flow_but_not_for_ever(house: House):
    writer, sequencer, sender = house.writer("one"), house.sequencer(), house.sender()
    for number in range(25):
        say(writer, str(number))
        sequencer.step()
        sender.step()
        house.clock.advance(900_000)
    assert [row.size for row in house.target.checkpoint_rows][-1] >= 20
    assert house.target.inserts["checkpoints"] <= 4


class Lost(TargetAway):
    pass


def lose_reply_once(house: House, table: str) -> None:
    """The insert is applied, the reply never comes."""

    def after(name: str, rows: Sequence[tuple[object, ...]]) -> None:
        if name == table:
            house.target.after = lambda name, rows: None
            raise Lost("no reply")

    house.target.after = after


@pytest.mark.parametrize("table", ["events", "frames"])
def test_a_lost_reply_doubles_nothing(house: House, table: str):
    say(house.writer("one"), "a", "b", frame=b"content")
    house.sequencer().step()
    sender = house.sender()
    lose_reply_once(house, table)
    with pytest.raises(TargetAway):
        sender.step()
    assert acked(house, house.target.frame_rows[0].writer) == 0
    assert drain(sender) == []
    assert texts(house) == ["lifecycle.start", "a", "b"]
    assert len(house.target.frame_rows) == 2


def test_a_shipper_that_died_after_the_insert_doubles_nothing(house: House):
    say(house.writer("one"), "a", "b")
    house.sequencer().step()
    lose_reply_once(house, "events")
    with pytest.raises(TargetAway):
        house.sender().step()
    drain(house.sender())  # a new process: all that is published and not acknowledged is in doubt
    assert texts(house) == ["lifecycle.start", "a", "b"]


def test_only_what_is_missing_is_inserted_after_a_doubt(house: House):
    say(house.writer("one"), "a", "b", "c")
    house.sequencer().step()
    lose_reply_once(house, "events")
    sender = house.sender()
    with pytest.raises(TargetAway):
        sender.step()
    del house.target.event_rows[2]  # the server died before this row was durable
    drain(sender)
    assert sorted(texts(house)) == ["a", "b", "c", "lifecycle.start"]
    assert len(house.target.event_rows) == 4


def test_rows_that_are_not_there_after_the_insert_are_not_acknowledged(house: House):
    say(house.writer("one"), "a")
    house.sequencer().step()
    sender = house.sender()
    house.target.after = lambda name, rows: house.target.event_rows.clear()
    with pytest.raises(Unconfirmed):
        sender.step()
    assert sender.behind() == 2
    house.target.after = lambda name, rows: None
    drain(sender)
    assert texts(house) == ["lifecycle.start", "a"]


def refuse(house: House, *bad: str) -> None:
    """ClickHouse refuses every insert that holds one of these."""

    def before(name: str, rows: Sequence[tuple[object, ...]]) -> None:
        if name == "events" and any(f'"{text}"' in str(row) for row in rows for text in bad):
            raise TargetRefused("CANNOT_PARSE_TEXT")

    house.target.before = before


def test_a_poison_event_is_quarantined_and_blocks_nobody(house: House):
    say(house.writer("one"), *[str(number) for number in range(100)], frame=b"content")
    house.sequencer().step()
    refuse(house, "17", "42")
    sender = house.sender()
    assert drain(sender) == ["log.quarantined", "log.quarantined"]
    assert len(house.target.event_rows) == 99
    kept = house.cursor().quarantined()
    assert [(event.seq, event.reason) for event in kept] == [(19, "CANNOT_PARSE_TEXT"), (44, "CANNOT_PARSE_TEXT")]
    assert sender.behind() == 0

    assert sender.retry_quarantined() == []  # alone it has nothing to be compared with, and still no
    refuse(house)
    assert [draft.type for draft in sender.retry_quarantined()] == ["log.released", "log.released"]
    assert len(house.target.event_rows) == 101
    assert len(house.target.frame_rows) == 100
    assert house.cursor().quarantined() == []
    assert house.verify().ok


def test_a_quarantined_event_is_a_note_of_the_verifier_not_a_finding(house: House):
    writer = house.writer("one")
    say(writer, "good", "bad", "good")
    sequencer, sender = house.sequencer(), house.sender()
    sequencer.step()
    refuse(house, "bad")
    _, drafts = sender.step()
    from audit.write import tables

    assert writer.commit([tables.entries_of(drafts, house.clock)]) == [None]  # as the shipper's own spool does
    sequencer.step()
    drain(sender)
    report = house.verify()
    assert report.ok, report.lines()
    assert any("quarantine" in note for note in report.notes)


def test_a_server_that_refuses_everything_is_away_and_nothing_is_quarantined(house: House):
    say(house.writer("one"), *[str(number) for number in range(200)])
    house.sequencer().step()

    def before(name: str, rows: Sequence[tuple[object, ...]]) -> None:
        if name == "events":
            raise TargetRefused("SOMETHING_NEW")

    house.target.before = before
    sender = house.sender()
    with pytest.raises(TargetAway, match="refuses every event"):
        sender.step()
    assert house.cursor().quarantined() == []
    refuse(house)
    drain(sender)
    assert len(house.target.event_rows) == 201


def test_an_unreadable_body_is_quarantined_without_asking(house: House):
    import sqlite3

    writer = house.writer("one")
    say(writer, "a", "b")
    with sqlite3.connect(writer.path) as conn:
        conn.execute("UPDATE events SET body = CAST('{}' AS BLOB) WHERE seq = 2")
    conn.close()
    house.sequencer().step()
    assert drain(house.sender()) == ["log.quarantined"]
    assert texts(house) == ["lifecycle.start", "b"]


def test_a_forged_row_under_our_sequence_is_told_and_ours_is_still_stored(house: House):
    say(house.writer("one"), "a", "b")
    house.sequencer().step()
    sender = house.sender()
    lose_reply_once(house, "events")
    with pytest.raises(TargetAway):
        sender.step()
    house.target.event_rows[1] = house.target.event_rows[1]._replace(body="{}")
    assert drain(sender) == ["log.conflict"]
    assert sorted(row.seq for row in house.target.event_rows) == [1, 2, 2, 3]


def test_a_spool_that_is_gone_is_made_up_for_by_the_log(house: House):
    writer = house.writer("one")
    say(writer, "a", "b", frame=b"content")
    house.sequencer().step()
    for path in (house.state / "spool").glob("*"):
        path.unlink()
    drain(house.sender())
    assert texts(house) == ["lifecycle.start", "a", "b"]
    assert house.target.frame_rows == []  # frames are not in the log; the verifier says which are gone


def test_writers_trim_what_is_acknowledged(house: House):
    writer = house.writer("one")
    say(writer, "a", "b")
    house.sequencer().step()
    assert not writer.trim()
    before = writer.usage[0]
    drain(house.sender())
    writer.trim()
    assert writer.usage[0] == 0 < before
    say(writer, "c")
    house.sequencer().step()
    drain(house.sender())
    assert texts(house)[-1] == "c"


def test_batches_stay_below_their_size(house: House):
    import audit.log.batch as batches

    writer = house.writer("one")
    say(writer, *[str(number) for number in range(10)], frame=b"x" * 1000)
    house.sequencer().step()
    cursor = house.cursor()
    from audit.log.tiles import TileReader

    loaded = batches.load(cursor.unshipped(100), house.spools, TileReader(house.tiles), 5_000)
    assert 1 <= len(loaded) < 5
    one = batches.load(cursor.unshipped(100)[1:], house.spools, TileReader(house.tiles), 1)
    assert len(one) == 1
