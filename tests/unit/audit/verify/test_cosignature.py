"""What a witness's line proves, and when its absence is a finding."""

import pytest

from audit.verify import CannotVerify, Flaw, NoteRefused, Report
from audit.verify.cosignature import SKEW_SECONDS, Cosigned, Patience, cosigned, judge
from audit.verify.cosignature import Witness as Known
from tests.kit.signed_log import evidence, keys
from tests.kit.witness import Witness

MADE = evidence([0, 1, 0, 1])
STRANGER = Witness("")
KNOWN = Known.parse(STRANGER.vkey)


def note(size: int, made: Witness = STRANGER) -> str:
    return MADE.notes[size] + made.cosign(MADE.notes[size].rpartition("\n\n")[0] + "\n")


NOW = STRANGER.now


def found(*sizes: int, began: int | None = 0, now: int = NOW) -> Report:
    """What is said at `now` of a log of four entries, each recorded at `began`, of which these sizes are cosigned."""
    report, kept = Report("x"), [(f"folder/{at}", note(at)) for at in sizes]
    judge(KNOWN, kept, keys(), report, size=4, patience=Patience(now, 3600, lambda _: began))
    return report


def offline(*notes: str, spare: int = 0) -> Report:
    report = Report("x")
    judge(KNOWN, [("folder", text) for text in notes], keys(), report, size=4, spare=spare)
    return report


def test_a_line_of_the_witness_says_what_it_saw_and_when():
    assert cosigned(note(3), KNOWN, keys()) == Cosigned(3, STRANGER.now)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (note(3).replace(MADE.notes[3], MADE.notes[2]), "does not fit"),  # cosigned something else
        (MADE.notes[3].rpartition("\u2014")[0] + note(3)[len(MADE.notes[3]) :], "no trusted key"),  # not the log's
    ],
)
def test_what_the_witness_did_not_sign_is_refused(text: str, says: str):
    with pytest.raises(NoteRefused, match=says):
        cosigned(text, KNOWN, keys())


@pytest.mark.parametrize("text", [MADE.notes[3], note(3, Witness(""))])  # none, and the same name with another key
def test_a_note_without_its_line_is_not_of_this_witness(text: str):
    assert cosigned(text, KNOWN, keys()) is None


@pytest.mark.parametrize("vkey", ["", "a+b", "name+00000000+AAAA", STRANGER.vkey.replace("w1+", "w2+")])
def test_a_key_that_is_none_is_said(vkey: str):
    with pytest.raises(CannotVerify):
        Known.parse(vkey)


def test_a_log_that_is_cosigned_as_it_is_needs_no_more():
    assert found(2, 4, now=NOW + 10**7).ok


def test_what_came_since_may_wait_for_a_while_and_no_longer():
    waiting = found(2, now=NOW + 3600)
    assert waiting.ok
    assert "witness.example/w1 vouches for none of the newest 2 entries yet" in waiting.notes
    (missing,) = found(2, now=NOW + 3601).findings
    assert (missing.flaw, missing.log_index) == (Flaw.MISSING, 2)


def test_a_new_entry_after_a_long_rest_may_wait_as_long():
    rested = NOW + 7200
    assert found(2, began=rested, now=rested + 3600).ok
    assert [missing.flaw for missing in found(2, began=rested, now=rested + 3601).findings] == [Flaw.MISSING]


def test_a_log_without_any_is_named_when_it_is_no_longer_new():
    assert found(began=100, now=3700).ok
    (missing,) = found(began=100, now=3701).findings
    assert (missing.flaw, missing.log_index) == (Flaw.MISSING, 0)
    assert "of any checkpoint, though the log has 4 entries" in missing.message


@pytest.mark.parametrize("sizes", [(), (2,)])
@pytest.mark.parametrize("began", [None, NOW + SKEW_SECONDS + 1, 10**12])
def test_an_entry_that_nobody_can_date_has_waited_for_too_long(sizes: tuple[int, ...], began: int | None):
    assert [missing.flaw for missing in found(*sizes, began=began).findings] == [Flaw.MISSING]


def test_a_cosignature_of_a_time_that_is_yet_to_come_counts_for_nothing():
    assert found(4, now=NOW - SKEW_SECONDS).ok
    forged, missing = found(4, began=NOW - 4000, now=NOW - SKEW_SECONDS - 1).findings
    assert (forged.flaw, missing.flaw) == (Flaw.FORGED, Flaw.MISSING)
    assert "2026-11-20 13:06:40 UTC, which is yet to come" in forged.message


def test_offline_an_early_cosignature_does_not_vouch_for_what_came_later():
    (missing,) = offline(note(1)).findings
    assert (missing.flaw, missing.log_index) == (Flaw.MISSING, 1)
    assert not offline(note(1), spare=2).ok
    allowed = offline(note(1), spare=3)
    assert allowed.ok
    assert "witness.example/w1 vouches for none of the newest 3 entries yet" in allowed.notes


def test_another_witness_or_none_beside_it_is_no_forgery():
    other = note(4, Witness("", name="witness.example/w2"))
    assert offline(note(4), other, MADE.notes[4]).ok
    assert [missing.flaw for missing in offline(other, MADE.notes[4]).findings] == [Flaw.MISSING]
    wrong = note(3).replace(MADE.notes[3], MADE.notes[2])
    assert [forged.flaw for forged in offline(note(4), wrong).findings] == [Flaw.FORGED]
