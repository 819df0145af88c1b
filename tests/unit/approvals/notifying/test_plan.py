"""Deliveries over time: once each, later and later again, and not to people whom it does not concern."""

from typing import Any

from approvals.notifying.message import BREAK_GLASS, REQUESTED, Note
from approvals.notifying.plan import AGAIN_S, BURST, MOST, Outcome, Plan
from runtime.settings import Notifier

SECOND = 1_000_000


def notifier(name: str = "hook", **changed: Any) -> Notifier:
    return Notifier(name=name, kind="webhook", url="https://hook.example", **changed)


def note(number: int = 1, what: str = REQUESTED, groups: tuple[str, ...] = ("ledger",)) -> Note:
    return Note(f"n-{number}", what, f"a-{number}", "t", "l", {}, groups)


def told(plan: Plan, now_s: float) -> list[tuple[str, str, int]]:
    due = plan.due(int(now_s * SECOND))
    return [(delivery.notifier, delivery.note.id, delivery.attempt) for delivery in due]


def test_each_notifier_once() -> None:
    plan = Plan([notifier("a"), notifier("b")])
    for _ in range(3):
        plan.add(note(), 0)
    assert told(plan, 0) == [("a", "n-1", 1), ("b", "n-1", 1)]
    plan.add(note(), 0)  # under way
    assert told(plan, 9) == []


def test_what_was_delivered_before_is_not_sent_again() -> None:
    plan = Plan([notifier("a"), notifier("b")], frozenset({("a", "n-1")}))
    plan.add(note(), 0)
    assert told(plan, 0) == [("b", "n-1", 1)]


def test_whom_it_does_not_concern() -> None:
    plan = Plan([notifier("a", groups=["treasury"]), notifier("b", about=[BREAK_GLASS]), notifier("c")])
    plan.add(note(), 0)
    assert told(plan, 0) == [("c", "n-1", 1)]
    plan.add(note(2, BREAK_GLASS, ("treasury",)), 0)
    assert [name for name, _, _ in told(plan, 0)] == ["a", "b", "c"]


def test_a_second_group_is_called_if_it_waits_still() -> None:
    plan = Plan([notifier("first"), notifier("second", after_seconds=600)])
    plan.add(note(1), 0)
    plan.add(note(2), 0)
    assert [name for name, _, _ in told(plan, 1)] == ["first", "first"]
    assert plan.next_us() == 600 * SECOND
    plan.drop("a-1")  # somebody answered
    assert told(plan, 599.9) == []
    assert told(plan, 600) == [("second", "n-2", 1)]


def test_a_failure_is_tried_again_later_and_later_and_then_given_up() -> None:
    plan, now = Plan([notifier()]), 0.0
    plan.add(note(), 0)
    outcomes = []
    for attempt in range(1, MOST + 1):
        (delivery,) = plan.due(int(now * SECOND))
        assert delivery.attempt == attempt
        outcomes.append(plan.ended(delivery, Outcome.FAILED, int(now * SECOND)))
        if attempt < MOST:
            assert told(plan, now + AGAIN_S[attempt - 1] - 0.1) == []
            now += AGAIN_S[attempt - 1]
    assert outcomes == [Outcome.FAILED] * (MOST - 1) + [Outcome.GIVEN_UP]
    plan.add(note(), 0)
    assert told(plan, now + 9999) == []


def test_what_was_answered_during_an_attempt_is_not_tried_again() -> None:
    plan = Plan([notifier()])
    plan.add(note(1), 0)
    plan.add(note(2), 0)
    answered, waits = plan.due(0)
    plan.drop("a-1")
    assert plan.ended(answered, Outcome.FAILED, 0) is Outcome.GIVEN_UP
    assert plan.ended(waits, Outcome.FAILED, 0) is Outcome.FAILED
    assert told(plan, 9999) == [("hook", "n-2", 2)]


def test_what_is_refused_for_good_is_not_tried_again() -> None:
    plan = Plan([notifier()])
    plan.add(note(), 0)
    (delivery,) = plan.due(0)
    assert plan.ended(delivery, Outcome.REFUSED, 0) is Outcome.REFUSED
    assert plan.next_us() is None


def test_one_that_does_not_answer_keeps_no_other_waiting() -> None:
    plan = Plan([notifier("dead"), notifier("well")])
    for number in range(3 * BURST):
        plan.add(note(number), 0)
    went = 0
    while well := [delivery for delivery in plan.due(0) if delivery.notifier == "well"]:
        went += len(well)
        for delivery in well:
            plan.ended(delivery, Outcome.DELIVERED, 0)
    assert went == 3 * BURST
    assert plan.next_us() is None, "the dead one is full, and the other has nothing to do"


def test_what_is_over_is_forgotten() -> None:
    plan = Plan([notifier("a"), notifier("b")])
    empty = held(plan)
    for number in range(1000):
        plan.add(note(number), 0)
    for _ in range(3):
        for delivery in plan.due(0):
            plan.ended(delivery, Outcome.DELIVERED, 0)
    last = plan.due(0)
    for number in range(1000):
        plan.drop(f"a-{number}")
    for delivery in last:
        assert plan.ended(delivery, Outcome.FAILED, 0) is Outcome.GIVEN_UP
    assert held(plan) == empty
    assert plan.due(9999 * SECOND) == []


def held(plan: Plan) -> int:
    """How much it remembers."""
    sizes = [len(each) for each in vars(plan).values()]
    nested = [len(each) for kept in vars(plan).values() if isinstance(kept, dict) for each in kept.values()]
    return sum(sizes) + sum(nested)


def test_a_burst_goes_out_in_turn() -> None:
    plan = Plan([notifier()])
    for number in range(BURST + 5):
        plan.add(note(number), 0)
    first = plan.due(0)
    assert (len(first), plan.due(0), plan.next_us()) == (BURST, [], None)
    for delivery in first[:3]:
        plan.ended(delivery, Outcome.DELIVERED, 0)
    assert len(plan.due(0)) == 3
