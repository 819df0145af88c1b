"""Time enters our code here and nowhere else."""

import time
from dataclasses import dataclass
from typing import Protocol


class Clock(Protocol):
    def now_us(self) -> int:
        """Wall clock, microseconds since the Unix epoch (UTC)."""
        ...

    def monotonic_us(self) -> int:
        """Microseconds on a clock that never goes back; only differences mean something."""
        ...


class SystemClock:
    def now_us(self) -> int:
        return time.time_ns() // 1000

    def monotonic_us(self) -> int:
        return time.monotonic_ns() // 1000


class Steady:
    """The time of one exchange: the wall clock when it began, and from then on the clock that never goes back.

    So its times are in order and its durations true, whatever is done to the wall clock meanwhile.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.began_us = clock.now_us()
        self._base = clock.monotonic_us()

    def now_us(self) -> int:
        return self.began_us + self.elapsed_us()

    def elapsed_us(self) -> int:
        return self._clock.monotonic_us() - self._base


@dataclass
class FixedClock:
    """A clock that a test moves by hand."""

    us: int = 1_700_000_000_000_000

    def now_us(self) -> int:
        return self.us

    def monotonic_us(self) -> int:
        return self.us

    def advance(self, us: int) -> None:
        self.us += us
