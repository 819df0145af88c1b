"""The life of an approval, row by row. Times are seconds after the request, to be read as a story."""

from dataclasses import fields, replace
from typing import Any

import pytest

from approvals.facts import Binding, Card, Left, Returned, Shown, State, Used, Vote, Voter
from approvals.machine import MAX_EXCHANGES, TABLE, Approval, IllegalFact, Move, Phase, apply, decide, fold, request
from approvals.steps import Consume, Grant, Leave, Refuse, Return, Revoke, Step, Tick, Why
from snapshot.decision import ApprovalTerms
from tests.kit.approvals import ask
from tests.kit.signatures import signature

T0 = 1_700_000_000_000_000
EXPIRES_S = 540
GROUP = "ledger-approvers"
ASK = ask()


def at(seconds: float) -> int:
    return T0 + int(seconds * 1_000_000)


def person(name: str, *groups: str) -> Voter:
    return Voter("https://people.example", name, f"{name}@bank.example", groups or (GROUP,))


ALICE, BOB, RITA = person("alice"), person("bob"), person("rita", "risk")


def vote(who: Voter, justification: str = "", shown: str = ASK.shown.digest) -> Vote:
    return Vote(who, shown, justification)


def new(**terms: Any) -> Approval:
    changed = replace(ASK, terms=ApprovalTerms(**{"any": (GROUP,), "expires_s": EXPIRES_S, **terms}))
    return fold([request("approval-1", Card.of(changed), at(0))])


def consume(seconds: float, **changed: str) -> Consume:
    return Consume(at(seconds), replace(ASK.binding, **changed))


def after(approval: Approval, *steps: Step) -> Approval:
    """Every step must do what it asks for, or have nothing to do."""
    for step in steps:
        decided = decide(approval, step)
        assert decided.why is None, decided.why
        approval = fold(decided.facts, approval)
    return approval


def why(approval: Approval, step: Step) -> tuple[Why | None, State]:
    """Why the step did nothing, and the state that it found."""
    decided = decide(approval, step)
    return decided.why, fold(decided.facts, approval).state


def in_phase(phase: Phase) -> Approval:
    """An approval in each phase, by the shortest way."""
    ways: dict[Phase, tuple[Step, ...]] = {
        Phase.REQUESTED: (),
        Phase.REQUESTED_AWAY: (Leave(at(1), "exchange-1"),),
        Phase.GRANTED: (Grant(at(1), vote(ALICE)),),
        Phase.GRANTED_AWAY: (Grant(at(1), vote(ALICE)), Leave(at(2), "exchange-1")),
        Phase.USED: (Grant(at(1), vote(ALICE)), consume(2)),
        Phase.REFUSED: (Refuse(at(1), vote(ALICE)),),
        Phase.EXPIRED: (Tick(at(EXPIRES_S)),),
        Phase.WITHDRAWN: (Leave(at(1), "exchange-1"), Tick(at(61))),
    }
    approval = after(new(), *ways[phase])
    assert approval.phase is phase
    return approval


