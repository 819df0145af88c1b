from collections.abc import Sequence

import pytest

from audit.log.batch import Loaded, loaded
from audit.log.cursor import Placed
from audit.log.deliver import MAX_REFUSALS, UNREADABLE, RefusesAll, Unconfirmed, deliver
from audit.log.target import MemoryTarget, TargetRefused
from audit.log.tree import leaf_hash
from tests.kit.signed_log import evidence


def batch(count: int) -> list[Loaded]:
    rows = evidence([index % 2 for index in range(count)]).rows
    return [loaded(Placed(r.log_index, r.writer, r.seq, leaf_hash(r.body), r.hash), r.body, []) for r in rows]


def refusing(*bad: int) -> MemoryTarget:
    target = MemoryTarget()

    def before(table: str, rows: Sequence[tuple[object, ...]]) -> None:
        if table == "events" and any(row[0] in bad for row in rows):
            raise TargetRefused("CANNOT_PARSE_TEXT")

    target.before = before
    return target


def test_a_sure_batch_is_one_insert_and_an_unsure_one_is_looked_up_first():
    target = MemoryTarget()
    assert deliver(target, batch(10), doubt=False).accepted == 10
    assert target.inserts == {"events": 1}
    assert deliver(target, batch(10), doubt=True).accepted == 10
    assert target.inserts == {"events": 1}


@pytest.mark.parametrize("bad", [(0,), (9,), (0, 9), (4, 5, 6), tuple(range(9))])
def test_only_what_is_refused_by_itself_is_given_up(bad: tuple[int, ...]):
    target = refusing(*bad)
    delivery = deliver(target, batch(10), doubt=False)
    assert sorted(event.place.log_index for event, _ in delivery.refused) == list(bad)
    assert {reason for _, reason in delivery.refused} == {"CANNOT_PARSE_TEXT"}
    assert sorted(row.log_index for row in target.event_rows) == [index for index in range(10) if index not in bad]


def test_nothing_is_given_up_while_everything_is_refused():
    for count in (1, 3, 200):
        target = refusing(*range(count))
        with pytest.raises(RefusesAll):
            deliver(target, batch(count), doubt=False)
        assert target.inserts == {}
    assert MAX_REFUSALS < 200  # a whole batch is not tried one by one


def test_what_is_no_event_never_reaches_the_server():
    target = MemoryTarget()
    rubbish = loaded(Placed(0, "w", 1, leaf_hash(b"{}"), b"h" * 32), b"{}", [])
    delivery = deliver(target, [rubbish], doubt=False)
    assert [reason for _, reason in delivery.refused] == [UNREADABLE]
    assert target.inserts == {}


def test_rows_that_do_not_stay_are_noticed():
    target = MemoryTarget()
    target.after = lambda table, rows: target.event_rows.pop() and None
    with pytest.raises(Unconfirmed):
        deliver(target, batch(3), doubt=False)


def test_more_than_we_sent_is_told():
    target = MemoryTarget()
    deliver(target, batch(4), doubt=False)
    target.event_rows.append(target.event_rows[2])
    target.event_rows.append(target.event_rows[3]._replace(body="{}"))
    writer = target.event_rows[2].writer
    assert (writer, target.event_rows[2].seq) in deliver(target, batch(4), doubt=True).strange
    assert len(deliver(target, batch(4), doubt=True).strange) == 2
