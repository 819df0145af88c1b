"""The law of the chain: change, drop, swap or insert any record, and the first bad one is named.

Three strengths of evidence: the published log (names every flaw exactly), signed checkpoints without it (a flaw never
passes), and bare chains (name every flaw that leaves a later event of the same writer).
"""

import hashlib
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from audit.verify import Flaw, Row, verify_rows
from audit.write.event import canonical, encoded
from tests.kit.signed_log import Evidence, KnownLog, edited, evidence, row

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
plain_values = st.recursive(
    st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(max_codepoint=127)), inner),
    max_leaves=20,
)
orders = st.lists(st.integers(0, 2), min_size=3, max_size=40)


def pick(data: st.DataObject, made: Evidence) -> int:
    return data.draw(st.integers(0, len(made.rows) - 1))


def reindexed(rows: list[Row]) -> list[Row]:
    """The rows renumbered without a gap, as one would who hides that one is gone."""
    return [replace(item, log_index=index) for index, item in enumerate(rows)]


@given(st.dictionaries(st.text(st.characters(max_codepoint=127)), plain_values))
def test_two_encoders_write_the_same_bytes(fields):
    """The faster one is what is hashed; the other is the standard library's, which RFC 8785 was compared with."""
    assert encoded(fields) == canonical(fields)


@given(orders)
def test_what_nobody_touched_is_whole(order):
    made = evidence(order)
    report = verify_rows(made.rows, [made.checkpoint(size) for size in range(1, len(order) + 1)], log=KnownLog(made))
    assert report.lines()[0].startswith("OK")
    assert report.confirmed_size == len(order)
    assert verify_rows(made.rows, [made.checkpoint()]).ok
    assert verify_rows(made.rows).ok


@given(orders, st.data())
def test_a_changed_record_is_named(order, data):
    made = evidence(order)
    at = pick(data, made)
    rows = [*made.rows]
    rows[at] = edited(rows[at], exchange="forged")
    report = verify_rows(rows, [made.checkpoint()], log=KnownLog(made))
    assert (report.findings[0].flaw, report.findings[0].log_index) == (Flaw.EDITED, at)
    assert report.total_findings == 1
    assert not verify_rows(rows, [made.checkpoint()]).ok
    has_follower = any(item.writer == rows[at].writer for item in rows[at + 1 :])
    bare = verify_rows(rows)
    if has_follower:
        assert (bare.findings[0].writer, bare.findings[0].seq) == (rows[at].writer, rows[at].seq)


@given(orders, st.data())
def test_a_changed_body_under_its_old_hash_is_named_without_any_checkpoint(order, data):
    made = evidence(order)
    at = pick(data, made)
    rows = [*made.rows]
    rows[at] = replace(edited(rows[at], session="forged"), hash=rows[at].hash)
    finding = verify_rows(rows).findings[0]
    assert (finding.flaw, finding.log_index, finding.seq) == (Flaw.EDITED, at, rows[at].seq)


@given(orders, st.data())
def test_a_dropped_record_is_named(order, data):
    made = evidence(order)
    at = pick(data, made)
    rows = [item for item in made.rows if item.log_index != at]
    first = verify_rows(rows, [made.checkpoint()], log=KnownLog(made)).findings[0]
    gone = made.rows[at]
    assert first.flaw in (Flaw.MISSING, Flaw.CUT_OFF)
    assert (first.log_index, first.writer, first.seq) == (at, gone.writer, gone.seq)
    assert not verify_rows(rows, [made.checkpoint()]).ok
    assert not verify_rows(reindexed(rows), [made.checkpoint()]).ok
    if any(item.writer == gone.writer for item in rows[at:]):
        bare = verify_rows(reindexed(rows)).findings[0]
        assert (bare.flaw, bare.writer, bare.seq) == (Flaw.MISSING, gone.writer, gone.seq)


