from audit.verify.body import read
from audit.verify.chain import Chains
from audit.verify.findings import Finding, Flaw
from audit.verify.rows import Row
from audit.write.chain import Head, extend
from audit.write.event import Draft, Kind, compose
from tests.kit.signed_log import edited, evidence, row


def follow(rows: list[Row]) -> list[Finding]:
    chains = Chains()
    found = [one for item in rows for one in chains.follow(read(item.body), item.hash, item.log_index)]
    return found + list(chains.finish())


def story(found: list[Finding]) -> list[tuple[Flaw, int | None]]:
    return [(one.flaw, one.seq) for one in found]


def test_a_whole_chain_has_no_findings():
    assert follow(evidence([0, 1, 0, 0, 1]).rows) == []


def test_who_changed_is_told_by_the_event_after():
    rows = evidence([0] * 5).rows
    rows[2] = edited(rows[2], exchange="forged")
    assert story(follow(rows)) == [(Flaw.EDITED, 3)]
    rows[2] = edited(rows[2], prev="00" * 32)  # now it fits neither side
    assert story(follow(rows)) == [(Flaw.EDITED, 3)]


def test_a_gap_names_each_event_that_is_missing():
    rows = evidence([0] * 6).rows
    assert story(follow([*rows[:2], *rows[4:]])) == [(Flaw.MISSING, 3), (Flaw.MISSING, 4)]


def test_a_gap_of_millions_does_not_fill_the_memory():
    rows = evidence([0] * 2).rows
    rows[1] = edited(rows[1], seq=5_000_000)
    found = follow(rows)
    assert len(found) == 1001
    assert "more before seq 5000000" in found[-1].message


def test_late_events_are_reordered_doubled_or_forged():
    rows = evidence([0] * 4).rows
    assert story(follow([rows[0], rows[2], rows[1], rows[3]])) == [(Flaw.REORDERED, 2)]
    assert story(follow([rows[0], rows[0], rows[1]])) == [(Flaw.DUPLICATED, 1)]
    assert story(follow([*rows, rows[1]])) == [(Flaw.FORGED, 2)]


def starting(head: Head, epoch: int, previous_seq: int, previous: str) -> Row:
    data = {"epoch": epoch, "previous_seq": previous_seq, "previous_head": previous, "previous_stopped": False}
    draft = Draft(Kind.LIFECYCLE, "lifecycle.start", data=data)
    fields = compose(draft, event_id="id", ts_us=5, salts=[]).fields
    return row(head.seq, extend(Head(head.writer, head.gateway, epoch, head.seq, head.hash), fields)[1])


def test_an_epoch_begins_by_naming_the_end_of_the_one_before():
    rows = evidence([0] * 3).rows
    head = Head(rows[0].writer, "gateway.test", 1, 3, rows[2].hash)
    good = starting(head, 2, 3, rows[2].hash.hex())
    assert follow([*rows, good]) == []
    for bad in (
        starting(head, 2, 2, rows[2].hash.hex()),
        starting(head, 2, 3, rows[1].hash.hex()),
        starting(head, 3, 3, rows[2].hash.hex()),
        edited(good, type="decision.allow"),
    ):
        assert story(follow([*rows, bad])) == [(Flaw.EPOCH, 4)]


def test_a_chain_that_does_not_begin_at_its_beginning_is_noticed():
    rows = evidence([0] * 3).rows
    assert story(follow(rows[1:])) == [(Flaw.MISSING, 1)]
    assert story(follow([edited(rows[0], prev="11" * 32)]))[0] == (Flaw.FORGED, 1)
