"""Several authz processes share the counters: each request still has one place in line."""

from pathlib import Path

from tests.kit.counting import EACH, PROCESSES, places

MOST = 10


def test_fifty_of_two_processes_at_a_threshold_let_exactly_the_allowed_ones_through(tmp_path: Path) -> None:
    seen = places(str(tmp_path / "usage.db"), MOST)
    assert len(seen) == PROCESSES * EACH
    assert sorted(number for number in seen if number <= MOST) == list(range(1, MOST + 1))
