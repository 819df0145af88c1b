"""What the kernel says of the wall clock, and nothing where it says nothing."""

import pytest

from runtime.clock_quality import STA_UNSYNC, TIME_ERROR, Quality, quality, read


@pytest.mark.parametrize(("state", "status", "maxerror", "expected"), [
    (0, 0, 1500, Quality("synchronised", 1500)),
    (3, 0x2001, 7, Quality("synchronised", 7)),  # a leap second is in progress, in nanosecond mode
    (TIME_ERROR, STA_UNSYNC, 16_000_000, Quality("unsynchronised")),
    (0, STA_UNSYNC, 1500, Quality("unsynchronised")),
    (-1, 0, 0, Quality("unknown")),
])  # fmt: skip
def test_what_it_says(state: int, status: int, maxerror: int, expected: Quality) -> None:
    assert read(state, status, maxerror) == expected


def test_this_machine_is_asked() -> None:
    found = quality()
    assert found.state in ("synchronised", "unsynchronised", "unknown")
    assert found.to_facts() == {"state": found.state, "error_us": found.error_us}
    assert found.error_us == 0 or found.state == "synchronised"