@given(orders, st.data())
def test_two_swapped_records_are_named(order, data):
    made = evidence(order)
    one, two = sorted(data.draw(st.lists(st.integers(0, len(order) - 1), min_size=2, max_size=2, unique=True)))
    rows = [*made.rows]
    rows[one], rows[two] = rows[two], rows[one]
    rows = reindexed(rows)
    report = verify_rows(rows, [made.checkpoint()], log=KnownLog(made))
    assert [(found.flaw, found.log_index) for found in report.findings] == [
        (Flaw.REORDERED, one),
        (Flaw.REORDERED, two),
    ]
    assert not verify_rows(rows, [made.checkpoint()]).ok


@given(orders, st.data())
def test_an_inserted_record_is_named(order, data):
    made = evidence(order)
    at = pick(data, made)
    forged = edited(made.rows[at], exchange="forged")
    rows = sorted([*made.rows, forged], key=lambda item: item.log_index)
    finding = verify_rows(rows, [made.checkpoint()], log=KnownLog(made)).findings[0]
    assert (finding.flaw, finding.log_index) == (Flaw.FORGED, at)
    shifted = reindexed([*made.rows[:at], forged, *made.rows[at:]])
    assert verify_rows(shifted, [made.checkpoint()], log=KnownLog(made)).findings[0].log_index == at
    assert not verify_rows(shifted, [made.checkpoint()]).ok


@given(orders, st.data())
def test_a_doubled_record_is_named(order, data):
    made = evidence(order)
    at = pick(data, made)
    rows = sorted([*made.rows, made.rows[at]], key=lambda item: item.log_index)
    for report in (verify_rows(rows), verify_rows(rows, [made.checkpoint()], log=KnownLog(made))):
        assert [(found.flaw, found.log_index) for found in report.findings] == [(Flaw.DUPLICATED, at)]


@given(orders, st.data())
def test_a_rewritten_end_is_caught_by_the_checkpoint_alone(order, data):
    """The strongest forger without the key: everything from some record on is chained anew."""
    made = evidence(order)
    at = pick(data, made)
    rows = [*made.rows]
    heads: dict[str, bytes] = {}
    for index in range(at, len(rows)):
        changes = {"exchange": "forged"} if index == at else {}
        if rows[index].writer in heads:
            changes["prev"] = heads[rows[index].writer].hex()
        if changes:
            rows[index] = edited(rows[index], **changes)
            heads[rows[index].writer] = rows[index].hash
    assert verify_rows(rows).ok  # chains alone cannot tell
    report = verify_rows(rows, [made.checkpoint(size) for size in range(1, len(rows) + 1)])
    assert report.findings[0].log_index == at
    assert verify_rows(rows, [made.checkpoint()], log=KnownLog(made)).findings[0].log_index == at


@given(orders, st.integers(1, 10))
def test_a_cut_off_end_is_named(order, count):
    made = evidence(order)
    kept = max(0, len(order) - count)
    report = verify_rows(made.rows[:kept], [made.checkpoint()])
    assert (report.findings[0].flaw, report.findings[0].log_index) == (Flaw.CUT_OFF, kept)
    report = verify_rows(made.rows[:kept], [made.checkpoint()], log=KnownLog(made))
    gone = made.rows[kept]
    assert (report.findings[0].writer, report.findings[0].seq) == (gone.writer, gone.seq)


@given(orders)
def test_a_writer_deleted_whole_is_noticed(order):
    made = evidence([*order, 0, 1])
    gone = made.rows[-1].writer
    rows = [item for item in made.rows if item.writer != gone]
    report = verify_rows(rows, [made.checkpoint()], log=KnownLog(made))
    assert {found.writer for found in report.findings} == {gone}
    assert not verify_rows(reindexed(rows), [made.checkpoint()]).ok
    assert verify_rows([row(0, made.rows[0].body)]).ok
    assert hashlib.sha256(made.rows[0].body).digest() == made.rows[0].hash
