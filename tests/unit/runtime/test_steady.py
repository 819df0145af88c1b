"""Times of one exchange are in order, whatever is done to the wall clock."""

from runtime.clock import Steady


class Moved:
    """A wall clock that somebody sets back."""

    wall, mono = 1_000_000, 50

    def now_us(self) -> int:
        return self.wall

    def monotonic_us(self) -> int:
        return self.mono


def test_the_wall_clock_is_asked_once() -> None:
    clock = Moved()
    time = Steady(clock)
    clock.wall, clock.mono = 3, 57
    assert (time.began_us, time.now_us(), time.elapsed_us()) == (1_000_000, 1_000_007, 7)
