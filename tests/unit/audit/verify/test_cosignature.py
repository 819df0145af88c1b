"""What a witness's line proves, and when its absence is a finding."""

import pytest

from audit.verify import CannotVerify, Flaw, NoteRefused, Report
from audit.verify.cosignature import Cosigned, cosigned, judge
from audit.verify.cosignature import Witness as Known
from tests.kit.signed_log import evidence, keys
from tests.kit.witness import Witness

MADE = evidence([0, 1, 0, 1])
STRANGER = Witness("")
KNOWN = Known.parse(STRANGER.vkey)


def note(size: int, made: Witness = STRANGER) -> str:
    return MADE.notes[size] + made.cosign(MADE.notes[size].rpartition("\n\n")[0] + "\n")


def found(*sizes: int, size: int = 4, began: int = 0, now: int = STRANGER.now, patience: int = 3600) -> Report:
    report, kept = Report("x"), [(f"folder/{at}", note(at)) for at in sizes]
    judge(KNOWN, kept, keys(), report, size=size, began=began, now=now, patience=patience)
    return report


def test_a_line_of_the_witness_says_what_it_saw_and_when():
    assert cosigned(note(3), KNOWN, keys()) == Cosigned(3, STRANGER.now)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (MADE.notes[3], "has no cosignature"),
        (note(3, Witness("")), "has no cosignature"),  # the same name, another key
        (note(3).replace(MADE.notes[3], MADE.notes[2]), "does not fit"),  # cosigned something else
        (MADE.notes[3].rpartition("\u2014")[0] + note(3)[len(MADE.notes[3]) :], "no trusted key"),  # not the log's
    ],
)
def test_what_the_witness_did_not_sign_is_refused(text: str, says: str):
    with pytest.raises(NoteRefused, match=says):
        cosigned(text, KNOWN, keys())


@pytest.mark.parametrize("vkey", ["", "a+b", "name+00000000+AAAA", STRANGER.vkey.replace("w1+", "w2+")])
def test_a_key_that_is_none_is_said(vkey: str):
    with pytest.raises(CannotVerify):
        Known.parse(vkey)


def test_a_log_that_is_cosigned_as_it_is_needs_no_more():
    assert found(2, 4, now=10**10).ok


def test_what_came_since_may_wait_for_a_while_and_no_longer():
    assert found(2, now=STRANGER.now + 3600).ok
    (missing,) = found(2, now=STRANGER.now + 3601).findings
    assert (missing.flaw, missing.log_index) == (Flaw.MISSING, 2)


def test_a_log_without_any_is_named_when_it_is_no_longer_new():
    assert found(began=100, now=3700).ok
    (missing,) = found(began=100, now=3701).findings
    assert (missing.flaw, missing.log_index) == (Flaw.MISSING, 0)
    assert "of any checkpoint, though the log has 4 entries" in missing.message
