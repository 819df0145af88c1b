"""How long a hold lasts, and what is asked."""

from dataclasses import replace

import pytest

from approvals.view import Hit, View
from extproc.question import SHOWN_BYTES, Question, TooLargeToShow
from snapshot.verdict import MalformedVerdict
from tests.kit.playbook import held, verdict

VIEW = View("{}", "application/json", action="POST /x", risk="high", findings=(Hit("email", "$.a", 2),))


@pytest.mark.parametrize(
    ("expires_s", "max_wait", "wait", "envoy"),
    [(540, 3300, 545, 605), (3300, 3300, 3305, 3365), (3300, 60, 65, 125), (1, 3300, 6, 66)],
)
def test_our_deadline_comes_before_envoys_and_both_below_its_ceiling(
    expires_s: int, max_wait: int, wait: float, envoy: int
) -> None:
    question = Question(held(expires_s=expires_s), max_wait)
    assert (question.wait_seconds, question.envoy_seconds) == (wait, envoy)
    assert question.wait_seconds < question.envoy_seconds <= 3600


def test_respond_waits_for_nobody() -> None:
    question = Question(held(wait="respond", expires_s=86400), 3300)
    assert (question.responds, question.envoy_seconds) == (True, 60)


def test_what_is_asked_is_what_was_decided() -> None:
    known = replace(held(), owner="dave@bank.example", justification="month end", jti="j-1")
    ask = Question(known, 3300).ask("https://up", VIEW, "f" * 64)
    assert (ask.session, ask.jti) == (known.session, "j-1"), "a revocation finds it by these"
    assert (ask.exchange, ask.connection, ask.snapshot) == ("e-1", "anthropic", known.snapshot)
    assert (ask.issuer, ask.subject, ask.agent, ask.owner) == (
        known.issuer,
        known.subject,
        known.agent,
        "dave@bank.example",
    )
    assert (ask.terms, ask.rule, ask.message, ask.justification) == (
        known.approval,
        "ledger_write",
        "A write.",
        "month end",
    )
    assert (ask.upstream, ask.received_digest) == ("https://up", known.request_digest)
    assert (ask.target, ask.action) == ("f" * 64, "POST /x")
    assert (ask.risk, ask.hits, View.read(ask.shown)) == ("high", 2, VIEW)


def test_nobody_answers_for_a_part() -> None:
    with pytest.raises(TooLargeToShow):
        Question(held(), 3300).ask("https://up", View("x" * (SHOWN_BYTES + 1)), "f" * 64)


def test_a_hold_without_terms_is_no_hold() -> None:
    with pytest.raises(MalformedVerdict):
        _ = Question(verdict(), 3300).terms


@pytest.mark.parametrize(
    ("patience", "elapsed", "wait"),
    [(0, 9, 545), (600, 0, 545), (60, 0, 57), (60, 10, 47), (8, 0, 5), (4, 0, 2), (4, 9, 0.1)],
)
def test_a_caller_is_told_before_it_gives_up(patience: int, elapsed: float, wait: float) -> None:
    question = Question(replace(held(), patience=patience), 3300)
    assert question.wait(elapsed) == wait
    assert question.impatient == (0 < patience < 540)
