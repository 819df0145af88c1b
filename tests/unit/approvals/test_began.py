"""How long something has been open, whatever is done to the wall clock."""

from approvals.began import Began
from runtime.clock import FixedClock


def test_counts_from_the_first_fact_until_it_ends() -> None:
    clock = FixedClock(us=100)
    began = Began(clock)
    assert began.took_us("a") is None
    began.note("a", 1, ended=False)
    clock.advance(30)
    assert began.took_us("a") == 30
    began.note("a", 2, ended=False)
    clock.advance(5)
    assert began.took_us("a") == 35, "later facts do not begin anew"
    began.note("a", 3, ended=True)
    assert began.took_us("a") is None
    assert len(began) == 0


def test_what_another_process_began_is_not_known() -> None:
    began = Began(FixedClock())
    began.note("old", 4, ended=False)
    assert began.took_us("old") is None
