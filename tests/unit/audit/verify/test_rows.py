"""Beside the laws in tests/property/test_audit_chain.py: what people are told."""

from dataclasses import replace

from audit.verify import Flaw, Row, verify_rows
from audit.verify.body import read
from tests.kit.signed_log import KnownLog, edited, evidence

MADE = evidence([0, 1, 0, 1, 0, 1])


def messages(rows: list[Row], **options) -> list[str]:
    return [str(found) for found in verify_rows(rows, **options).findings]


def test_the_signed_event_is_named_where_another_stands():
    rows = [*MADE.rows]
    rows[2] = edited(rows[3], exchange="x")
    rows[2] = replace(rows[2], log_index=2)
    (message,) = messages(rows, log=KnownLog(MADE))
    assert "which is w0.00000000 seq 2" in message


def test_an_event_that_belongs_elsewhere_is_told_where():
    rows = [*MADE.rows]
    rows[2], rows[4] = replace(rows[4], log_index=2), replace(rows[2], log_index=4)
    assert "the log has this event at index 4" in messages(rows, log=KnownLog(MADE))[0]


def test_lying_columns_are_named():
    columns = read(MADE.rows[2].body).columns
    rows = [*MADE.rows]
    rows[2] = replace(rows[2], columns=columns)
    assert verify_rows(rows).ok
    rows[2] = replace(rows[2], columns=(*columns[:10], "mallory", *columns[11:]))
    assert messages(rows) == ["EDITED: log index 2, w0.00000000 seq 2: not what its body says: column subject"]


def test_writer_and_sequence_beside_the_body_must_be_its_own():
    rows = [*MADE.rows]
    rows[2] = replace(rows[2], seq=9)
    assert "its body is that of w0.00000000 seq 2" in messages(rows)[0]


def test_what_was_published_a_moment_ago_is_on_its_way():
    report = verify_rows(MADE.rows[:4], log=KnownLog(MADE), fresh_us=1_000_000)
    assert report.ok
    assert report.notes == ["the newest 2 entries are on their way: published, not yet stored"]
    assert verify_rows(MADE.rows[:4], log=KnownLog(MADE), fresh_us=2_000_000).findings[0].flaw is Flaw.CUT_OFF


def test_a_row_beyond_the_log_is_forged():
    rows = [*MADE.rows, replace(edited(MADE.rows[5], seq=4, prev=MADE.rows[5].hash.hex()), log_index=6, seq=4)]
    assert [found.flaw for found in verify_rows(rows, log=KnownLog(MADE)).findings] == [Flaw.FORGED]


def test_rows_out_of_order_and_a_far_place_end_well():
    rows = [MADE.rows[1], MADE.rows[0], replace(MADE.rows[2], log_index=2**62)]
    assert not verify_rows(rows).ok
    assert not verify_rows(rows, log=KnownLog(MADE)).ok


def test_no_rows_at_all():
    assert verify_rows([]).ok
    assert verify_rows([], log=KnownLog(MADE)).findings[0].flaw is Flaw.CUT_OFF
    assert verify_rows([], [MADE.checkpoint()]).findings[0].flaw is Flaw.CUT_OFF
