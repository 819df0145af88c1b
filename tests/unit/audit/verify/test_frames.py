from dataclasses import replace

from audit.verify.body import Event, NamedFrame
from audit.verify.findings import Report
from audit.verify.frames import Expected, FrameRecord
from audit.verify.retention import Retention

NAMED = NamedFrame("request", 0, 7, "text/plain", 3, b"d" * 32)
FRAME = FrameRecord("w", 5, 0, "request", 0, 7, "text/plain", 3, b"d" * 32, b"d" * 32)


def check(*stored: FrameRecord, named: tuple[NamedFrame, ...] = (NAMED,)) -> list[str]:
    expected, report = Expected(), Report("test")
    expected.add(Event("w", 5, 1, bytes(32), 0, "t", {}, named, ()), 9)
    assert expected.spans() == {"w": (5, 5)}
    retention = Retention()
    expected.check(stored, report, retention)
    retention.settle(report)
    assert all(found.log_index in (9, None) for found in report.findings)
    return [found.message for found in report.findings]


def test_a_frame_that_is_as_named_is_fine():
    assert check(FRAME) == []
    assert check(named=()) == []


def test_every_way_to_differ_is_told():
    assert check() == ["frame 0 of 1 is not there"]
    assert check(FRAME, FRAME) == ["frame 0: stored a second time"]
    assert check(FRAME, replace(FRAME, ordinal=1)) == ["frame 1: no event names it"]
    assert check(FRAME, replace(FRAME, seq=6)) == ["frame 0: no event names it"]
    assert check(replace(FRAME, digest=b"x" * 32, claimed=b"x" * 32)) == [
        "frame 0: its content is not what the event names"
    ]
    assert "columns beside it" in check(replace(FRAME, digest=b"x" * 32))[0]
    assert "stands beside it" in check(replace(FRAME, claimed=b"x" * 32))[0]
    for change in ({"at_us": 8}, {"media": "x"}, {"direction": "response"}, {"index": 1}, {"length": 4}):
        assert "time, place or type" in check(replace(FRAME, **change))[0]


def test_what_was_checked_is_forgotten():
    expected = Expected()
    expected.add(Event("w", 5, 1, bytes(32), 0, "t", {}, (NAMED,), ()), 9)
    expected.clear()
    report = Report("test")
    expected.check([], report, Retention())
    assert report.ok
    assert expected.spans() == {}
