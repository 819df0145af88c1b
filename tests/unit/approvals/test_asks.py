"""What a request for approval must be like."""

from typing import Any

import pytest

from approvals.asks import MAX_NAME, MAX_SHOWN, NAMES, NEEDED, checked, narrowed
from approvals.errors import AskInvalid
from approvals.evidence import Change, draft
from approvals.facts import MAX_JUSTIFICATION, MAX_MESSAGE, NOTHING_LESS, Card, Narrowing, Shown
from approvals.machine import fold, request
from audit.write.event import MAX_BODY, SALT_BYTES, compose
from snapshot.decision import MAX_NAMES, ApprovalTerms
from tests.kit.approvals import ask

WIDE = "\U0001f600"  # four bytes of UTF-8


@pytest.mark.parametrize("name", NAMES)
def test_names_are_short_and_printable(name: str) -> None:
    for value in ("x" * (MAX_NAME + 1), "a\nb", "a\x1bb", "a\u202eb"):
        with pytest.raises(AskInvalid, match=name):
            checked(ask(**{name: value}))


@pytest.mark.parametrize("name", NEEDED)
def test_what_must_be_there(name: str) -> None:
    with pytest.raises(AskInvalid, match=name):
        checked(ask(**{name: ""}))


@pytest.mark.parametrize(
    "terms",
    [
        ApprovalTerms(),
        ApprovalTerms(any=("",)),
        ApprovalTerms(any=("x" * 129,)),
        ApprovalTerms(all=("a", "a")),
        ApprovalTerms(any=tuple(f"g{n}" for n in range(MAX_NAMES + 1))),
        ApprovalTerms(any=("a",), quorum=0),
        ApprovalTerms(any=("a",), quorum=21),
        ApprovalTerms(any=("a",), expires_s=0),
        ApprovalTerms(any=("a",), expires_s=10**9),
    ],
)
def test_terms_that_nobody_could_meet(terms: ApprovalTerms) -> None:
    with pytest.raises(AskInvalid, match="terms"):
        checked(ask(terms=terms))


def test_shown_has_a_media_type() -> None:
    for shown in (Shown("text/\x00", b""), Shown("text/plain", b"x" * (MAX_SHOWN + 1))):
        with pytest.raises(AskInvalid, match="shown"):
            checked(ask(shown=shown))


def test_free_texts_are_made_plain_and_cut() -> None:
    found = checked(ask(message="a\x1b[2Jb" + "x" * 9999, justification="line 1\nline 2\ttab\u202e" + "y" * 9999))
    assert found.message.startswith("a [2Jbx")
    assert found.justification.startswith("line 1\nline 2 tab y")
    assert (len(found.message), len(found.justification)) == (MAX_MESSAGE, MAX_JUSTIFICATION)


def test_the_largest_ask_fits_into_an_event() -> None:
    names: dict[str, Any] = {name: WIDE * MAX_NAME for name in NAMES}
    groups = tuple(f"{n:0128}" for n in range(2 * MAX_NAMES))
    terms = ApprovalTerms(any=groups[:MAX_NAMES], all=groups[MAX_NAMES:], quorum=20, expires_s=604_800)
    words = {"message": WIDE * MAX_MESSAGE, "justification": WIDE * MAX_JUSTIFICATION}
    found = checked(ask(**names, **words, terms=terms, shown=Shown("x" * 100, b"x" * MAX_SHOWN)))
    fact = request("a" * 36, Card.of(found), 1)
    event = draft(Change(fold([fact]), fact, found.shown))
    entry = compose(event, event_id="b" * 36, ts_us=1, salts=[bytes(SALT_BYTES)] * len(event.frames))
    assert len(event.frames) == 64
    assert entry.fields
    assert MAX_BODY == 60_000


def test_a_grant_of_less_names_what_the_policy_has() -> None:
    less = Narrowing(("pci", "pci"), 10)
    assert narrowed(less, lambda: ("pci", "floor")) == Narrowing(("pci",), 10)
    with pytest.raises(AskInvalid, match="it has floor"):
        narrowed(less, lambda: ("floor",))


def test_a_plain_grant_needs_no_snapshot() -> None:
    def none() -> tuple[str, ...]:
        raise AssertionError("nobody asks")

    assert narrowed(NOTHING_LESS, none) == NOTHING_LESS