STEPS: dict[str, Step] = {
    "return": Return(at(10), "exchange-2"),
    "leave": Leave(at(10), "exchange-1"),
    "grant": Grant(at(10), vote(BOB)),
    "refuse": Refuse(at(10), vote(BOB)),
    "consume": consume(10),
    "revoke": Revoke(at(10)),
    "grace": Tick(at(62)),
    "expiry": Tick(at(EXPIRES_S)),
}
OPEN = {
    # from                 step       → phase, or why not
    (Phase.REQUESTED, "return"): Phase.REQUESTED,
    (Phase.REQUESTED, "leave"): Phase.REQUESTED_AWAY,
    (Phase.REQUESTED, "grant"): Phase.GRANTED,
    (Phase.REQUESTED, "refuse"): Phase.REFUSED,
    (Phase.REQUESTED, "consume"): Why.NOT_GRANTED,
    (Phase.REQUESTED, "revoke"): Phase.WITHDRAWN,
    (Phase.REQUESTED, "grace"): Phase.REQUESTED,
    (Phase.REQUESTED, "expiry"): Phase.EXPIRED,
    (Phase.REQUESTED_AWAY, "return"): Phase.REQUESTED,
    (Phase.REQUESTED_AWAY, "leave"): Phase.REQUESTED_AWAY,
    (Phase.REQUESTED_AWAY, "grant"): Phase.GRANTED_AWAY,
    (Phase.REQUESTED_AWAY, "refuse"): Phase.REFUSED,
    (Phase.REQUESTED_AWAY, "consume"): Why.NOT_GRANTED,
    (Phase.REQUESTED_AWAY, "revoke"): Phase.WITHDRAWN,
    (Phase.REQUESTED_AWAY, "grace"): Phase.WITHDRAWN,
    (Phase.REQUESTED_AWAY, "expiry"): Phase.WITHDRAWN,  # the grace had ended before
    (Phase.GRANTED, "return"): Phase.GRANTED,
    (Phase.GRANTED, "leave"): Phase.GRANTED_AWAY,
    (Phase.GRANTED, "grant"): Why.GRANTED,
    (Phase.GRANTED, "refuse"): Phase.REFUSED,
    (Phase.GRANTED, "consume"): Phase.USED,
    (Phase.GRANTED, "revoke"): Phase.WITHDRAWN,
    (Phase.GRANTED, "grace"): Phase.GRANTED,
    (Phase.GRANTED, "expiry"): Phase.EXPIRED,
    (Phase.GRANTED_AWAY, "return"): Phase.GRANTED,
    (Phase.GRANTED_AWAY, "leave"): Phase.GRANTED_AWAY,
    (Phase.GRANTED_AWAY, "grant"): Why.GRANTED,
    (Phase.GRANTED_AWAY, "refuse"): Phase.REFUSED,
    (Phase.GRANTED_AWAY, "consume"): Why.NOT_WAITING,
    (Phase.GRANTED_AWAY, "revoke"): Phase.WITHDRAWN,
    (Phase.GRANTED_AWAY, "grace"): Phase.WITHDRAWN,
    (Phase.GRANTED_AWAY, "expiry"): Phase.WITHDRAWN,
}
FINAL = (Phase.USED, Phase.REFUSED, Phase.EXPIRED, Phase.WITHDRAWN)
NOTHING_TO_DO = ("leave", "revoke", "grace", "expiry")


@pytest.mark.parametrize(("phase", "name"), OPEN)
def test_every_step_in_every_open_phase(phase: Phase, name: str) -> None:
    approval, want = in_phase(phase), OPEN[phase, name]
    decided = decide(approval, STEPS[name])
    reached = fold(decided.facts, approval)
    assert (decided.why or reached.phase) == want
    if decided.why:
        assert reached == approval, "a step that is refused changes nothing"


@pytest.mark.parametrize("phase", FINAL)
@pytest.mark.parametrize("name", STEPS)
def test_a_final_phase_ignores_every_step(phase: Phase, name: str) -> None:
    approval = in_phase(phase)
    decided = decide(approval, STEPS[name])
    assert decided.facts == ()
    assert decided.why == (None if name in NOTHING_TO_DO else Why.of(approval.state))


def test_every_row_of_the_table_is_walked_above() -> None:
    """A new phase or move must come with its own cases."""
    assert {phase for phase, _ in OPEN} | set(FINAL) == set(TABLE)
    assert all(not TABLE[phase] for phase in FINAL)
    assert {move for row in TABLE.values() for move in row} == set(Move)


def test_only_a_grant_that_somebody_waits_for_can_be_used() -> None:
    assert [phase for phase, row in TABLE.items() if Move.USE in row] == [Phase.GRANTED]
    assert [phase for phase, row in TABLE.items() if Move.GRANT in row] == [Phase.REQUESTED, Phase.REQUESTED_AWAY]


# Races.


def test_two_approvers_at_once_the_second_is_told() -> None:
    approval = after(new(), Grant(at(1), vote(ALICE)))
    assert why(approval, Grant(at(1), vote(BOB))) == (Why.GRANTED, State.GRANTED)


def test_a_refusal_wins_over_a_grant_until_it_is_used() -> None:
    granted = after(new(), Grant(at(1), vote(ALICE)))
    assert after(granted, Refuse(at(2), vote(BOB))).state is State.REFUSED
    assert why(after(granted, consume(2)), Refuse(at(3), vote(BOB))) == (Why.USED, State.USED)


def test_whoever_granted_may_still_refuse() -> None:
    assert after(new(), Grant(at(1), vote(ALICE)), Refuse(at(2), vote(ALICE))).state is State.REFUSED


def test_an_answer_just_before_the_deadline_counts() -> None:
    approval = after(new(), Grant(at(EXPIRES_S) - 1, vote(ALICE)))
    assert approval.state is State.GRANTED


