from dataclasses import replace

from audit.verify import merkle
from audit.verify.findings import Finding, Flaw, Report
from audit.verify.roots import Roots
from tests.kit.signed_log import evidence

MADE = evidence([0, 1, 0, 1, 0, 1])
LEAVES = [merkle.leaf(item.body) for item in MADE.rows]


def run(*sizes: int, change: int | None = None, leaves: int = 6, before: Finding | None = None) -> Report:
    report = Report("test")
    roots = Roots([MADE.checkpoint(size) for size in sizes], None, report)
    for index, leaf in enumerate(LEAVES[:leaves]):
        roots.add(bytes(32) if index == change else leaf)
    if before:
        report.add(before)
    roots.finish(leaves)
    return report


def test_confirms_every_checkpoint_on_the_way():
    report = run(2, 4, 6)
    assert (report.ok, report.checkpoints, report.confirmed_size, report.notes) == (True, 3, 6, [])


def test_says_how_many_are_not_signed_yet():
    assert run(4).notes == ["the newest 2 entries are not under a checkpoint yet"]


def test_names_the_span_since_the_last_checkpoint_that_fitted():
    report = run(2, 4, 6, change=3)
    assert [(found.flaw, found.log_index) for found in report.findings] == [(Flaw.EDITED, 2)]
    assert "log index 2 to 3" in report.findings[0].message


def test_says_nothing_of_the_span_when_the_record_itself_was_named():
    report = run(2, 4, 6, change=3, before=Finding(Flaw.EDITED, "why", 3))
    assert report.total_findings == 1
    report = run(2, 4, 6, change=3, before=Finding(Flaw.EDITED, "why", 1))
    assert report.total_findings == 2


def test_a_checkpoint_over_more_than_there_is_shows_a_cut():
    report = run(2, 6, leaves=3)
    assert [(found.flaw, found.log_index) for found in report.findings] == [(Flaw.CUT_OFF, 3)]


def test_two_histories_of_one_size_cannot_both_be_right():
    report = Report("test")
    forked = replace(MADE.checkpoint(4), root=bytes(32), source="another")
    roots = Roots([MADE.checkpoint(4), forked], None, report)
    for leaf in LEAVES:
        roots.add(leaf)
    roots.finish(6)
    assert "another" in report.findings[0].message
