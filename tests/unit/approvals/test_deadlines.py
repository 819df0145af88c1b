"""Many deadlines, one timer."""

from approvals.deadlines import Deadlines


def test_earliest_first_and_only_once() -> None:
    deadlines: Deadlines[str] = Deadlines()
    for key, at in (("late", 30), ("early", 10), ("middle", 20)):
        deadlines.set(key, at)
    assert deadlines.next() == 10
    assert deadlines.pop_due(20, 10) == ["early", "middle"]
    assert deadlines.pop_due(20, 10) == []
    assert (deadlines.next(), len(deadlines)) == (30, 1)


def test_moving_and_removing() -> None:
    deadlines: Deadlines[str] = Deadlines()
    deadlines.set("a", 10)
    deadlines.set("a", 50)
    deadlines.set("b", 20)
    deadlines.set("b", None)
    deadlines.set("never", None)
    assert deadlines.pop_due(49, 10) == []
    assert (deadlines.has("a"), deadlines.has("b")) == (True, False)
    assert deadlines.pop_due(50, 10) == ["a"]


def test_not_more_than_asked_for() -> None:
    deadlines: Deadlines[int] = Deadlines()
    for key in range(5):
        deadlines.set(key, key)
    assert deadlines.pop_due(9, 2) == [0, 1]
    assert deadlines.pop_due(9, 9) == [2, 3, 4]


def test_a_deadline_that_moves_a_thousand_times_takes_no_room() -> None:
    deadlines: Deadlines[str] = Deadlines()
    for at in range(1000):
        deadlines.set("a", at)
    assert len(deadlines._heap) < 100
    assert deadlines.pop_due(998, 9) == []
    assert deadlines.pop_due(999, 9) == ["a"]
