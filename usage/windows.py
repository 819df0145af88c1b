"""Rolling windows, cut into buckets. Pure.

What happened at `t` counts in a window for the whole of its length and at most one bucket longer: the bucket that the
window's far edge cuts counts whole. So a limit errs on the strict side, by a twelfth (a thirtieth for 30 days).
"""

from dataclasses import dataclass

SECOND = 1_000_000  # µs


@dataclass(frozen=True, slots=True)
class Window:
    """`length`, `bucket`: seconds."""

    name: str
    length: int
    bucket: int

    def at(self, us: int) -> int:
        """Start of the bucket of `us` (unix µs), in unix seconds."""
        return us // SECOND // self.bucket * self.bucket

    def first(self, now_us: int) -> int:
        """Start of the oldest bucket that still counts at `now_us`."""
        return self.at(now_us - self.length * SECOND)


WINDOWS = (
    Window("minute", 60, 5),
    Window("hour", 3600, 300),
    Window("day", 86_400, 7200),
    Window("month", 30 * 86_400, 86_400),  # 30 days
)
