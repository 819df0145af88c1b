from audit.verify.body import Event, NamedFrame
from audit.verify.findings import Finding, Flaw, Report
from audit.verify.retention import Retention

MAY = 1_777_700_000_000_000  # within 2026-05
FRAME = NamedFrame("request", 0, MAY, "text/plain", 3, b"d" * 32)


def event(type_: str, data: dict, kind: str = "config") -> Event:
    return Event("w", 1, 1, bytes(32), MAY, type_, data, (), (1, "", MAY, kind))


def pruned(rows: int, table: str = "events", class_: str = "traffic", name: str = "p1") -> Event:
    parts = [{"table": table, "class": class_, "month": 202605, "rows": rows}]
    return event("retention.pruned", {"id": name, "partitions": parts})


def missing(seq: int) -> Finding:
    return Finding(Flaw.MISSING, "not there", seq, "w", seq)


def settle(retention: Retention) -> Report:
    report = Report("x")
    retention.settle(report)
    return report


def lost(retention: Retention, count: int, kind: str = "masking") -> None:
    for seq in range(count):
        retention.event_missing(event("x", {}, kind), missing(seq))


def test_as_many_as_were_pruned_are_excused():
    retention = Retention()
    lost(retention, 5)
    retention.told(pruned(5))
    report = settle(retention)
    assert report.ok
    assert report.notes == ["5 rows of events traffic 202605 were pruned, as the log says"]
    assert retention.pruned_events == 5


def test_one_more_or_less_excuses_none():
    for count in (4, 6):
        retention = Retention()
        lost(retention, count)
        retention.told(pruned(5))
        assert settle(retention).total_findings == count


def test_another_class_is_not_excused():
    retention = Retention()
    lost(retention, 5, kind="decision")
    retention.told(pruned(5))
    assert settle(retention).total_findings == 5


def test_the_last_event_of_one_id_counts_and_two_ids_add_up():
    retention = Retention()
    lost(retention, 7)
    for made in (pruned(9), pruned(4), pruned(3, name="p2")):
        retention.told(made)
    assert settle(retention).ok


def test_frames_by_their_own_month():
    retention = Retention()
    retention.frame_missing(FRAME, Finding(Flaw.FRAME, "frame 0 of 1 is not there", 1, "w", 1))
    retention.told(pruned(1, "frames", ""))
    assert settle(retention).ok


def test_a_frame_masked_anew_must_be_the_one_that_the_log_names():
    told = {"frames": [{"writer": "w", "seq": 1, "ordinal": 0, "h": (b"n" * 32).hex(), "n": 2}]}
    for digest, length, fine in ((b"n" * 32, 2, True), (b"o" * 32, 2, False), (b"n" * 32, 3, False)):
        retention = Retention()
        retention.frame_other(("w", 1, 0), digest, length, Finding(Flaw.FRAME, "other", 1, "w", 1))
        retention.told(event("frame.remasked", told))
        assert settle(retention).ok is fine


def test_what_the_store_refused_is_neither_pruned_nor_hidden():
    retention = Retention()
    lost(retention, 3)
    retention.told(event("log.quarantined", {"writer": "w", "seq": 2}))
    retention.told(pruned(2))
    report = settle(retention)
    assert report.ok
    assert any("quarantine" in note for note in report.notes)


def test_many_are_counted_and_some_are_named():
    retention = Retention()
    lost(retention, 1500)
    report = settle(retention)
    assert report.total_findings == 1500
    assert len(report.findings) == 1000