@pytest.mark.parametrize("step", [Grant(at(EXPIRES_S), vote(ALICE)), Refuse(at(EXPIRES_S), vote(ALICE))])
def test_an_answer_at_the_deadline_is_too_late(step: Step) -> None:
    assert why(new(), step) == (Why.EXPIRED, State.EXPIRED)


def test_a_grant_outlives_no_deadline_either() -> None:
    granted = after(new(), Grant(at(EXPIRES_S - 1), vote(ALICE)))
    assert why(granted, consume(EXPIRES_S)) == (Why.EXPIRED, State.EXPIRED)


def test_double_consume() -> None:
    used = after(new(), Grant(at(1), vote(ALICE)), consume(2))
    assert why(used, consume(2)) == (Why.USED, State.USED)


def test_two_exchanges_of_one_card_one_release() -> None:
    approval = after(new(), Return(at(1), "exchange-2"), Grant(at(2), vote(ALICE)), consume(3, exchange="exchange-2"))
    assert approval.state is State.USED
    assert why(approval, consume(3)) == (Why.USED, State.USED)


@pytest.mark.parametrize("name", [field.name for field in fields(Binding)])
def test_a_release_must_match_the_binding(name: str) -> None:
    granted = after(new(), Grant(at(1), vote(ALICE)))
    assert why(granted, consume(2, **{name: "another"})) == (Why.NOT_BOUND, State.GRANTED)


def test_restart_in_between_changes_nothing() -> None:
    """Facts come back from the disk: the fold is the approval, wherever the process ended."""
    approval, facts = new(), [request("approval-1", Card.of(ASK), at(0))]
    steps: list[Step] = [Leave(at(1), "exchange-1"), Grant(at(2), vote(ALICE)), Return(at(3), "exchange-2")]
    for step in [*steps, consume(4, exchange="exchange-2")]:
        decided = decide(approval, step)
        facts.extend(decided.facts)  # type: ignore[arg-type]
        approval = fold(decided.facts, approval)
        assert fold(facts) == approval
    assert approval.state is State.USED


# Leaving and coming back.


def test_a_client_that_left_comes_back_to_its_pending_card() -> None:
    approval = after(new(), Leave(at(1), "exchange-1"), Return(at(60), "exchange-2"))
    assert (approval.phase, approval.grace_until_us) == (Phase.REQUESTED, None)
    assert after(approval, Tick(at(62))).phase is Phase.REQUESTED, "the old grace is over and done with"


def test_a_client_that_left_comes_back_to_its_grant() -> None:
    away = after(new(), Leave(at(1), "exchange-1"), Grant(at(2), vote(ALICE)))
    assert away.state is State.GRANTED
    back = after(away, Return(at(60), "exchange-2"))
    assert after(back, consume(61, exchange="exchange-2")).state is State.USED


def test_withdrawn_then_granted() -> None:
    approval = after(new(), Leave(at(1), "exchange-1"))
    assert why(approval, Grant(at(61), vote(ALICE))) == (Why.WITHDRAWN, State.WITHDRAWN)
    assert why(approval, Return(at(61), "exchange-2")) == (Why.WITHDRAWN, State.WITHDRAWN)


def test_grace_does_not_outlast_the_deadline() -> None:
    approval = after(new(), Leave(at(EXPIRES_S - 10), "exchange-1"))
    assert approval.deadline_us == at(EXPIRES_S)
    assert why(approval, Return(at(EXPIRES_S), "exchange-2")) == (Why.EXPIRED, State.EXPIRED)


def test_only_the_last_to_leave_starts_the_grace() -> None:
    approval = after(new(), Return(at(1), "exchange-2"), Leave(at(2), "exchange-1"))
    assert (approval.phase, approval.waiting) == (Phase.REQUESTED, ("exchange-2",))
    assert approval.deadline_us == at(EXPIRES_S)
    assert after(approval, Leave(at(3), "exchange-2")).grace_until_us == at(63)


def test_leaving_twice_or_as_a_stranger_changes_nothing() -> None:
    for exchange in ("exchange-1", "stranger"):
        approval = after(new(), Leave(at(1), "exchange-1"))
        assert after(approval, Leave(at(30), exchange)) == approval


def test_who_left_cannot_consume_before_coming_back() -> None:
    approval = after(new(), Grant(at(1), vote(ALICE)), Return(at(2), "exchange-2"), Leave(at(3), "exchange-1"))
    assert why(approval, consume(4)) == (Why.NOT_WAITING, State.GRANTED)


