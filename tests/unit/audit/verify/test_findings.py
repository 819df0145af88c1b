import json

from audit.verify.findings import MAX_KEPT, Finding, Flaw, Report


def test_a_finding_says_where_and_what():
    assert str(Finding(Flaw.EDITED, "why", 7, "w", 3)) == "EDITED: log index 7, w seq 3: why"
    assert str(Finding(Flaw.FORGED, "why")) == "FORGED: why"
    assert str(Finding(Flaw.MISSING, "why", None, "w")) == "MISSING: w: why"


def test_the_first_finding_is_the_first_in_the_log():
    report = Report("here")
    for index in (9, 3, None, 5):
        report.add(Finding(Flaw.EDITED, "why", index))
    report.sort()
    assert [found.log_index for found in report.findings] == [3, 5, 9, None]
    assert report.lines()[0].startswith("FAILED: here: 4 findings")


def test_a_flood_of_findings_is_counted_and_not_kept():
    report = Report("here")
    for index in range(MAX_KEPT + 10):
        report.add(Finding(Flaw.FORGED, "why", index))
    assert (len(report.findings), report.total_findings) == (MAX_KEPT, MAX_KEPT + 10)


def test_reports_merge_and_read_as_json():
    one, two = Report("here", events=1, writers={"a": (1, 2)}), Report("there", frames=2, notes=["note"])
    one.note("note")
    one.merge(two)
    assert one.ok
    assert one.lines()[0].startswith("OK: here: 1 events of 1 writers, 2 frames")
    assert json.loads(json.dumps(one.as_dict()))["notes"] == ["note"]
