"""A report of the verifier, told with records named `writer/seq`."""

from audit.verify import Finding, Flaw, Report
from console.verifying import told


def test_a_good_record_is_one_line_and_its_notes():
    report = Report("package x", events=3, frames=2, writers={"a.1": (1, 3)}, checkpoints=1, confirmed_size=3)
    report.note("a note")
    assert told(report) == [
        "OK: package x: 3 events of 1 writers, 2 frames; 1 checkpoints confirmed, the largest over 3 entries",
        "note: a note",
    ]


def test_each_finding_names_its_record():
    report = Report("package x")
    report.add(Finding(Flaw.EDITED, "not what was signed", 7, "authz.1f2e", 3))
    report.add(Finding(Flaw.MISSING, "gone", 8))
    report.add(Finding(Flaw.CUT_OFF, "the end is gone"))
    assert told(report)[0].startswith("FAILED, 3 findings: package x: ")
    assert told(report)[1:] == [
        "EDITED: authz.1f2e/3, log index 7: not what was signed",
        "MISSING: log index 8: gone",
        f"{Flaw.CUT_OFF.value.upper()}: the end is gone",
    ]