def test_nobody_waits_where_the_policy_says_respond() -> None:
    approval = after(new(wait="respond"), Leave(at(1), "exchange-1"), Tick(at(100)))
    assert approval.phase is Phase.REQUESTED
    granted = after(approval, Grant(at(101), vote(ALICE)), Return(at(102), "exchange-2"))
    assert after(granted, consume(103, exchange="exchange-2")).state is State.USED


def test_one_card_has_room_for_a_bounded_number_of_exchanges() -> None:
    approval = after(new(), *(Return(at(1), f"more-{n}") for n in range(MAX_EXCHANGES - 1)))
    assert why(approval, Return(at(2), "one too many")) == (Why.TOO_MANY, State.REQUESTED)
    assert why(approval, Return(at(2), "more-1")) == (None, State.REQUESTED)


# Answers.


def test_quorum_of_two() -> None:
    approval = after(new(quorum=2), Grant(at(1), vote(ALICE)))
    assert approval.state is State.REQUESTED
    assert why(approval, Grant(at(2), vote(ALICE))) == (Why.ANSWERED, State.REQUESTED)
    assert after(approval, Grant(at(3), vote(BOB))).state is State.GRANTED


def test_one_person_in_two_groups_is_one_person() -> None:
    both = person("rob", GROUP, "risk")
    approval = after(new(any=(), all=(GROUP, "risk")), Grant(at(1), vote(both)))
    assert approval.state is State.REQUESTED
    again = replace(both, groups=("risk",))
    assert why(approval, Grant(at(2), vote(again))) == (Why.ANSWERED, State.REQUESTED)
    assert after(approval, Grant(at(3), vote(ALICE))).state is State.GRANTED


def test_the_same_name_at_another_issuer_is_another_person() -> None:
    other = replace(ALICE, issuer="https://contractors.example")
    assert after(new(quorum=2), Grant(at(1), vote(ALICE)), Grant(at(2), vote(other))).state is State.GRANTED


def test_votes_survive_the_client_leaving_and_coming_back() -> None:
    approval = after(new(quorum=2), Grant(at(1), vote(ALICE)), Leave(at(2), "exchange-1"), Return(at(3), "exchange-2"))
    assert after(approval, Grant(at(4), vote(BOB))).state is State.GRANTED


@pytest.mark.parametrize("kind", [Grant, Refuse])
def test_an_answer_is_about_what_was_shown(kind: type[Grant | Refuse]) -> None:
    other = Shown("application/json", b"{}").digest
    assert why(new(), kind(at(1), vote(ALICE, shown=other))) == (Why.SHOWN_DIFFERS, State.REQUESTED)


@pytest.mark.parametrize("kind", [Grant, Refuse])
@pytest.mark.parametrize("words", ["", "  \n"])
def test_a_justification_that_the_policy_asks_for(kind: type[Grant | Refuse], words: str) -> None:
    approval = new(justification="required")
    assert why(approval, kind(at(1), vote(ALICE, words))) == (Why.JUSTIFICATION, State.REQUESTED)
    assert after(approval, kind(at(1), vote(ALICE, "invoice 4711"))).state is not State.REQUESTED


@pytest.mark.parametrize("kind", [Grant, Refuse])
def test_a_signature_that_the_terms_ask_for(kind: type[Grant | Refuse]) -> None:
    approval = new(signature=True)
    assert why(approval, kind(at(1), vote(ALICE))) == (Why.SIGNATURE, State.REQUESTED)
    signed = replace(vote(ALICE), signature=signature())
    assert after(approval, kind(at(1), signed)).state is not State.REQUESTED


def test_revocation_ends_what_is_open_and_nothing_else() -> None:
    assert after(new(), Revoke(at(1))).withdrawn == "revoked"
    used = in_phase(Phase.USED)
    assert after(used, Revoke(at(9))) == used


# Facts that cannot be.


@pytest.mark.parametrize(
    "fact",
    [
        Used(2, at(1), "exchange-1"),  # not granted
        Left(3, at(1), "exchange-1"),  # a gap
        request("approval-1", new().card, at(1)),
    ],
)
def test_facts_without_a_row(fact: Any) -> None:
    approval = new()
    if fact.n <= approval.facts:
        assert apply(approval, fact) == approval, "seen before"
        fact = replace(fact, n=2)
    with pytest.raises(IllegalFact):
        apply(approval, fact)


def test_an_approval_begins_with_requested() -> None:
    with pytest.raises(IllegalFact):
        fold([Returned(1, at(0), "exchange-1")])
    with pytest.raises(IllegalFact):
        fold([])
